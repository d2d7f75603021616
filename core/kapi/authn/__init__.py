"""Who is asking: the unions of authenticators, the token cache, service account tokens."""
