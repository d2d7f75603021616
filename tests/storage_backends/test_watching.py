"""Watches and the hub that feeds them."""

import asyncio
import gc
from collections.abc import Sequence

import pytest

from kapi.contracts.storage import Change, Compacted, WatchBatch
from kapi_storage import watching
from kapi_storage.watching import Hub, Watch


class ListHistory:
    """History kept in a list, read a few changes at a time."""

    def __init__(self) -> None:
        self.log: list[Change] = []
        self.compacted = 0
        self.reads = 0

    def limits(self) -> tuple[int, int]:
        return self.compacted, len(self.log)

    def changes(self, prefix: str, after: int, until: int, previous: bool) -> tuple[Sequence[Change], int]:
        self.reads += 1
        if after < self.compacted:
            raise Compacted(self.compacted)
        upto = min(until, after + 3)
        return [change for change in self.log[after:upto] if change.key.startswith(prefix)], upto


class Store:
    """A hub with its history; writes are numbered from 1."""

    def __init__(self) -> None:
        self.history = ListHistory()
        self.hub = Hub(0)

    def write(self, *keys: str, publish: bool = True, size: int = 1) -> None:
        base = len(self.history.log)
        changes = [Change(base + n, key, b"x" * size, None, 0) for n, key in enumerate(keys, 1)]
        self.history.log += changes
        if publish:
            self.hub.publish(changes, base, base + len(changes))

    def watch(self, prefix: str = "/", after: int = 0) -> Watch:
        return Watch(self.hub, self.history, prefix, after)


@pytest.fixture
def store() -> Store:
    return Store()


async def _keys(watch: Watch, until: int) -> list[str]:
    keys: list[str] = []
    complete = -1
    while complete < until:
        batch = await asyncio.wait_for(anext(watch), 2)
        keys += [change.key for change in batch.changes]
        complete = batch.revision
    return keys


async def test_live_changes_need_no_history(store: Store) -> None:
    watch = store.watch()
    assert await anext(watch) == WatchBatch((), 0)
    store.write("/a", "/b")
    assert await _keys(watch, 2) == ["/a", "/b"]
    assert store.history.reads == 0


async def test_a_commit_reaches_the_consumer_before_the_writer(store: Store) -> None:
    order: list[str] = []
    watch = store.watch()
    await anext(watch)

    async def consume() -> None:
        await anext(watch)
        order.append("watch")

    async def write() -> None:
        done = asyncio.get_running_loop().create_future()

        def commit() -> None:
            store.write("/a")
            done.set_result(None)

        asyncio.get_running_loop().call_soon(commit)
        await done
        order.append("writer")

    consumer = asyncio.ensure_future(consume())
    await asyncio.sleep(0)
    await asyncio.gather(write(), consumer)
    assert order == ["watch", "writer"]


async def test_history_and_live_changes_join(store: Store) -> None:
    store.write(*[f"/{n}" for n in range(10)])
    watch = store.watch("/", 4)
    first = await anext(watch)
    store.write("/late")
    assert [c.key for c in first.changes] + await _keys(watch, 11) == [*[f"/{n}" for n in range(4, 10)], "/late"]


async def test_changes_that_the_hub_did_not_see_come_from_history(store: Store) -> None:
    watch = store.watch()
    await anext(watch)
    store.write("/foreign", publish=False)
    store.write("/own")
    assert await _keys(watch, 2) == ["/foreign", "/own"]
    store.write("/foreign", publish=False)
    store.hub.skip(3)
    store.write("/own")
    assert await _keys(watch, 4) == ["/foreign", "/own"]


async def test_changes_seen_early_are_not_repeated(store: Store) -> None:
    watch = store.watch()
    await anext(watch)
    store.write("/a", "/b", publish=False)
    store.hub.skip(1)
    assert await _keys(watch, 1) == ["/a"]
    store.hub.publish(store.history.log, 0, 2)
    assert await _keys(watch, 2) == ["/b"]


async def test_a_watch_may_begin_ahead_of_the_hub(store: Store) -> None:
    store.write("/a", "/b", publish=False)
    watch = store.watch("/", 1)
    assert await anext(watch) == WatchBatch((), 1)
    store.hub.publish(store.history.log, 0, 2)
    assert await _keys(watch, 2) == ["/b"]


async def test_an_overflowing_queue_is_read_from_history(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MAX_PENDING_CHANGES", 4)
    watch = store.watch()
    await anext(watch)
    for n in range(10):
        store.write(f"/{n}")
    assert await _keys(watch, 10) == [f"/{n}" for n in range(10)]
    assert store.history.reads > 0
    store.write("/live")
    reads = store.history.reads
    assert await _keys(watch, 11) == ["/live"]
    assert store.history.reads == reads


async def test_a_queue_is_bounded_in_bytes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MAX_PENDING_BYTES", 100)
    watch = store.watch()
    await anext(watch)
    store.write("/a", size=60)
    store.write("/b", size=60)
    store.write("/c", size=1)
    assert await _keys(watch, 3) == ["/a", "/b", "/c"]
    assert store.history.reads > 0


async def test_an_overflowed_watch_behind_compaction_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MAX_PENDING_CHANGES", 1)
    watch = store.watch()
    await anext(watch)
    store.write("/a", "/b")
    store.history.compacted = 2
    with pytest.raises(Compacted):
        await anext(watch)
    with pytest.raises(StopAsyncIteration):
        await anext(watch)


async def test_progress_is_reported_when_announced(store: Store) -> None:
    watch = store.watch("/mine/")
    await anext(watch)
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    store.write("/other")
    await asyncio.sleep(0)
    assert not waiting.done()
    await store.hub.announce()
    assert await waiting == WatchBatch([], 1)


async def test_announcing_nothing_new_wakes_nobody(store: Store) -> None:
    watch = store.watch()
    await anext(watch)
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    await store.hub.announce()
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_a_cancelled_wait_loses_nothing(store: Store) -> None:
    watch = store.watch()
    await anext(watch)
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    waiting.cancel()
    store.write("/a")
    await asyncio.sleep(0)
    assert waiting.cancelled()
    assert await _keys(watch, 1) == ["/a"]


async def test_closing_the_hub_delivers_what_is_queued(store: Store) -> None:
    watch = store.watch()
    await anext(watch)
    store.write("/a")
    store.hub.close()
    assert await _keys(watch, 1) == ["/a"]
    with pytest.raises(StopAsyncIteration):
        await anext(watch)


async def test_closing_a_watch_wakes_its_consumer(store: Store) -> None:
    watch = store.watch()
    await anext(watch)
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    await watch.aclose()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_a_forgotten_watch_leaves_nothing_behind(store: Store) -> None:
    watch = store.watch()
    await anext(watch)
    kept = store.watch()
    await anext(kept)
    del watch
    gc.collect()
    store.write("/a")
    assert len(store.hub._queues) == 1
    assert await _keys(kept, 1) == ["/a"]
