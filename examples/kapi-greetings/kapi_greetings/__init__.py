"""One kapi plugin of every kind, as small as they can be; each module can be read by itself."""
