"""What the sqlite backend offers to ``kapi storage``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest

from kapi.contracts.storage import Compacted, StorageError
from kapi_storage import sqlite_care
from kapi_storage.sqlite_backend import SqliteBackend


@asynccontextmanager
async def store(path: Path) -> AsyncIterator[SqliteBackend]:
    backend = SqliteBackend(path, compaction_interval=0)
    await backend.start()
    yield backend
    await backend.stop()


def ignore(_part: float) -> None:
    pass


async def test_a_sound_store_has_nothing_to_complain_about(tmp_path):
    async with store(tmp_path / "kapi.db") as backend:
        revision = await backend.create("/a", b"1")
        await backend.delete("/a", revision)
        await backend.create("/b", b"1")
        assert await backend.verify() == []


async def test_lost_values_and_broken_pages_are_found(tmp_path):
    path = tmp_path / "kapi.db"
    async with store(path) as backend:
        for number in range(200):
            await backend.create(f"/a/{number}", b"x" * 300)
    connection = apsw.Connection(str(path))
    connection.execute("DELETE FROM changes WHERE key = '/a/7'")
    connection.execute("UPDATE compaction SET compacted = 100000")
    connection.close()
    findings = sqlite_care.verify(path)
    assert findings == ["the value of /a/7 is missing", "more is compacted than there is"]
    content = bytearray(path.read_bytes())
    content[4096 * 4 : 4096 * 4 + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(StorageError):
        raise StorageError("; ".join(sqlite_care.verify(path)))


async def test_a_raised_revision_leaves_values_and_ends_history(tmp_path):
    async with store(tmp_path / "kapi.db") as backend:
        first = await backend.create("/a", b"1")
        second = await backend.update("/a", b"2", first)
        await backend.delete("/b", await backend.create("/b", b"1"))
        await backend.advance(1_000_000)
        assert await backend.current_revision() == 1_000_000
        assert await backend.get("/a") == ("/a", b"2", second)
        with pytest.raises(Compacted):
            await backend.range("/", revision=second)
        with pytest.raises(Compacted):
            await anext(backend.watch("/", second))
        watch = backend.watch("/", 1_000_000)
        assert (await anext(watch)).revision == 1_000_000
        assert await backend.update("/a", b"3", second) == 1_000_001
        (change,) = (await anext(watch)).changes
        assert (change.value, change.previous) == (b"3", b"2")
        await backend.compact(1_000_001)
        await backend.reclaim()
        assert await backend.verify() == []
        assert await backend.get("/a") == ("/a", b"3", 1_000_001)


async def test_raising_to_less_only_ends_history(tmp_path):
    async with store(tmp_path / "kapi.db") as backend:
        last = await backend.delete("/b", await backend.create("/b", b"1"))
        await backend.advance(2)
        assert await backend.current_revision() == last
        assert await backend.create("/b", b"1") == last + 1
        assert await backend.verify() == []


async def test_reclaiming_shrinks_the_file(tmp_path):
    path = tmp_path / "kapi.db"
    async with store(path) as backend:
        revision = await backend.create("/a", b"x")
        for _ in range(300):
            revision = await backend.update("/a", b"x" * 10_000, revision)
        await backend.compact(revision)
        await backend.reclaim()
        assert (await backend.range("/")).items[0].revision == revision
    assert path.stat().st_size < 200_000


async def test_a_snapshot_taken_under_writes_is_one_moment(tmp_path):
    """Two keys are always written one after the other: a snapshot must never show the second ahead of the first."""
    copy = tmp_path / "copy.db"
    async with store(tmp_path / "kapi.db") as backend:
        revisions = [await backend.create(key, b"0") for key in ("/a", "/b")]
        for number in range(300):
            await backend.create(f"/filler/{number}", b"x" * 4000)
        stopped = asyncio.Event()

        async def write() -> int:
            number = 0
            while not stopped.is_set():
                number += 1
                for index, key in enumerate(("/a", "/b")):
                    revisions[index] = await backend.update(key, b"%d" % number, revisions[index])
            return number

        writer = asyncio.create_task(write())
        parts: list[float] = []
        await backend.save_snapshot(copy, parts.append)
        stopped.set()
        written = await writer
        assert written > 1
        expected = {item.key: item.value for item in (await backend.range("/filler/")).items}
    assert parts[-1] == 1.0
    assert copy.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
    async with store(copy) as snapshot:
        assert await snapshot.verify() == []
        found = {item.key: item.value for item in (await snapshot.range("/")).items}
    first, second = int(found.pop("/a")), int(found.pop("/b"))
    assert second <= first <= second + 1
    assert found == expected


async def test_a_snapshot_fills_an_empty_store_only(tmp_path):
    copy = tmp_path / "copy.db"
    async with store(tmp_path / "kapi.db") as backend:
        await backend.create("/a", b"1", ttl=1000.0)
        await backend.save_snapshot(copy, ignore)
        assert backend.is_snapshot(copy.read_bytes()[:64])
        assert 900 < (await backend.expiries("/"))["/a"] <= 1000
        assert await backend.expiries("/b") == {}
    other = SqliteBackend(tmp_path / "other" / "kapi.db")
    assert not other.exists()
    await other.load_snapshot(copy, ignore)
    assert other.exists()
    with pytest.raises(StorageError, match="is not empty"):
        await other.load_snapshot(copy, ignore)
    foreign = tmp_path / "foreign.db"
    connection = apsw.Connection(str(foreign))
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(StorageError, match="not a backup"):
        await SqliteBackend(tmp_path / "third.db").load_snapshot(foreign, ignore)
    async with store(tmp_path / "other" / "kapi.db") as backend:
        assert 900 < (await backend.expiries("/"))["/a"] <= 1000
