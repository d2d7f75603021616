"""Lists and watches of very many objects: they take their time, but do not keep others waiting."""

import asyncio
import gc
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from kapi.contracts.server import Message
from kapi.endpoints import waiting
from kapi.server.serving import settle
from widgets import ROOT, WIDGETS, Rig, running, widget

MANY = 20_000
LONGEST = 0.05
"""Seconds of work after which others must have had their turn; by the clock of the thread, not that of the wall."""
ALL = f"{ROOT}/widgets"


@asynccontextmanager
async def watched() -> AsyncIterator[list[float]]:
    """Note how long the event loop was kept by each turn of others."""
    turns: list[float] = []

    async def look() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            turns.append(now - last)
            last = now

    task = asyncio.create_task(look())
    await asyncio.sleep(0)
    try:
        yield turns
    finally:
        task.cancel()


async def fill(rig: Rig, count: int) -> None:
    store = rig.store()
    for number in range(count):
        name = f"w-{number:06}"
        meta = {"name": name, "namespace": "ns", "labels": {"tenth": str(number % 10)}}
        value = store.cache.codec.encode({"metadata": meta, "spec": {"color": "blue" if number % 10 else "red"}})
        await rig.backend.create(store.key("ns", name), value)


async def read(rig: Rig, path: str, query: str, until: bytes = b"", accept: str = "*/*") -> bytes:
    """Return the body of an answer, up to a mark if one is given."""
    pieces: list[bytes] = []
    asked = itertools.count()
    done = asyncio.Event()

    async def receive() -> Message:
        if next(asked) == 0:
            return {"type": "http.request", "body": b"", "more_body": False}
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pieces.append(message.get("body", b""))
        if until and until in pieces[-1]:
            done.set()

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"accept", accept.encode())],
    }
    await rig.app(scope, receive, send)
    return b"".join(pieces)


@pytest.fixture
def settled() -> Iterator[None]:
    """Let the garbage collector look at what this test makes only, as a server does after its start."""
    before = gc.get_threshold()
    settle()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("settled")
async def test_nobody_waits_for_a_long_list_or_watch() -> None:
    async with running() as rig:
        await fill(rig, MANY)
        async with watched() as turns:
            await rig.store().cache.ready()
            cases = {"": MANY, "labelSelector=tenth!%3D3": MANY * 9 // 10, "fieldSelector=spec.color!=x": MANY}
            for query, expected in cases.items():
                assert (await read(rig, ALL, query)).count(b'"spec":') == expected
            for _ in range(3):
                assert (await read(rig, ALL, "labelSelector=tenth%3D3")).count(b'"spec":') == MANY // 10
            query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
            events = await read(rig, ALL, query, until=b"initial-events-end")
            assert events.count(b'"type":"ADDED"') == MANY
            few = await read(rig, ALL, query + "&labelSelector=tenth%3D3", until=b"initial-events-end")
            assert few.count(b'"type":"ADDED"') == MANY // 10
    assert max(turns) < LONGEST


@pytest.mark.usefixtures("settled")
async def test_nobody_waits_for_what_must_be_made() -> None:
    some = 3000
    async with running() as rig:
        await fill(rig, some)
        async with watched() as turns:
            for kind in ("Table", "PartialObjectMetadataList"):
                accept = f"application/json;as={kind};v=v1;g=meta.k8s.io"
                assert (await read(rig, ALL, "", accept=accept)).count(b'"name":"w-') == some
            assert (await read(rig, ALL.replace("/v1/", "/v2/"), "")).count(b'"apiVersion":"') >= 1
            assert (await read(rig, ALL, "", accept="application/yaml")).count(b"    name: w-") == some
    assert max(turns) < LONGEST


@pytest.mark.parametrize("path", [f"{ROOT}/namespaces/ns/widgets/a", ALL])
async def test_a_cache_that_is_behind_is_passed_by(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(waiting, "CACHE_WAIT", 0.05)
    async with running() as rig:
        await rig.store().cache.ready()

        async def never(revision: int) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(rig.feed, "reached", never)
        monkeypatch.setattr(rig.feed, "_deal", lambda batch: None)
        made = await rig.local.create(WIDGETS, widget("a", "ns", color="blue"))
        reply = await rig.http.request("GET", path)
        assert reply.status == 200
        found = reply.json()
        assert found["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
        if path == ALL:
            assert [item["metadata"]["name"] for item in found["items"]] == ["a"]
        assert (await rig.http.request("GET", f"{path}?resourceVersion=0")).status in (200, 404)
