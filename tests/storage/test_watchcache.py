import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import Shaky

from interleaving import Interleaved
from kapi.contracts.storage import Compacted, StorageBackend, Unavailable
from kapi.meta.gvk import GroupVersionKind
from kapi.storage import feed as feed_module
from kapi.storage import indexes, watchcache, watchers, window
from kapi.storage.entry import Codec, Entry
from kapi.storage.events import CacheEvent
from kapi.storage.feed import Feed
from kapi.storage.indexes import Term
from kapi.storage.watchcache import WatchCache
from kapi.storage.watchers import Watcher

PREFIX = "/registry/widgets/"
CODEC = Codec(GroupVersionKind("example.com", "v1", "Widget"), {})


class Parts(NamedTuple):
    """A cache and what it stands on."""

    cache: WatchCache
    feed: Feed
    backend: Any

    async def put(self, name: str, namespace: str = "ns", **labels: str) -> int:
        """Create or change an object; returns its revision."""
        key = f"{PREFIX}{namespace}/{name}"
        meta = {"name": name, "namespace": namespace, "labels": labels}
        value = CODEC.encode({"metadata": meta})
        held = await self.backend.get(key)
        if held is None:
            return await self.backend.create(key, value)  # type: ignore[no-any-return]
        return await self.backend.update(key, value, held.revision)  # type: ignore[no-any-return]

    async def drop(self, name: str, namespace: str = "ns") -> int:
        """Delete an object; returns the revision."""
        key = f"{PREFIX}{namespace}/{name}"
        held = await self.backend.get(key)
        return await self.backend.delete(key, held.revision)  # type: ignore[no-any-return]

    async def names(self) -> list[str]:
        """Return what a consistent read shows."""
        async with asyncio.timeout(2):
            await self.cache.current()
        return [entry.name for entry in self.cache.scan("")]


@asynccontextmanager
async def caching(backend: StorageBackend | None = None) -> AsyncIterator[Parts]:
    backend = backend or Shaky()
    await backend.start()
    feed = Feed(backend, "/registry/")
    await feed.start()
    cache = WatchCache(backend, feed, PREFIX, CODEC)
    try:
        yield Parts(cache, feed, backend)
    finally:
        await feed.stop()
        await backend.stop()


@pytest.fixture(autouse=True)
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_FIRST_RETRY", 0.0)


def everything(entry: Entry) -> bool:
    return True


def blue(entry: Entry) -> bool:
    return entry.labels.get("color") == "blue"


def seen(watcher: Watcher) -> list[tuple[str, str]]:
    return [(kind, event.state(kind).name) for kind, event in watcher.take()]


class Plain:
    """Shows names only, and counts how often."""

    def __init__(self, shared: bool = True) -> None:
        self.shared = shared
        self.rendered = 0

    def object(self, entry: Entry) -> bytes:
        self.rendered += 1
        return orjson.dumps([entry.name, entry.revision])


# Reading


NAMES = st.sampled_from(["a", "b", "c", "d", "e", "f"])
STEPS = st.lists(st.tuples(st.sampled_from(["put", "put", "drop"]), NAMES, st.sampled_from(["n", "ns"])), max_size=15)


@settings(max_examples=60)
@given(STEPS, st.integers(0, 4))
def test_the_past_is_what_it_was(steps: list[tuple[str, str, str]], limit: int) -> None:
    """Any page of any state that the window still knows, against what was there at that time."""

    async def run() -> None:
        async with caching() as parts:
            await parts.put("a")
            await parts.put("f")
            await parts.cache.ready()
            states = {parts.cache.revision: list(parts.cache.scan(""))}
            for step, name, namespace in steps:
                if step == "put":
                    await parts.put(name, namespace)
                elif f"{PREFIX}{namespace}/{name}" in parts.cache.entries:
                    await parts.drop(name, namespace)
                await parts.names()
                states[parts.cache.revision] = list(parts.cache.scan(""))
            for revision, state in states.items():
                for namespace, start in (("", ""), ("ns", ""), ("", f"{PREFIX}ns/b\0")):
                    page = parts.cache.past_page(revision, namespace, start, limit)
                    assert page is not None
                    expected = [e for e in state if namespace in ("", e.namespace) and e.key >= start]
                    shown = expected[:limit] if limit else expected
                    assert [(e.key, e.revision) for e in page[0]] == [(e.key, e.revision) for e in shown]
                    assert page[1] == len(expected) - len(shown)
            assert parts.cache.past_page(min(states) - 1, "") is None

    asyncio.run(run())


