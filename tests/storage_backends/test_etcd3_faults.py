"""The etcd3 backend when servers die, freeze, lose each other or run full."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from kapi.contracts.storage import KeyExists, StorageError, Unavailable
from kapi.testing.etcd import EtcdCluster, EtcdServer, free_ports
from kapi.testing.storage_scenario import check_batch, next_batch, outcome, read_until
from kapi_storage import etcd3_store
from kapi_storage.etcd3_backend import Etcd3Backend, Etcd3Settings
from kapi_storage.etcd3_servers import parse_server

WRITERS = 4


@asynccontextmanager
async def opened(*urls, **settings):
    backend = Etcd3Backend(Etcd3Settings(servers=tuple(map(parse_server, urls)), **settings))
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()


async def write_on(backend, writer, acknowledged, enough):
    """Create keys until there are enough; what is not acknowledged is given up."""
    number = 0
    while not enough.is_set():
        key = f"/k/{writer}-{number}"
        number += 1
        revision = await outcome(backend.create(key, key.encode()))
        assert isinstance(revision, int | Unavailable), revision
        if isinstance(revision, int):
            acknowledged[key] = revision


async def follow(watch, changes, after):
    complete = after
    async for batch in watch:
        check_batch(batch, complete)
        changes += batch.changes
        complete = batch.revision


async def grows(acknowledged, count, seconds=10.0):
    """Return when that many more writes were acknowledged."""
    wanted = len(acknowledged) + count
    async with asyncio.timeout(seconds):
        while len(acknowledged) < wanted:  # noqa: ASYNC110  # the writers know nothing of this
            await asyncio.sleep(0.01)


@asynccontextmanager
async def under_load(backend):
    """Write and watch meanwhile; afterwards nothing that was acknowledged is missing, and the watch has seen all."""
    acknowledged, changes, enough = {}, [], asyncio.Event()
    begin = await backend.current_revision()
    watch = backend.watch("/k/", begin)
    follower = asyncio.create_task(follow(watch, changes, begin))
    writers = [asyncio.create_task(write_on(backend, n, acknowledged, enough)) for n in range(WRITERS)]
    await grows(acknowledged, 50)
    yield acknowledged
    enough.set()
    await asyncio.gather(*writers)
    page = await backend.range("/k/")
    kept = {item.key: item.revision for item in page.items}
    assert acknowledged.items() <= kept.items()
    history = await read_until(backend.watch("/k/", begin), page.revision, begin)
    async with asyncio.timeout(5):
        while watch.revision < page.revision:  # noqa: ASYNC110  # the follower has the watch
            await asyncio.sleep(0.01)
    await watch.aclose()
    await follower
    assert changes == history
    assert {change.key: change.revision for change in changes} == kept


async def test_a_server_crashes_and_comes_back():
    with EtcdServer() as etcd:
        async with opened(etcd.url) as backend, under_load(backend) as acknowledged:
            for _ in range(3):
                etcd.crash()
                etcd.start()
                await grows(acknowledged, 50)


async def test_a_member_of_three_is_killed():
    with EtcdCluster(3) as cluster:
        async with opened(*cluster.urls, request_timeout=1.5) as backend:
            async with under_load(backend) as acknowledged:
                cluster.members[0].crash()
                await grows(acknowledged, 50)
            await backend.ready()
            cluster.members[1].kill()
            began = time.monotonic()
            with pytest.raises(Unavailable):
                await backend.create("/k/no-majority", b"")
            with pytest.raises(Unavailable):
                await backend.ready()
            assert time.monotonic() - began < 4.0
            cluster.members[1].start()
            await asyncio.to_thread(cluster.members[1].wait)
            async with asyncio.timeout(10):
                while not isinstance(await outcome(backend.create("/k/majority", b"")), int | KeyExists):
                    pass


async def test_a_frozen_server_does_not_hold_anyone_up():
    with EtcdServer() as etcd:
        async with opened(etcd.url, request_timeout=0.3, healthcheck_timeout=0.2) as backend:
            watch = backend.watch("/k/", await backend.current_revision())
            await next_batch(watch)
            etcd.pause()
            began = time.monotonic()
            for refused in (backend.create("/k/a", b""), backend.get("/k/a"), backend.current_revision()):
                with pytest.raises(Unavailable, match="in time"):
                    await refused
            with pytest.raises(Unavailable):
                await backend.ready()
            assert time.monotonic() - began < 2.0
            etcd.resume()
            await backend.ready()
            revision = await backend.create("/k/b", b"")
            assert (await read_until(watch, revision))[-1].key == "/k/b"


async def test_another_member_answers_for_a_frozen_one():
    with EtcdCluster(3) as cluster:
        async with opened(*cluster.urls, request_timeout=3.0) as backend:
            revision = await backend.create("/k/a", b"")
            cluster.members[0].pause()
            found = await backend.get("/k/a")
            assert found is not None
            assert found.revision == revision
            await backend.create("/k/b", b"")


async def test_a_full_server_refuses_writes_and_is_not_ready():
    with EtcdServer(f"--quota-backend-bytes={1 << 20}") as etcd:
        async with opened(etcd.url) as backend:
            refusal = None
            for number in range(1000):
                refusal = await outcome(backend.create(f"/k/{number}", b"x" * 50_000))
                if isinstance(refusal, StorageError):
                    break
            assert isinstance(refusal, Unavailable)
            assert "space exceeded" in str(refusal)
            assert await backend.get("/k/0") is not None
            with pytest.raises(Unavailable, match="NOSPACE"):
                await backend.ready()


async def test_a_value_that_is_too_large_is_not_worth_another_try():
    with EtcdServer() as etcd:
        async with opened(etcd.url) as backend:
            refusal = await outcome(backend.create("/k/a", b"x" * 2_000_000))
            assert type(refusal) is StorageError
            assert "too large" in str(refusal)


async def test_start_says_why_it_fails(monkeypatch):
    monkeypatch.setattr(etcd3_store, "START_SECONDS", 0.1)
    [port] = free_ports(1)
    with pytest.raises(Unavailable, match="refused"):
        async with opened(f"http://127.0.0.1:{port}", request_timeout=0.2):
            pass


async def test_start_waits_for_a_server_that_is_being_started():
    etcd = EtcdServer()
    try:
        backend = Etcd3Backend(Etcd3Settings(servers=(parse_server(etcd.url),)))
        starting = asyncio.create_task(backend.start())
        await asyncio.sleep(0.1)
        etcd.start()
        await starting
        await backend.ready()
        await backend.stop()
    finally:
        etcd.remove()
