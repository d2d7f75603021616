"""The interfaces that plugins implement, and the descriptors that they hand to the server.

With :mod:`kapi.hookspecs`, :mod:`kapi.meta` and :mod:`kapi.testing` these are the only modules of
kapi that a plugin may import.
"""