async def test_the_cache_fills_on_first_use_and_follows() -> None:
    async with caching() as parts:
        await parts.put("b")
        await parts.put("a")
        assert parts.cache.entries == {}
        assert await parts.names() == ["a", "b"]
        await parts.put("c")
        await parts.drop("a")
        assert await parts.names() == ["b", "c"]


async def test_a_store_larger_than_a_page_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchcache, "PAGE", 3)
    async with caching() as parts:
        names = [f"w{number:02}" for number in range(10)]
        for name in names:
            await parts.put(name)
        assert await parts.names() == names


async def test_changes_while_the_cache_fills_are_not_lost() -> None:
    async with caching() as parts:
        await parts.put("a")
        await parts.put("b")
        parts.backend.gate = asyncio.Event()
        filling = asyncio.create_task(parts.names())
        await asyncio.sleep(0.001)
        await parts.put("c")
        await parts.drop("a")
        await parts.feed.current()
        parts.backend.gate.set()
        assert await filling == ["b", "c"]


async def test_history_that_is_lost_while_the_cache_fills_is_read_again() -> None:
    async with caching() as parts:
        await parts.put("a")
        parts.backend.gate = asyncio.Event()
        filling = asyncio.create_task(parts.names())
        await asyncio.sleep(0.001)
        parts.backend.watch_errors = [Compacted(9)]
        await parts.put("unseen")
        async with asyncio.timeout(2):
            await parts.feed.current()
        parts.backend.gate.set()
        assert await filling == ["a", "unseen"]


async def test_a_read_after_an_acknowledged_write_never_misses_it() -> None:
    async with caching(Interleaved()) as parts:

        async def write_and_read(number: int) -> None:
            name = f"w{number}"
            for _ in range(5):
                revision = await parts.put(name)
                await parts.cache.current()
                assert parts.cache.entries[f"{PREFIX}ns/{name}"].revision >= revision
                assert parts.cache.revision >= revision
            await parts.drop(name)
            assert name not in await parts.names()

        await asyncio.gather(*(write_and_read(number) for number in range(8)))


async def test_a_cache_that_could_not_be_filled_shows_nothing_wrong() -> None:
    """After a failed start reads fail, or wait: they never find the store empty."""
    async with caching() as parts:
        await parts.put("a")
        parts.backend.range_errors = [Unavailable("no")]
        with pytest.raises(Unavailable):
            await parts.names()
        assert await parts.names() == ["a"]
        await parts.put("b")
        assert await parts.names() == ["a", "b"]


async def test_everybody_who_waits_for_a_failed_start_is_told() -> None:
    async with caching() as parts:
        await parts.put("a")
        parts.backend.range_errors = [Unavailable("no")]
        waiting = [asyncio.create_task(parts.names()) for _ in range(3)]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, Unavailable) or result == ["a"] for result in results)


KEYS = st.lists(st.tuples(st.sampled_from(["a", "a-b", "ab", "b"]), st.sampled_from("wxyz")), unique=True)


@given(KEYS, st.sampled_from(["", "a", "a-b", "ab", "b", "c"]), st.text("/abw", max_size=4), st.integers(1, 4))
def test_namespaces_are_ranges_of_keys(keys: list[tuple[str, str]], namespace: str, start: str, limit: int) -> None:
    cache = WatchCache(None, None, PREFIX, CODEC)  # type: ignore[arg-type]  # nothing is read
    for own, name in keys:
        key = f"{PREFIX}{own}/{name}"
        cache._ordered.put(CODEC.entry(key, CODEC.encode({"metadata": {"name": name, "namespace": own}}), 1))
    everything = sorted(f"{PREFIX}{own}/{name}" for own, name in keys)
    want = [key for key in everything if namespace in ("", key.split("/")[3])]
    assert [entry.key for entry in cache.scan(namespace)] == want
    begin = PREFIX + start
    assert [entry.key for entry in cache.scan(namespace, begin)] == [key for key in want if key >= begin]
    assert paged(cache, namespace, limit) == want


