"""The database file: its mode, its version, its size, and what goes wrong with it."""

import asyncio
import itertools
import os
import stat
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from kapi.contracts.plugins import BuildContext, Options
from kapi.contracts.storage import (
    Change,
    Compacted,
    KeyExists,
    KeyMissing,
    RevisionConflict,
    Unavailable,
    WatchBatch,
)
from kapi.testing.storage_model import check_against_model
from kapi.testing.storage_scenario import fill, outcome
from kapi_storage import (
    memory,
    sqlite,
    sqlite_backend,
    sqlite_reader,
    sqlite_schema,
    sqlite_upkeep,
    sqlite_writer,
    watching,
)
from kapi_storage.sqlite_backend import SqliteBackend
from kapi_storage.sqlite_writer import Transaction
from kapi_storage.watching import Hub


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "kapi.db"


@asynccontextmanager
async def opened(path: Path, interval: float = 0) -> AsyncIterator[SqliteBackend]:
    backend = SqliteBackend(path, compaction_interval=interval)
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()


async def submit(backend: SqliteBackend, work: Callable[[Transaction], Any]) -> Any:
    return await backend._store().writer.submit(work)


def write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def count_log(path: Path) -> int:
    connection = apsw.Connection(str(path))
    count: int = connection.execute("SELECT count(*) FROM changes").get
    connection.close()
    return count


async def test_only_the_owner_can_read_the_files(path: Path) -> None:
    async with opened(path) as backend:
        await backend.create("/secrets/a", b"1")
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()}
        files = {"kapi.db": 0o600, "kapi.db-wal": 0o600, "kapi.db-shm": 0o600}
        assert modes == {**files, ".kapi.db-peers": 0o700}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_writes_are_flushed_to_the_disk(path: Path) -> None:
    async with opened(path) as backend:
        settings = await submit(
            backend, lambda tx: [tx.execute(f"PRAGMA {name}").get for name in ("journal_mode", "synchronous")]
        )
        assert settings == ["wal", 2]


async def test_a_newer_file_is_refused(path: Path) -> None:
    async with opened(path):
        pass
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 99)
    connection.close()
    with pytest.raises(Unavailable, match=r"version 99, which a newer kapi wrote; this one knows versions up to 1"):
        await SqliteBackend(path).start()


async def test_an_older_file_is_upgraded_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(path) as backend:
        await backend.create("/k/a", b"1")
    calls = []

    def upgrade(connection: apsw.Connection) -> None:
        calls.append(connection.pragma("user_version"))
        connection.execute("CREATE TABLE more (x)")

    monkeypatch.setattr(sqlite_schema, "MIGRATIONS", (*sqlite_schema.MIGRATIONS, upgrade))
    for _ in range(2):
        async with opened(path) as backend:
            assert await backend.get("/k/a")
    assert calls == [1]


async def test_a_failing_upgrade_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(path) as backend:
        await backend.create("/k/a", b"1")

    def fail(connection: apsw.Connection) -> None:
        connection.execute("CREATE TABLE more (x); SELECT nonsense")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_schema, "MIGRATIONS", (*sqlite_schema.MIGRATIONS, fail))
        with pytest.raises(Unavailable, match="nonsense"):
            await SqliteBackend(path).start()
    async with opened(path) as backend:
        assert await backend.get("/k/a")


async def test_files_that_are_something_else_are_refused(path: Path) -> None:
    write_file(path, b"this is not a database, but long enough to look at" * 100)
    with pytest.raises(Unavailable, match="not a database"):
        await SqliteBackend(path).start()
    write_file(path, b"")
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(Unavailable, match="of another program"):
        await SqliteBackend(path).start()


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot open the database"):
        await SqliteBackend(tmp_path / "file" / "kapi.db").start()


async def test_processes_may_start_together(path: Path) -> None:
    backends = [SqliteBackend(path) for _ in range(6)]
    await asyncio.gather(*(backend.start() for backend in backends))
    await fill(backends[0], ["/k/a"])
    assert all([await backend.get("/k/a") for backend in backends])
    await asyncio.gather(*(backend.stop() for backend in backends))


async def test_opening_a_file_twice_keeps_the_locks_of_the_first(path: Path) -> None:
    """Otherwise a process that closes the file would take the log away from those that still write to it."""
    async with opened(path) as backend:
        await backend.create("/k/a", b"1")
        async with opened(path):
            pass
        script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM current').fetchall()"
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(path))
        assert await process.wait() == 0
        assert path.with_name("kapi.db-wal").exists()
        await backend.create("/k/b", b"2")
    async with opened(path) as backend:
        assert [item.key for item in (await backend.range("/k/")).items] == ["/k/a", "/k/b"]


