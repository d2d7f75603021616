"""kapi: a Kubernetes-compatible API server, assembled from plugins."""

__version__ = "0.1.0"
