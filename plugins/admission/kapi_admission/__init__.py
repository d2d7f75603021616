"""Built-in admission plugins of kapi."""
