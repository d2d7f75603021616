"""A store in memory on which concurrent writers really meet."""

import asyncio

from kapi.contracts.storage import KeyValue
from kapi_storage.memory import MemoryBackend


class Interleaved(MemoryBackend):
    """Lets others have their turn before each operation, as a store on a disk or a network does.

    ``writes`` counts the writes that were tried.
    """

    def __init__(self) -> None:
        super().__init__(compaction_interval=0)
        self.writes = 0

    async def get(self, key: str) -> KeyValue | None:
        await asyncio.sleep(0)
        return await super().get(key)

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        await self._turn()
        return await super().create(key, value, ttl=ttl)

    async def update(self, key: str, value: bytes, expected_revision: int, *, ttl: float | None = None) -> int:
        await self._turn()
        return await super().update(key, value, expected_revision, ttl=ttl)

    async def delete(self, key: str, expected_revision: int) -> int:
        await self._turn()
        return await super().delete(key, expected_revision)

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        self.writes += 1