async def test_an_unopened_store_is_unavailable(path: Path) -> None:
    with pytest.raises(Unavailable):
        await SqliteBackend(path).get("/k/a")


async def test_waiting_writers_share_a_transaction(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Counting(Transaction):
        def __init__(self, connection: apsw.Connection, previous: bool = True) -> None:
            super().__init__(connection, previous)
            sizes.append(0)

        def create(self, key: str, value: bytes, expires: float | None) -> int:
            sizes[-1] += 1
            return super().create(key, value, expires)

    monkeypatch.setattr(sqlite_writer, "Transaction", Counting)
    async with opened(path) as backend:
        await asyncio.gather(*(backend.create(f"/k/{n}", b"") for n in range(100)))
    assert sizes == [100]


async def test_writes_that_follow_each_other_share_a_transaction(path: Path) -> None:
    async with opened(path) as backend:
        revisions = []

        async def write_later(n: int) -> None:
            for _ in range(n):
                await asyncio.sleep(0)
            revisions.append(await backend.create(f"/k/{n}", b""))

        seen = []
        hub = backend._store().hub
        publish = hub.publish
        hub.publish = lambda changes, *rest, **flags: (seen.append(len(changes)), publish(changes, *rest, **flags))  # type: ignore[method-assign]
        await asyncio.gather(*(write_later(n) for n in range(6)))
        assert seen == [6]
        assert revisions == sorted(revisions)


@pytest.mark.parametrize("size", [1, sqlite_writer.SMALL_BYTES + 1])
async def test_waiting_for_another_process_does_not_hold_up_the_loop(path: Path, size: int) -> None:
    async with opened(path) as backend:
        revision = await backend.create("/k/a", b"1")
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")
        writing = [asyncio.ensure_future(backend.create(f"/k/{n}", b"x" * size)) for n in range(3)]
        began = time.perf_counter()
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert time.perf_counter() - began < 1
        assert not any(each.done() for each in writing)
        other.execute("ROLLBACK")
        other.close()
        assert await asyncio.gather(*writing) == [revision + 1, revision + 2, revision + 3]


async def test_writers_on_several_connections_take_turns(path: Path) -> None:
    async with opened(path) as one, opened(path) as other:
        longest = 0.0

        async def write(backend: SqliteBackend, who: str) -> list[int]:
            nonlocal longest
            revisions = []
            for n in range(100):
                began = time.perf_counter()
                revisions.append(await backend.create(f"/k/{who}-{n}", b"x" * 100))
                longest = max(longest, time.perf_counter() - began)
            return revisions

        writers = [write(backend, f"{n}-{k}") for n, backend in enumerate((one, other)) for k in range(4)]
        revisions = await asyncio.gather(*writers)
        assert sorted(itertools.chain(*revisions)) == list(range(2, 802)), "none refused, none lost"
        assert longest < 2
        assert max(revisions[0]) > min(revisions[4])
        assert max(revisions[4]) > min(revisions[0])


async def test_values_before_changes_are_read_for_those_who_want_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(path) as backend:
        first = await backend.create("/k/a", b"1")
        follower = backend.follow("/k/", first)

        async def next_change(watch: AsyncIterator[WatchBatch]) -> Change:
            while True:
                batch = await asyncio.wait_for(anext(watch), 2)
                if batch.changes:
                    return batch.changes[0]

        await anext(follower)
        assert not backend._store().hub.previous
        second = await backend.update("/k/a", b"2", first)
        assert await next_change(follower) == Change(second, "/k/a", b"2", None, first)
        watch = backend.watch("/k/", second)
        await anext(watch)
        assert backend._store().hub.previous
        third = await backend.update("/k/a", b"3", second)
        assert await next_change(watch) == Change(third, "/k/a", b"3", b"2", second)
        assert (await next_change(follower)).value == b"3"
        monkeypatch.setattr(Hub, "previous", False)  # as if the watch had come a moment later
        fourth = await backend.update("/k/a", b"4", third)
        assert await next_change(watch) == Change(fourth, "/k/a", b"4", b"3", third), "read from history"


async def test_refused_writes_change_nothing(path: Path) -> None:
    async with opened(path) as backend:
        revision = await backend.create("/k/a", b"1")
        refused = [backend.create("/k/a", b"2"), backend.update("/k/a", b"2", revision + 1), backend.delete("/k/b", 1)]
        kinds = [type(each) for each in await asyncio.gather(*(outcome(each) for each in refused))]
        assert kinds == [KeyExists, RevisionConflict, KeyMissing]
        assert await backend.current_revision() == revision
        mixed = await asyncio.gather(outcome(backend.create("/k/a", b"2")), outcome(backend.create("/k/b", b"2")))
        assert isinstance(mixed[0], KeyExists)
        assert mixed[1] == revision + 1


async def test_a_full_disk_refuses_the_group_and_nothing_else(path: Path) -> None:
    async with opened(path) as backend:
        revision = await backend.create("/k/a", b"1")
        await submit(backend, lambda tx: tx.execute("PRAGMA max_page_count = 20").get)
        results = await asyncio.gather(*(outcome(backend.create(f"/k/{n}", b"x" * 20_000)) for n in range(8)))
        assert all(isinstance(result, Unavailable) and "full" in str(result) for result in results)
        assert (await backend.range("/k/")).revision == revision
        await backend.ready()
        await submit(backend, lambda tx: tx.execute("PRAGMA max_page_count = 100000").get)
        assert await backend.create("/k/b", b"x" * 20_000) == revision + 1


async def test_ready_tells_when_writing_is_impossible(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_schema, "BUSY_TIMEOUT_MS", 10)
    async with opened(path) as backend:
        revision = await backend.create("/k/a", b"1")
        other = apsw.Connection(str(path))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            await backend.create("/k/b", b"1")
        with pytest.raises(Unavailable, match="locked"):
            await backend.ready()
        assert await backend.get("/k/a"), "reading goes on"
        other.execute("ROLLBACK")
        other.close()
        await backend.ready()
        assert await backend.create("/k/b", b"1") == revision + 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("size", [-1, 0])
async def test_a_dead_writer_answers_everybody(path: Path, size: int) -> None:
    async with opened(path) as backend:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)

        def die(transaction: Transaction) -> None:
            raise RuntimeError("a bug")

        store = backend._store()
        results = await asyncio.gather(
            outcome(backend.create("/k/a", b"1")),
            outcome(store.writer.submit(die, size)),
            outcome(backend.create("/k/b", b"")),
        )
        assert all(isinstance(result, Unavailable) for result in results)
        with pytest.raises(Unavailable, match="has failed"):
            await backend.create("/k/c", b"1")
        assert not (await backend.range("/k/")).items


