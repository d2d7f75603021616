"""Fixtures that all tests share."""

from hypothesis import settings

pytest_plugins = ["kapi.testing.fixtures"]

settings.register_profile("kapi", deadline=None)  # a law does not fail because the machine is busy
settings.load_profile("kapi")
