"""The memory backend keeps the contract."""

from pathlib import Path

from kapi.testing.storage import StorageConformance
from kapi_storage.memory import MemoryBackend


class TestMemoryBackend(StorageConformance):
    expiry_seconds = 2.0
    progress_seconds = 3.0

    def make_backend(self, tmp_path: Path) -> MemoryBackend:
        return MemoryBackend()
