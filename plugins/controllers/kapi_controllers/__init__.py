"""Built-in controllers plugins of kapi."""
