"""Stores that misbehave in ways that tests choose."""

import asyncio
from collections.abc import AsyncIterator

from kapi.contracts.storage import RangeResult, StorageError, WatchBatch
from kapi_storage.memory import MemoryBackend


class Shaky(MemoryBackend):
    """A store in memory whose next batches and ranges fail as ``watch_errors`` and ``range_errors`` say.

    ``gate``, when set to an Event, holds all ranges back until it is set. ``watches`` counts watches.
    """

    def __init__(self) -> None:
        super().__init__(compaction_interval=0)
        self.watch_errors: list[StorageError] = []
        self.range_errors: list[StorageError] = []
        self.gate: asyncio.Event | None = None
        self.watches = 0

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> RangeResult:
        result = await super().range(prefix, start=start, limit=limit, revision=revision)
        if self.gate is not None:
            await self.gate.wait()
        if self.range_errors:
            raise self.range_errors.pop(0)
        return result

    async def watch(self, prefix: str, after_revision: int) -> AsyncIterator[WatchBatch]:
        self.watches += 1
        async for batch in super().watch(prefix, after_revision):
            if self.watch_errors:
                raise self.watch_errors.pop(0)
            yield batch
