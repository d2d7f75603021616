"""The core API group ("", v1): pods, services, namespaces, nodes, volumes, configuration and quotas."""
