"""The memory backend keeps the contract."""

import asyncio
from pathlib import Path

import pytest

from kapi.contracts.storage import Compacted
from kapi.testing.storage import StorageConformance
from kapi_storage.memory import MemoryBackend


class TestMemoryBackend(StorageConformance):
    expiry_seconds = 2.0
    progress_seconds = 3.0

    def make_backend(self, tmp_path: Path) -> MemoryBackend:
        return MemoryBackend()


async def test_history_is_compacted_by_age() -> None:
    backend = MemoryBackend(compaction_interval=0.02)
    await backend.start()
    revision = await backend.create("/k/a", b"1")
    for number in range(200):
        revision = await backend.update("/k/a", b"%d" % number, revision)
        await asyncio.sleep(0.001)
    assert len(backend._changes) < 100
    with pytest.raises(Compacted):
        await backend.range("/k/", revision=2)
    await backend.stop()


async def test_an_interval_of_zero_keeps_everything() -> None:
    backend = MemoryBackend(compaction_interval=0)
    await backend.start()
    revision = await backend.create("/k/a", b"1")
    await backend.update("/k/a", b"2", revision)
    assert (await backend.range("/k/", revision=revision)).items[0].value == b"1"
    await backend.stop()