async def test_long_ranges_leave_the_loop_to_others(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_reader, "PIECE_SECONDS", 0.0)
    async with opened(path) as backend:
        await asyncio.gather(*(backend.create(f"/k/{n:04}", b"v") for n in range(1000)))
        reading = asyncio.ensure_future(backend.range("/k/"))
        turns = 0
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
            if turns == 3:
                extra = asyncio.ensure_future(backend.create("/k/extra", b""))
        assert turns >= 1000 // sqlite_reader.PIECE_ROWS
        page = reading.result()
        assert len(page.items) == 1000
        assert await extra > page.revision


async def test_a_cancelled_range_gives_its_connection_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_reader, "PIECE_SECONDS", 0.0)
    monkeypatch.setattr(sqlite_reader, "REWIND_AT_ONCE", 0)
    async with opened(path) as backend:
        await asyncio.gather(*(backend.create(f"/k/{n:04}", b"v") for n in range(500)))
        for revision in (0, 100):
            reading = asyncio.ensure_future(backend.range("/k/", revision=revision))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        assert len(backend._store().reader._spare) == 1
        latest = await backend.create("/k/new", b"")
        assert (await backend.range("/k/")).revision == latest, "no connection kept an old snapshot"


async def test_long_counts_and_long_ways_back_are_right(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_reader, "COUNT_AT_ONCE", 3)
    monkeypatch.setattr(sqlite_reader, "REWIND_AT_ONCE", 0)
    async with opened(path) as backend:
        await fill(backend, [f"/k/{n}" for n in range(10)])
        page = await backend.range("/k/", limit=2)
        await fill(backend, ["/k/00", "/k/x"])
        assert page.remaining == 8
        past = await backend.range("/k/", limit=2, revision=page.revision)
        assert past == page


