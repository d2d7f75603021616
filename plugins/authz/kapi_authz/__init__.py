"""Built-in authz plugins of kapi."""
