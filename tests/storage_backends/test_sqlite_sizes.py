"""How large the files become: history is bounded by age and size, and readers do not make the log grow for ever."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kapi.contracts.storage import Compacted
from kapi_storage import memory, sqlite_backend, sqlite_care, sqlite_upkeep
from kapi_storage.memory import MemoryBackend
from kapi_storage.sqlite_backend import SqliteBackend
from kapi_storage.sqlite_schema import open_reader

KEYS = 100
WRITERS = 8


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteBackend]:
    backend = SqliteBackend(path, compaction_interval=300.0)
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()


async def update(backend: SqliteBackend, updates: int) -> None:
    """Change a hundred keys again and again, from several tasks."""

    async def some(keys: range) -> None:
        revisions = {number: await backend.create(f"/k/{number}", b"") for number in keys}
        for _ in range(updates // KEYS):
            for number, revision in revisions.items():
                revisions[number] = await backend.update(f"/k/{number}", os.urandom(1000), revision)

    await asyncio.gather(*(some(range(first, KEYS, WRITERS)) for first in range(WRITERS)))


@asynccontextmanager
async def largest(path: Path) -> AsyncIterator[dict[str, int]]:
    """Note how large the database and its log become."""
    sizes = {path.name: 0, f"{path.name}-wal": 0}

    async def look() -> None:
        while True:
            for name, size in sizes.items():
                file = path.with_name(name)
                sizes[name] = max(size, file.stat().st_size if file.exists() else 0)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(look())
    try:
        yield sizes
    finally:
        task.cancel()


async def test_history_is_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_upkeep, "MOST_HISTORY_BYTES", 1 << 20)
    monkeypatch.setattr(sqlite_upkeep, "SPARE_PAGES", 50)
    for name in ("SIZE_INTERVAL", "SWEEP_INTERVAL"):
        monkeypatch.setattr(sqlite_backend, name, 0.02)
    monkeypatch.setattr(sqlite_backend, "SIZE_REVISIONS", 100)
    path = tmp_path / "kapi.db"
    async with opened(path) as backend, largest(path) as sizes:
        await update(backend, 6000)
        latest = await backend.current_revision()
        assert len((await backend.range("/k/", revision=latest - 300)).items) == KEYS, "the newest history stays"
        with pytest.raises(Compacted):
            await backend.range("/k/", revision=latest - 3000)
    assert sizes["kapi.db"] < 3 << 20, "six megabytes were written"


@pytest.mark.soak
async def test_200000_updates_stay_below_100_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "kapi.db"
    async with opened(path) as backend, largest(path) as sizes:
        await update(backend, 200_000)
    assert sum(sizes.values()) < 100_000_000


def test_history_may_be_as_large_as_what_there_is() -> None:
    extent = sqlite_upkeep.Extent
    million = 1_000_000
    assert sqlite_upkeep.revision_to_keep(extent(2 * million, million, million, 1000.0)) == 0
    assert sqlite_upkeep.revision_to_keep(extent(3 * million, 2 * million, million, 1000.0)) == 2_250_000
    assert sqlite_upkeep.revision_to_keep(extent(40_000, 40_000, 10, 1000.0)) == 0
    assert sqlite_upkeep.revision_to_keep(extent(million, million, 10, float(1 << 10))) == million - 36_864


async def test_the_log_does_not_grow_while_somebody_always_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_backend, "LOG_BYTES", 2 << 20)
    monkeypatch.setattr(sqlite_backend, "LOG_INTERVAL", 0.02)
    path = tmp_path / "kapi.db"

    async def read() -> None:
        while True:
            connection = open_reader(path)
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM current").fetchall()
            await asyncio.sleep(0.06)
            connection.close()

    async with opened(path) as backend, largest(path) as sizes:
        readers = []
        for _ in range(3):
            readers.append(asyncio.create_task(read()))
            await asyncio.sleep(0.02)
        await update(backend, 8000)
        for reader in readers:
            reader.cancel()
    # Three kilobytes for each change: pages of the log, of the values and of the keys.
    assert sizes["kapi.db-wal"] < 12 << 20
    assert sqlite_care.verify(path) == []


async def test_history_in_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_HISTORY_BYTES", 100_000)
    backend = MemoryBackend()
    await backend.start()
    revision = await backend.create("/k/a", b"")
    for _ in range(1000):
        revision = await backend.update("/k/a", b"x" * 1000, revision)
        assert len(backend._changes) <= 102
    assert (await backend.range("/k/", revision=revision - 40)).items
    with pytest.raises(Compacted):
        await backend.range("/k/", revision=revision - 110)
    await backend.stop()
