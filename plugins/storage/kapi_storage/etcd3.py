"""The store in an etcd cluster, which several servers can share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.contracts.plugins import BuildContext, Option
from kapi.contracts.storage import StorageError, StoragePlugin
from kapi.hookspecs import hookimpl
from kapi_storage.etcd3_servers import Server, parse_server

if TYPE_CHECKING:
    from kapi_storage.etcd3_backend import Etcd3Backend

_GROUP = "Etcd"
_SERVERS = "etcd-servers"
_CA, _CERT, _KEY = "etcd-cafile", "etcd-certfile", "etcd-keyfile"
_HEALTH, _READY = "etcd-healthcheck-timeout", "etcd-readycheck-timeout"
_REUSE = "lease-reuse-duration-seconds"


def _check_servers(value: tuple[str, ...]) -> str | None:
    try:
        for url in value:
            parse_server(url)
    except ValueError as error:
        return str(error)
    return None


def _check_positive(value: float) -> str | None:
    return None if value > 0 else "must be greater than 0"


def _check_not_negative(value: float) -> str | None:
    return None if value >= 0 else "must not be negative"


OPTIONS = (
    Option(_SERVERS, "strings", (), "URLs of etcd servers: http://HOST:PORT,…", _GROUP, check=_check_servers),
    Option(_CA, "path", None, "CA file for the connection to etcd.", _GROUP),
    Option(_CERT, "path", None, "Client certificate for etcd.", _GROUP),
    Option(_KEY, "path", None, "Private key for etcd.", _GROUP),
    Option(_HEALTH, "duration", 2.0, "How long a read may take in the health check.", _GROUP, check=_check_positive),
    Option(_READY, "duration", 2.0, "How long asking for alarms may take there.", _GROUP, check=_check_positive),
    Option(_REUSE, "int", 60, "How long an etcd lease is shared by keys.", _GROUP, check=_check_not_negative),
)


def _servers(urls: Sequence[str]) -> tuple[Server, ...]:
    if not urls:
        raise StorageError("--storage-backend=etcd3 needs --etcd-servers")
    return tuple(map(parse_server, urls))


def _build(context: BuildContext) -> "Etcd3Backend":
    from kapi_storage.etcd3_backend import Etcd3Backend, Etcd3Settings

    options = context.options
    return Etcd3Backend(
        Etcd3Settings(
            servers=_servers(options[_SERVERS]),
            cafile=options[_CA],
            certfile=options[_CERT],
            keyfile=options[_KEY],
            compaction_interval=options["etcd-compaction-interval"],
            healthcheck_timeout=options[_HEALTH],
            readycheck_timeout=options[_READY],
            lease_reuse=options[_REUSE],
        )
    )


@hookimpl
def kapi_register_storage_backends() -> Sequence[StoragePlugin]:
    """Offer ``--storage-backend=etcd3``."""
    return (StoragePlugin("etcd3", "Keeps everything in an etcd cluster", _build, OPTIONS),)
