"""The handler chain: plain ASGI wrappers, one concern each, kept as a list in :mod:`kapi.server.chain`."""
