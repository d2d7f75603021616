"""Objects on top of a storage backend: stored bytes, the feed of changes, watch caches."""
