"""The default backend: a SQLite file in the data directory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.contracts.plugins import BuildContext
from kapi.contracts.storage import StoragePlugin
from kapi.hookspecs import hookimpl

if TYPE_CHECKING:
    from kapi_storage.sqlite_backend import SqliteBackend

FILE_NAME = "kapi.db"
DEFAULT_COMPACTION_INTERVAL = 300.0


def _build(context: BuildContext) -> "SqliteBackend":
    # Servers on another backend do not pay for loading SQLite.
    from kapi_storage.sqlite_backend import SqliteBackend

    interval = context.options.get("etcd-compaction-interval", DEFAULT_COMPACTION_INTERVAL)
    return SqliteBackend(context.data_dir / FILE_NAME, compaction_interval=interval)


@hookimpl
def kapi_register_storage_backends() -> Sequence[StoragePlugin]:
    """Offer ``--storage-backend=sqlite``."""
    return (StoragePlugin("sqlite", "Keeps everything in one SQLite file in the data directory", _build),)