def paged(cache: WatchCache, namespace: str, limit: int) -> list[str]:
    """Return all keys, read page by page."""
    found: list[str] = []
    start = ""
    while True:
        page, left = cache.page(namespace, start, limit)
        found += [entry.key for entry in page]
        if not left:
            return found
        start = page[-1].key + "\0"


# Watching


async def test_a_watcher_gets_what_comes_after_its_revision() -> None:
    async with caching() as parts:
        await parts.cache.ready()
        await parts.put("a")
        after = await parts.put("b")
        await parts.put("c")
        await parts.names()
        watcher, complete = parts.cache.watch(everything, after)
        assert complete
        assert seen(watcher) == [("ADDED", "c")]
        await parts.put("c")
        await parts.drop("a")
        await parts.names()
        assert seen(watcher) == [("MODIFIED", "c"), ("DELETED", "a")]


async def test_objects_enter_and_leave_a_selection() -> None:
    async with caching() as parts:
        await parts.cache.ready()
        watcher, _ = parts.cache.watch(blue, parts.cache.revision)
        await parts.put("a", color="red")
        await parts.put("a", color="blue")
        await parts.put("a", color="blue", x="y")
        last = await parts.put("a", color="red")
        await parts.drop("a")
        await parts.names()
        deliveries = watcher.take()
        assert [kind for kind, _ in deliveries] == ["ADDED", "MODIFIED", "DELETED"]
        gone = deliveries[-1].event.state("DELETED")
        assert (gone.labels, gone.revision) == ({"color": "blue", "x": "y"}, last), "the last state that was selected"


async def test_deleted_objects_show_the_revision_of_their_deletion() -> None:
    async with caching() as parts:
        await parts.put("a")
        await parts.cache.ready()
        watcher, _ = parts.cache.watch(everything, parts.cache.revision)
        deleted = await parts.drop("a")
        await parts.names()
        (delivery,) = watcher.take()
        assert orjson.loads(delivery.event.frame("DELETED", Plain())) == {"type": "DELETED", "object": ["a", deleted]}


async def test_older_events_come_from_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MOST_EVENTS", 2)
    async with caching() as parts:
        await parts.cache.ready()
        begin = await parts.put("a")
        for name in ("b", "c", "d"):
            await parts.put(name)
        await parts.drop("b")
        await parts.names()
        watcher, complete = parts.cache.watch(everything, begin)
        assert not complete
        until = parts.cache.revision
        await parts.put("e")
        await parts.names()
        old = [(event.seen_by(everything), event) async for event in parts.cache.history(begin, until)]
        assert [(kind, event.state(kind).name) for kind, event in old if kind] == [
            ("ADDED", "b"),
            ("ADDED", "c"),
            ("ADDED", "d"),
            ("DELETED", "b"),
        ]
        assert seen(watcher) == [("ADDED", "e")], "nothing twice"


FOREIGN = b"k8s\x00\n\x0c\n\x02v1\x12\x06Widget"


async def test_values_of_another_kind_of_server_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async with caching() as parts:
        before = await parts.backend.create(f"{PREFIX}ns/foreign", FOREIGN)
        await parts.put("a")
        assert await parts.names() == ["a"]
        watcher, _ = parts.cache.watch(everything, parts.cache.revision)
        held = await parts.backend.get(f"{PREFIX}ns/a")
        await parts.backend.update(held.key, b'{"metadata":{}}', held.revision)
        await parts.put("b")
        assert await parts.names() == ["b"]
        assert seen(watcher) == [("DELETED", "a"), ("ADDED", "b")]
        old = [event async for event in parts.cache.history(before, parts.cache.revision)]
        assert [event.seen_by(everything) for event in old] == ["ADDED", "DELETED", "ADDED"]
        assert "Widget" in caplog.text
        assert f"{PREFIX}ns/foreign at revision {before}" in caplog.text
        assert "k8s" not in caplog.text, "values may be secret"


async def test_history_ends_even_if_nothing_of_the_resource_changed() -> None:
    async with caching() as parts:
        await parts.cache.ready()
        begin = parts.cache.revision
        until = await parts.backend.create("/registry/others/a", b"{}")
        async with asyncio.timeout(2):
            assert [event async for event in parts.cache.history(begin, until)] == []


