"""Built-in apigroups plugins of kapi."""
