"""Structural schemas (KEP-1111): compiled once into the types and functions by which custom resources are served."""