async def test_compacted_history_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MOST_EVENTS", 1)
    async with caching() as parts:
        await parts.cache.ready()
        begin = await parts.put("a")
        await parts.put("b")
        last = await parts.put("c")
        await parts.names()
        await parts.backend.compact(last)
        _, complete = parts.cache.watch(everything, begin)
        assert not complete
        with pytest.raises(Compacted):
            [event async for event in parts.cache.history(begin, last)]


async def test_the_window_forgets_old_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MOST_SECONDS", -1.0)
    async with caching() as parts:
        await parts.cache.ready()
        begin = await parts.put("a")
        await parts.put("b")
        await parts.names()
        assert not parts.cache.watch(everything, begin)[1]
        assert parts.cache.watch(everything, parts.cache.revision)[1]


async def test_the_window_of_a_resource_that_does_not_change_any_more_empties(monkeypatch: pytest.MonkeyPatch) -> None:
    async with caching() as parts:
        await parts.cache.ready()
        await parts.put("a")
        await parts.names()
        assert len(parts.cache._window) == 1
        monkeypatch.setattr(window, "MOST_SECONDS", -1.0)
        monkeypatch.setattr(feed_module, "_SAMPLE_SECONDS", -1.0)
        await parts.backend.create("/registry/others/b", b"{}")
        await parts.names()
        assert len(parts.cache._window) == 0
        assert parts.cache.watch(everything, parts.cache.revision)[1]


async def test_a_watcher_that_cannot_keep_up_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchers, "QUEUE_EVENTS", 2)
    async with caching() as parts:
        await parts.cache.ready()
        slow, _ = parts.cache.watch(everything, parts.cache.revision)
        quick, _ = parts.cache.watch(everything, parts.cache.revision)
        for name in ("a", "b", "c"):
            await parts.put(name)
            await parts.names()
            quick.take()
        assert slow.closed
        assert not slow.expired
        assert [name for _, name in seen(slow)] == ["a", "b"], "what it has already is in order and complete"
        assert not quick.closed
        assert parts.cache.watchers == 1


async def test_a_watcher_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchers, "QUEUE_BYTES", 300)
    async with caching() as parts:
        await parts.cache.ready()
        slow, _ = parts.cache.watch(everything, parts.cache.revision)
        quick, _ = parts.cache.watch(everything, parts.cache.revision)
        names = ["a", "b", "large" * 60, "c", "d", "e"]
        for name in names:
            await parts.put(name)
            await parts.names()
            assert seen(quick) == [("ADDED", name)], "a single event is never too large"
        assert slow.closed
        assert [name for _, name in seen(slow)] == ["a", "b"]


@pytest.mark.parametrize(("within", "expected"), [("", "abc"), ("ns/", "ab"), ("ns/b", "b"), ("n/", "")])
async def test_a_watcher_of_a_part_is_asked_about_that_only(within: str, expected: str) -> None:
    asked: list[str] = []

    def ask(entry: Entry) -> bool:
        asked.append(entry.name)
        return True

    async with caching() as parts:
        await parts.cache.ready()
        watcher, _ = parts.cache.watch(ask, parts.cache.revision, within)
        await parts.put("a")
        await parts.put("b")
        await parts.put("c", "other")
        await parts.names()
        assert "".join(asked) == "".join(name for _, name in seen(watcher)) == expected
        watcher.close()
        assert parts.cache.watchers == 0


async def test_labels_that_are_asked_for_again_are_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "FROM_ENTRIES", 3)
    async with caching() as parts:
        for name, color in zip("dcba", ("blue", "red") * 2, strict=True):
            await parts.put(name, color=color)
        await parts.cache.ready()
        term = Term(True, "color", "blue")
        for _ in range(2):
            assert len(parts.cache.scan("", terms=(term,))) == 4
        await asyncio.gather(*parts.cache._indexes._filling)
        found = parts.cache.scan("ns", terms=(term,))
        assert [entry.name for entry in found] == ["b", "d"]
        await parts.put("b", color="red")
        await parts.put("e", color="blue")
        await parts.names()
        assert [entry.name for entry in parts.cache.scan("", terms=(term,))] == ["d", "e"]
        assert [entry.name for entry in found] == ["b", "d"], "what was found stays as it was"
        assert not parts.cache.scan("", terms=(Term(True, "color", "green"),)), "nothing is looked through"


