"""Built-in storage plugins of kapi."""
