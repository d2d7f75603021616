import asyncio
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace

import pytest
from scripted import Shaky

from kapi.contracts.storage import Change, Compacted, FutureRevision, StorageBackend, Unavailable, WatchBatch
from kapi.storage import feed as feed_module
from kapi.storage.feed import Feed, Subscriber


class Listener:
    """Subscribes to a prefix and keeps what it is told."""

    def __init__(self, feed: Feed, prefix: str) -> None:
        self.keys: list[str] = []
        self.resets = 0
        self.was_reset = asyncio.Event()
        feed.subscribe(Subscriber(prefix, self._apply, self._reset))

    def _apply(self, changes: Sequence[Change]) -> None:
        self.keys += [change.key for change in changes]

    def _reset(self) -> None:
        self.resets += 1
        self.was_reset.set()


@pytest.fixture(autouse=True)
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_FIRST_RETRY", 0.0)
    monkeypatch.setattr(feed_module, "_LAST_RETRY", 0.0)


@pytest.fixture
async def backend() -> AsyncIterator[Shaky]:
    made = Shaky()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def feed(backend: Shaky) -> AsyncIterator[Feed]:
    made = Feed(backend, "/registry/")
    await made.start()
    yield made
    await made.stop()


async def written(backend: StorageBackend, feed: Feed, *keys: str) -> None:
    for key in keys:
        await backend.create(key, b"{}")
    async with asyncio.timeout(2):
        await feed.current()


async def test_changes_are_dealt_by_prefix(backend: Shaky, feed: Feed) -> None:
    pods, specs = Listener(feed, "/registry/pods/"), Listener(feed, "/registry/services/specs/")
    await written(
        backend,
        feed,
        "/registry/pods/ns/a",
        "/registry/podsets/ns/a",
        "/registry/services/specs/ns/a",
        "/registry/services/endpoints/ns/a",
        "/registry/leader",
        "/registry/pods/ns/b",
        "/elsewhere/pods/ns/a",
    )
    assert pods.keys == ["/registry/pods/ns/a", "/registry/pods/ns/b"]
    assert specs.keys == ["/registry/services/specs/ns/a"]


async def test_current_waits_for_every_acknowledged_write(backend: Shaky, feed: Feed) -> None:
    listener = Listener(feed, "/registry/pods/")
    for number in range(20):
        await written(backend, feed, f"/registry/pods/{number}")
        assert listener.keys[-1] == f"/registry/pods/{number}"


async def test_current_also_counts_writes_elsewhere_in_the_store(backend: Shaky, feed: Feed) -> None:
    await written(backend, feed, "/elsewhere/a")
    assert feed.revision == await backend.current_revision()


async def test_reached_returns_in_the_order_of_revisions(backend: Shaky, feed: Feed) -> None:
    start, order = feed.revision, []

    async def wait(revision: int) -> None:
        await feed.reached(revision)
        order.append(revision)

    waiting = [asyncio.create_task(wait(start + ahead)) for ahead in (3, 1, 2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await written(backend, feed, "/registry/a", "/registry/b", "/registry/c")
    await asyncio.gather(*waiting, return_exceptions=True)
    assert order == [start + 1, start + 2]
    await feed.reached(start)


async def test_a_watch_that_ends_is_taken_up_where_it_was(backend: Shaky, feed: Feed) -> None:
    listener = Listener(feed, "/registry/pods/")
    await written(backend, feed, "/registry/pods/a")
    backend.watch_errors = [Unavailable("gone"), Unavailable("still gone")]
    await written(backend, feed, "/registry/pods/b", "/registry/pods/c")
    await written(backend, feed, "/registry/pods/d")
    assert [key[-1] for key in listener.keys] == ["a", "b", "c", "d"]
    assert listener.resets == 0


@pytest.mark.parametrize("error", [Compacted(5), FutureRevision(1)])
async def test_lost_history_resets_the_subscribers(backend: Shaky, feed: Feed, error: Exception) -> None:
    listener = Listener(feed, "/registry/pods/")
    backend.watch_errors = [error]  # type: ignore[list-item]  # both are StorageErrors
    await written(backend, feed, "/registry/pods/a")
    async with asyncio.timeout(2):
        await listener.was_reset.wait()
    await written(backend, feed, "/registry/pods/b")
    assert listener.keys[-1] == "/registry/pods/b"
    assert feed.revision == await backend.current_revision()


async def test_those_who_wait_go_on_after_lost_history(backend: Shaky, feed: Feed) -> None:
    backend.watch_errors = [Compacted(5)]
    revision = await backend.create("/registry/a", b"{}")
    async with asyncio.timeout(2):
        await feed.reached(revision)


async def test_a_subscriber_that_fails_is_reset_and_told_on(backend: Shaky, feed: Feed) -> None:
    listener = Listener(feed, "/registry/pods/")

    def fail(changes: Sequence[Change]) -> None:
        feed.unsubscribe(failing)
        raise RuntimeError(changes[0].key)

    failing = Subscriber("/registry/pods/", fail, listener._reset)
    feed.subscribe(failing)
    await written(backend, feed, "/registry/pods/a")
    await written(backend, feed, "/registry/pods/b")
    assert (listener.resets, listener.keys) == (1, ["/registry/pods/a", "/registry/pods/b"])


async def test_nobody_waits_for_a_feed_that_has_ended(backend: Shaky, feed: Feed) -> None:
    waiting = asyncio.create_task(feed.reached(feed.revision + 1))
    await asyncio.sleep(0)
    await feed.stop()
    for wait in (waiting, feed.reached(feed.revision + 1)):
        with pytest.raises(Unavailable, match="stopping"):
            async with asyncio.timeout(2):
                await wait


async def test_stop_ends_the_watch(backend: Shaky) -> None:
    feed = Feed(backend, "/registry/")
    await feed.stop()
    await feed.start()
    await feed.stop()
    await backend.create("/registry/a", b"{}")
    await asyncio.sleep(0)
    assert feed.revision < await backend.current_revision()


def test_revisions_are_recent_for_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(feed_module, "time", SimpleNamespace(monotonic=lambda: now))
    feed = Feed(Shaky(), "/registry/")
    assert feed.is_recent(5), "nothing is known yet"
    for step in range(80):
        now = 1000.0 + 10 * step
        feed._deal(WatchBatch((), 100 + step))
    assert [feed.is_recent(100 + step) for step in range(80)] == [False] * 49 + [True] * 31
    assert len(feed._samples) < 35
    now += 1000
    assert feed.is_recent(179), "the store is still there"
    assert not feed.is_recent(178)