async def test_a_window_larger_than_the_queue_closes_the_watcher_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchers, "QUEUE_EVENTS", 2)
    async with caching() as parts:
        await parts.cache.ready()
        begin = parts.cache.revision
        for name in ("a", "b", "c"):
            await parts.put(name)
        await parts.names()
        watcher, _ = parts.cache.watch(everything, begin)
        assert watcher.closed
        assert parts.cache.watchers == 0
        assert [name for _, name in seen(watcher)] == ["a", "b"]


async def test_waiting_ends_with_an_event_a_close_or_the_time() -> None:
    async with caching() as parts:
        await parts.cache.ready()
        watcher, _ = parts.cache.watch(everything, parts.cache.revision)
        await watcher.wait(0.0)
        waiting = asyncio.create_task(watcher.wait(60.0))
        await asyncio.sleep(0)
        await parts.put("a")
        async with asyncio.timeout(2):
            await waiting
            await watcher.wait(60.0)
        watcher.take()
        waiting = asyncio.create_task(watcher.wait(60.0))
        await asyncio.sleep(0)
        watcher.close()
        async with asyncio.timeout(2):
            await waiting
        assert parts.cache.watchers == 0


async def test_ending_watches_closes_those_that_are_open_and_those_that_come() -> None:
    async with caching() as parts:
        await parts.cache.ready()
        before, _ = parts.cache.watch(everything, parts.cache.revision)
        parts.cache.end_watches()
        after, _ = parts.cache.watch(everything, parts.cache.revision)
        assert (before.closed, after.closed, parts.cache.watchers) == (True, True, 0)


async def test_lost_history_expires_watchers_and_reads_all_anew() -> None:
    async with caching() as parts:
        await parts.put("stays")
        await parts.put("goes")
        assert await parts.names() == ["goes", "stays"]
        told: list[CacheEvent] = []
        stop = parts.cache.listen(told.append)
        watcher, _ = parts.cache.watch(everything, parts.cache.revision)
        parts.backend.watch_errors = [Compacted(9)]
        parts.backend.gate = asyncio.Event()
        await parts.put("last")
        async with asyncio.timeout(2):
            await watcher.wait(60.0)
        assert watcher.expired
        await parts.drop("goes")
        await parts.put("new")
        reading = asyncio.create_task(parts.names())
        await asyncio.sleep(0.001)
        assert not reading.done(), "nothing is shown until all has been read"
        parts.backend.gate.set()
        assert await reading == ["last", "new", "stays"]
        stop()
        changes = [(event.seen_by(everything), (event.entry or event.previous)) for event in told]
        differences = sorted((kind, entry.name) for kind, entry in changes if kind and entry)
        assert differences == [("ADDED", "last"), ("ADDED", "new"), ("DELETED", "goes")], "each is told once"


async def test_a_revision_from_before_the_reset_has_to_list_again() -> None:
    async with caching() as parts:
        old = await parts.put("a")
        await parts.names()
        parts.backend.watch_errors = [Compacted(9)]
        await parts.put("b")
        watcher, _ = parts.cache.watch(everything, parts.cache.revision)
        async with asyncio.timeout(2):
            while not watcher.closed:
                watcher.take()
                await watcher.wait(60.0)
        assert await parts.names() == ["a", "b"]
        assert not parts.cache.watch(everything, old)[1]


async def test_an_event_is_rendered_once_for_all_watchers() -> None:
    async with caching() as parts:
        await parts.cache.ready()
        watchers = [parts.cache.watch(everything, parts.cache.revision)[0] for _ in range(3)]
        await parts.put("a")
        await parts.names()
        shared, private = Plain(), Plain(shared=False)
        for watcher in watchers:
            ((kind, event),) = watcher.take()
            assert event.frame(kind, shared) == event.frame(kind, private)
        assert (shared.rendered, private.rendered) == (1, 3)


async def test_a_listener_that_stops_is_told_nothing_more() -> None:
    async with caching() as parts:
        await parts.cache.ready()
        told: list[CacheEvent] = []
        stop = parts.cache.listen(told.append)
        await parts.put("a")
        await parts.names()
        stop()
        await parts.put("b")
        await parts.names()
        assert len(told) == 1
