"""A store whose watch fails when a test says so."""

from collections.abc import AsyncIterator

from kapi.contracts.storage import StorageError, WatchBatch
from kapi_storage.memory import MemoryBackend


class Failing(MemoryBackend):
    """Raises ``error`` instead of the next batch, once."""

    error: StorageError | None = None

    async def watch(self, prefix: str, after_revision: int) -> AsyncIterator[WatchBatch]:
        async for batch in super().watch(prefix, after_revision):
            error, self.error = self.error, None
            if error is not None:
                raise error
            yield batch
