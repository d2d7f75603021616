"""The generic store of all kinds, the table of what is served, and the client for use inside the server."""
