"""The assembled server: plugins, chains, lifecycle, keys, health, metrics, workers."""
