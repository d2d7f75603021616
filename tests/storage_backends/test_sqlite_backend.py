"""The sqlite backend keeps the contract."""

from pathlib import Path

from kapi.testing.storage import StorageConformance
from kapi_storage.sqlite_backend import SqliteBackend


class TestSqliteBackend(StorageConformance):
    durable = True
    expiry_seconds = 2.0
    progress_seconds = 3.0

    def make_backend(self, tmp_path: Path) -> SqliteBackend:
        return SqliteBackend(tmp_path / "kapi.db")
