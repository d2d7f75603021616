"""Several processes on one database: how soon one hears of the other, and that nothing depends on being told."""

import asyncio
import os
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from unittest import mock

import pytest

from kapi.contracts.storage import WatchBatch
from kapi.testing.storage_scenario import next_batch
from kapi_storage import sqlite_backend
from kapi_storage.sqlite_backend import SqliteBackend
from kapi_storage.sqlite_peers import HELLO, Peers

WRITER = Path(__file__).with_name("peer_writer.py")


@asynccontextmanager
async def opened(path: Path, count: int = 2) -> AsyncIterator[list[SqliteBackend]]:
    async with AsyncExitStack() as stack:
        backends = [SqliteBackend(path, compaction_interval=0) for _ in range(count)]
        for backend in backends:
            await backend.start()
            stack.push_async_callback(backend.stop)
        yield backends


async def hear(backend: SqliteBackend, revision: int) -> None:
    """Return when a watch, and nothing else, has told of a revision."""
    batch: WatchBatch
    async for batch in backend.watch("/k/", revision - 1):
        if batch.revision >= revision:
            return


@pytest.fixture
def never_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave only what is told."""
    for name in ("PEER_POLL_TOLD", "PEER_POLL_UNTOLD", "PEER_POLL_BUSY"):
        monkeypatch.setattr(sqlite_backend, name, 1000.0)


async def delays(path: Path, writes: int, pause: float) -> list[float]:
    """Return the milliseconds from the acknowledgement of each write of another process to its event here."""
    arrived: dict[int, int] = {}
    async with opened(path, 1) as (backend,):
        first = await backend.current_revision() + 1
        watch = backend.watch("/k/", first - 1)
        await next_batch(watch)
        arguments = (sys.executable, str(WRITER), str(path), str(writes), str(pause))
        writer = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
        while len(arrived) < writes:
            batch = await next_batch(watch, 20.0)
            arrived.update((change.revision, time.monotonic_ns()) for change in batch.changes)
        output, _ = await writer.communicate()
    acknowledged = {int(line.split()[0]): int(line.split()[1]) for line in output.splitlines()}
    assert sorted(acknowledged) == sorted(arrived) == list(range(first, first + writes))
    return sorted(max(0, arrived[revision] - when) / 1e6 for revision, when in acknowledged.items())


async def test_events_of_another_process_come_at_once(tmp_path: Path) -> None:
    found = await delays(tmp_path / "kapi.db", 100, 0.003)
    # By looking it would take half the time between two looks: 500 ms.
    assert statistics.median(found) < 20
    assert found[-2] < 200


@pytest.mark.usefixtures("never_looking")
async def test_all_peers_are_told_whoever_came_first(tmp_path: Path) -> None:
    async with opened(tmp_path / "kapi.db", 3) as backends:
        for number, writer in enumerate(backends):
            revision = await writer.create(f"/k/{number}", b"")
            async with asyncio.timeout(10):
                await asyncio.gather(*(hear(backend, revision) for backend in backends))


@pytest.mark.usefixtures("never_looking")
async def test_a_data_directory_may_have_a_long_path(tmp_path: Path) -> None:
    async with opened(tmp_path / ("d" * 200) / "kapi.db") as (one, two):
        revision = await one.create("/k/a", b"")
        async with asyncio.timeout(10):
            await hear(two, revision)


async def test_a_read_through_one_sees_each_write_through_the_other(tmp_path: Path) -> None:
    async with opened(tmp_path / "kapi.db") as backends:
        last = 0
        for number in range(600):
            writer, reader = backends[number % 2], backends[1 - number % 2]
            if number < 2:
                last = await writer.create("/k/a", b"") if not last else await writer.update("/k/a", b"", last)
            else:
                last = await writer.update("/k/a", b"%d" % number, last)
            assert await reader.current_revision() == last
            found = await reader.get("/k/a")
            assert found is not None
            assert found.revision == last


async def test_without_sockets_peers_look(tmp_path: Path) -> None:
    with mock.patch.object(socket, "socket", side_effect=OSError("not here")):
        async with opened(tmp_path / "kapi.db") as (one, two):
            revision = await one.create("/k/a", b"")
            async with asyncio.timeout(10):
                await hear(two, revision)
            assert not list((tmp_path / ".kapi.db-peers").iterdir())


async def test_a_peer_that_cannot_tell_is_looked_at_more_often(tmp_path: Path) -> None:
    async with opened(tmp_path / "kapi.db") as (one, two):
        one._store().peers.close()
        for name in ("a", "b"):
            revision = await one.create(f"/k/{name}", b"")
            begun = time.monotonic()
            async with asyncio.timeout(10):
                await hear(two, revision)
        assert two._store().peer_pause() == sqlite_backend.PEER_POLL_BUSY
        assert time.monotonic() - begun < sqlite_backend.PEER_POLL_TOLD / 2


async def test_sockets_that_nobody_reads_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / ".kapi.db-peers"
    async with opened(tmp_path / "kapi.db", 1) as (backend,):
        dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        dead.bind(f"{folder}/dead")
        dead.close()
        backend._store().peers.look()
        assert len(list(folder.iterdir())) == 2
        await backend.create("/k/a", b"")
        assert len(list(folder.iterdir())) == 1
    assert not list(folder.iterdir())


async def test_a_peer_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    folder = tmp_path / ".kapi.db-peers"
    async with opened(tmp_path / "kapi.db", 1) as (backend,):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stuck:
            stuck.bind(f"{folder}/stuck")
            backend._store().peers.look()
            for number in range(200):
                await backend.create(f"/k/{number}", b"")


@pytest.mark.usefixtures("never_looking")
async def test_what_is_told_while_nobody_listens_is_not_lost(tmp_path: Path) -> None:
    """There is room for some datagrams only; the last ones are dropped."""
    async with opened(tmp_path / "kapi.db") as (one, two):
        loop, own = asyncio.get_running_loop(), two._store().peers._socket
        assert own is not None
        loop.remove_reader(own)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        for number in range(100):
            revision = await one.create(f"/k/{number}", b"")
        watch = asyncio.create_task(hear(two, revision))
        await asyncio.sleep(0.01)
        loop.add_reader(own, two._store().peers._read)
        async with asyncio.timeout(10):
            await watch


@pytest.mark.usefixtures("never_looking")
async def test_datagrams_that_say_too_much_are_not_believed(tmp_path: Path) -> None:
    async with opened(tmp_path / "kapi.db", 1) as (backend,):
        revision = await backend.current_revision()
        store = backend._store()
        (own,) = (tmp_path / ".kapi.db-peers").iterdir()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as liar:
            for message in ((1 << 63).to_bytes(8, "big"), b"", b"x", b"\xff" * 9, HELLO):
                for _ in range(2):
                    liar.sendto(message, str(own))
                await asyncio.sleep(0.01)
        assert store.hub.revision == revision
        assert await backend.create("/k/a", b"") == revision + 1


async def test_a_folder_that_is_open_to_others_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / ".kapi.db-peers"
    folder.mkdir()
    os.chmod(folder, 0o777)
    peers = Peers(tmp_path / "kapi.db", lambda revision: None)
    peers.open()
    assert not peers.connected
    assert not list(folder.iterdir())
    peers.close()