async def test_compaction_empties_the_log(path: Path) -> None:
    async with opened(path) as backend:
        for n in range(300):
            revision = await backend.create(f"/k/{n % 3}", b"1")
            revision = await backend.update(f"/k/{n % 3}", b"2", revision)
            revision = await backend.delete(f"/k/{n % 3}", revision)
        kept = await backend.create("/k/kept", b"1")
        last = await backend.delete("/k/0", await backend.create("/k/0", b"1"))
        await backend.compact(last)
        await backend._store().sweep()
        assert count_log(path) == 3, "the key that is left; the newest change, for the revision counter, and its past"
        assert await backend.current_revision() == last
        assert [item.revision for item in (await backend.range("/")).items] == [kept]
        assert backend._store().reader.backlog() == 0
    async with opened(path) as backend:
        assert await backend.create("/k/a", b"") == last + 1
        await backend.compact(last + 1)
        await backend._store().sweep()
        assert count_log(path) == 2, "what had to stay as the newest row went with the next compaction"


async def test_the_file_does_not_grow_without_bound(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_upkeep, "SPARE_PAGES", 10)
    sizes = []
    async with opened(path) as backend:
        revision = await backend.create("/k/a", b"")
        for _ in range(6):
            for _ in range(100):
                revision = await backend.update("/k/a", os.urandom(3000), revision)
            await backend.compact(revision)
            await backend._store().sweep()
            sizes.append(await submit(backend, lambda tx: tx.execute("PRAGMA page_count").get))
    assert max(sizes) <= 60, sizes


async def test_history_is_compacted_by_age(path: Path) -> None:
    def at(now: float) -> Callable[[Transaction], object]:
        return lambda transaction: sqlite_upkeep.compact_by_age(transaction, now, 300)

    async with opened(path) as backend:
        first = await backend.create("/k/a", b"1")
        await submit(backend, at(1000))
        second = await backend.update("/k/a", b"2", first)
        await submit(backend, at(1200))
        assert (await backend.range("/k/", revision=first)).items[0].value == b"1"
    async with opened(path) as backend:
        await backend.update("/k/a", b"3", second)
        await submit(backend, at(1310))
        await backend.range("/k/", revision=first)
        await submit(backend, at(1510))
        with pytest.raises(Compacted) as caught:
            await backend.range("/k/", revision=first)
        assert caught.value.compact_revision == second
        await submit(backend, at(500))
        await submit(backend, at(810))
        assert backend._store().reader.limits()[0] > second, "a clock that was put back does not stop compaction"


async def test_compaction_by_age_runs_by_itself(path: Path) -> None:
    async with opened(path, interval=0.1) as backend:
        first = await backend.create("/k/a", b"1")
        await backend.update("/k/a", b"2", first)
        deadline = time.monotonic() + 3
        while backend._store().reader.limits()[0] <= first:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)


async def test_many_keys_expire_in_batches(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_upkeep, "EXPIRE_ROWS", 7)
    async with opened(path) as backend:
        await asyncio.gather(*(backend.create(f"/k/{n:02}", b"", ttl=0) for n in range(30)))
        await backend._store().expire()
        assert not (await backend.range("/k/")).items


async def test_a_key_that_cannot_exist_is_not_there(path: Path) -> None:
    async with opened(path) as backend:
        assert await backend.get("/k/\ud800") is None


async def test_a_consumer_left_behind_by_compaction_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MAX_PENDING_CHANGES", 5)
    async with opened(path) as backend:
        watch = backend.watch("/k/", await backend.current_revision())
        await anext(watch)
        revisions = await fill(backend, [f"/k/{n}" for n in range(20)])
        await backend.compact(revisions[10])
        with pytest.raises(Compacted) as caught:
            await anext(watch)
        assert caught.value.compact_revision == revisions[10]


def test_random_histories_under_a_restless_sweeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_backend, "SWEEP_INTERVAL", 0)
    monkeypatch.setattr(sqlite_backend, "SWEEP_PAUSE", 0)
    monkeypatch.setattr(sqlite_upkeep, "SWEEP_REVISIONS", 2)
    numbers = itertools.count()
    check_against_model(lambda: SqliteBackend(tmp_path / str(next(numbers)) / "kapi.db"), examples=30, steps=40)


@pytest.mark.parametrize("module", [memory, sqlite])
async def test_plugins_build_backends_from_the_options(module: object, tmp_path: Path) -> None:
    (plugin,) = module.kapi_register_storage_backends()  # type: ignore[attr-defined]  # a plugin module
    assert plugin.name in ("memory", "sqlite")
    backend = plugin.build(BuildContext(Options({"etcd-compaction-interval": 7.0}), tmp_path))
    assert backend._interval == 7.0
    await backend.start()
    await backend.create("/k/a", b"")
    await backend.stop()
    assert (tmp_path / "kapi.db").exists() == (plugin.name == "sqlite")
