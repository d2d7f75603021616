"""Configuration for ``gunicorn -c python:kapi.server.gunicorn_conf``; the flags of ``kapi serve`` are in KAPI_FLAGS.

    export KAPI_FLAGS="--data-dir=/var/lib/kapi --bind-address=0.0.0.0 --workers=4"
    gunicorn -c python:kapi.server.gunicorn_conf

Address, port, number of workers and TLS are kapi's flags; other settings of gunicorn may be given on its command line.
"""

from typing import Any

from kapi.server.asgi import assembly_from_environment
from kapi.server.assembly import prepare
from kapi.server.logs import configure
from kapi.server.open_files import allow_many_files
from kapi.server.worker import forget_earlier_workers, settings

_assembly = assembly_from_environment()
_config = _assembly.config

globals().update(settings(_assembly))
wsgi_app = "kapi.server.asgi:assembly_from_environment()"
bind = (
    f"[{_config.bind_address}]:{_config.secure_port}"
    if ":" in _config.bind_address
    else (f"{_config.bind_address}:{_config.secure_port}")
)


def on_starting(arbiter: Any) -> None:
    """Make keys and certificates before the first worker starts."""
    allow_many_files()
    prepare(_assembly)
    forget_earlier_workers(_config.run_dir)


def post_fork(arbiter: Any, worker: Any) -> None:
    """Set the log of a worker up."""
    configure(_config.verbosity, _config.logging_format)
