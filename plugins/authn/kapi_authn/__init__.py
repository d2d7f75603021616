"""Built-in authn plugins of kapi."""
