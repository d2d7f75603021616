"""The parts of the garbage collector; :mod:`kapi_controllers.garbage_collector` is its plugin."""
