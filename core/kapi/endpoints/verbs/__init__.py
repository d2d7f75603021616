"""The verbs of resources, one module each."""
