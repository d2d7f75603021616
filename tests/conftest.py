"""Fixtures that all tests share."""

pytest_plugins = ["kapi.testing.fixtures"]
