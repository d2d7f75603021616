"""The watch cache of one stored resource: its current objects as ready bytes, its latest changes, its watchers.

The cache starts on first use, from one range of the backend, and is then kept current by the :class:`Feed`. Every
change becomes one :class:`CacheEvent`; what a watcher sends is rendered once per event and representation, however many
watchers there are.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from kapi.contracts.storage import Change, KeyValue, RangeResult, StorageBackend
from kapi.storage.entry import Codec, Entry
from kapi.storage.events import CacheEvent, Predicate
from kapi.storage.feed import Feed, Subscriber
from kapi.storage.indexes import Indexes, Term
from kapi.storage.ordered import OrderedEntries, Snapshot, rewound
from kapi.storage.pace import Pace
from kapi.storage.turns import Turns
from kapi.storage.unreadable import ENCRYPTED, NOT_DECRYPTED, UnreadableValue
from kapi.storage.watchers import Watcher
from kapi.storage.window import Window

PAGE = 2000


class _State(NamedTuple):
    """The entries that the store has at a revision."""

    entries: dict[str, Entry]
    ordered: OrderedEntries
    revision: int


class WatchCache:
    """See the module's description. All methods belong to the event loop's thread."""

    def __init__(self, backend: StorageBackend, feed: Feed, prefix: str, codec: Codec) -> None:
        """Take the key prefix of the resource (ending in a slash) and the codec of its stored kind."""
        self.prefix = prefix
        self.codec = codec
        self.entries: dict[str, Entry] = {}
        self.changed_at = 0
        self.pace = Pace()
        self._backend = backend
        self._feed = feed
        self._ordered = OrderedEntries()
        self._indexes = Indexes()
        self._window = Window()
        self._loaded_at = 0
        self._pending: list[Change] | None = None
        self._loading: asyncio.Task[None] | None = None
        self._watchers: dict[str, dict[Watcher, None]] = {}
        self._listeners: list[Callable[[CacheEvent], None]] = []
        self._resets = 0
        self._ended = False
        self._subscriber: Subscriber | None = None

    @property
    def revision(self) -> int:
        """The revision that the cache shows."""
        return max(self._feed.revision, self._loaded_at)

    @property
    def watchers(self) -> int:
        """How many watches are open."""
        return sum(map(len, self._watchers.values()))

    async def ready(self) -> None:
        """Return when the cache has been filled; raises what the backend raises, and reads anew the next time."""
        if self._filled:
            return
        if self._loading is None or self._loading.done():
            self._pending = []
            self._subscribe()
            self._loading = asyncio.create_task(self._load(), name=f"kapi-cache{self.prefix}")
        await asyncio.shield(self._loading)

    def _subscribe(self) -> None:
        if self._subscriber is not None:
            self._feed.unsubscribe(self._subscriber)
        self._subscriber = Subscriber(self.prefix, self._apply, self._reset)
        self._feed.subscribe(self._subscriber)

    def retire(self) -> None:
        """Follow the store no more, because the resource is not served any more, or by another cache."""
        if self._subscriber is not None:
            self._feed.unsubscribe(self._subscriber)

    @property
    def _filled(self) -> bool:
        """Whether the entries are those of the store: read, and not to be read anew."""
        return self._loading is not None and self._pending is None

    async def current(self) -> None:
        """Return when the cache shows every write acknowledged before the call."""
        if not self._filled:
            await self.ready()
        await self._feed.current()
        if not self._filled:
            await self.ready()

    async def target(self) -> int:
        """Return the revision that a consistent read must see; raises what the backend raises."""
        await self.ready()
        return await self._backend.current_revision()

    async def reached(self, revision: int) -> None:
        """Return when the cache shows ``revision``."""
        await self.ready()
        if revision > self.revision:
            await self._feed.reached(revision)
            await self.ready()

    async def _load(self) -> None:
        """Read all, and again if history was lost meanwhile: changes between the two may have gone unseen."""
        while True:
            resets = self._resets
            state = await self._read()
            if resets == self._resets:
                break
        self._install(state)

    async def _read(self) -> _State:
        """Read all entries, a little at a time."""
        entries, ordered = dict[str, Entry](), OrderedEntries()
        start, revision, turns = "", 0, Turns()
        while True:
            page = await self._backend.range(self.prefix, start=start, limit=PAGE, revision=revision)
            revision = page.revision
            for item in page.items:
                entry = self._readable(item)
                if entry is not None:
                    entries[entry.key] = entry
                    ordered.put(entry)
                if turns.due():
                    await turns.give()
            if not page.more:
                return _State(entries, ordered, revision)
            start = page.items[-1].key + "\0"

    def _readable(self, item: KeyValue) -> Entry | None:
        entry = self.codec.readable(item.key, item.value, item.revision)
        if entry is None and item.value.startswith(ENCRYPTED):
            raise UnreadableValue(item.key, NOT_DECRYPTED)  # nobody must take it for absent, and make another
        return entry

    def _install(self, state: _State) -> None:
        """Take over a freshly read state; listeners learn the difference to what they knew."""
        known = self.entries
        self.entries, self._ordered, revision = state
        self._indexes.clear()
        self._loaded_at = self.changed_at = revision
        self._window.reset(revision)
        pending, self._pending = self._pending or [], None
        if self._listeners:
            for key in known.keys() | self.entries.keys():
                before, now = known.get(key), self.entries.get(key)
                if before is None or now is None or before.revision != now.revision:
                    self._tell(CacheEvent(revision, now, before))
        self._apply([change for change in pending if change.revision > revision])

    def _reset(self) -> None:
        for watcher in self._all_watchers():
            watcher.close(expired=True)
        self._resets += 1
        if self._filled:
            self._pending = []
            self._loading = asyncio.create_task(self._load(), name=f"kapi-cache{self.prefix}")

    def _apply(self, changes: Sequence[Change]) -> None:
        if self._pending is not None:
            self._pending.extend(changes)
            return
        for change in changes:
            if change.revision > self._loaded_at:
                self._change(change)
        self.pace.keep()
        self._window.trim()
        self._indexes.trim()

    def _change(self, change: Change) -> None:
        previous = self.entries.get(change.key)
        entry = None if change.value is None else self.codec.readable(change.key, change.value, change.revision)
        if entry is None:
            if previous is None:
                return
            del self.entries[change.key]
            self._ordered.remove(change.key)
        else:
            self.entries[change.key] = entry
            self._ordered.put(entry)
        self._indexes.change(previous, entry)
        event = CacheEvent(change.revision, entry, previous)
        self.changed_at = change.revision
        self._window.add(event)
        for watcher in self._watchers_of(change.key):
            watcher.deliver(event)
        self._tell(event)

    def _watchers_of(self, key: str) -> list[Watcher]:
        """Return the watchers that may want a key: of everything, of its namespace, of itself."""
        watchers = self._watchers
        if not watchers:
            return []
        scopes = {self.prefix, key[: key.rfind("/") + 1], key}
        return [watcher for scope in scopes if scope in watchers for watcher in watchers[scope]]

    def _all_watchers(self) -> list[Watcher]:
        return [watcher for watchers in self._watchers.values() for watcher in watchers]

    def _tell(self, event: CacheEvent) -> None:
        for listener in self._listeners:
            listener(event)

    def page(self, namespace: str, start: str = "", limit: int = 0, terms: Sequence[Term] = ()) -> tuple[Snapshot, int]:
        """Return entries of a namespace ("": all) in key order, from the key ``start`` on, and how many more there are.

        ``limit`` is how many entries are returned at most (0: all). ``terms`` are what all entries that are wanted
        meet; others may be left out, and are if that is quicker. The entries show this moment, whenever they are used.
        """
        found = self._indexes.find(terms, self.entries) if terms else None
        entries = self._ordered if found is None else found
        return entries.snapshot(*self._bounds(namespace, start), limit)

    def past_page(self, revision: int, namespace: str, start: str = "", limit: int = 0) -> tuple[Snapshot, int] | None:
        """Return what :meth:`page` would have returned at a past revision; None if the backend must be asked.

        It costs what has changed since, and not a look at all that there is, as the backend's history may.
        """
        if revision < self._window.start or not self._feed.is_recent(revision):
            return None
        low, high = self._bounds(namespace, start)
        undone = self._window.undone(revision, low, high)
        if not undone:
            return self._ordered.snapshot(low, high, limit)
        present, left = self._ordered.snapshot(low, high, limit + len(undone) if limit else 0)
        taken = rewound(present, undone, limit)
        now = sum(key in self.entries for key in undone)
        then = sum(entry is not None for entry in undone.values())
        return taken, len(present) + left - now + then - len(taken)

    def _bounds(self, namespace: str, start: str) -> tuple[str, str]:
        """Return the first key of a namespace ("": all) from ``start`` on, and the first that is behind it."""
        prefix = f"{self.prefix}{namespace}/" if namespace else self.prefix
        return max(prefix, start), prefix[:-1] + "0"

    def scan(self, namespace: str, start: str = "", terms: Sequence[Term] = ()) -> Snapshot:
        """Return the entries of a namespace ("": all) in key order, from the key ``start`` on, as of this moment."""
        return self.page(namespace, start, 0, terms)[0]

    async def range(self, prefix: str, start: str, limit: int, revision: int) -> RangeResult:
        """Read keys of this resource from the backend, at a revision that the cache no longer shows."""
        return await self._backend.range(prefix, start=start, limit=limit, revision=revision)

    def listen(self, listener: Callable[[CacheEvent], None]) -> Callable[[], None]:
        """Call ``listener`` with every change from now on; returns how to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def leave(self, watcher: Watcher) -> None:
        """Forget a watcher."""
        watchers = self._watchers.get(watcher.scope, {})
        watchers.pop(watcher, None)
        if not watchers:
            self._watchers.pop(watcher.scope, None)

    def watch(self, matches: Predicate | None, after: int, within: str = "") -> tuple[Watcher, bool]:
        """Open a watch that begins after a revision, of the entries that match (None: all).

        ``within`` is the end of the prefix ``NAMESPACE/``, or of the key of the only object that can match; "": all.

        Returns the watcher, with what the window holds already queued, and whether that is all: if not, the caller
        first sends what :meth:`history` yields.
        """
        complete = after >= self._window.start
        watcher = Watcher(self, self.prefix + within, matches, after if complete else self.revision)
        self._watchers.setdefault(watcher.scope, {})[watcher] = None
        if complete:
            for event in self._window.since(after):
                watcher.deliver(event)
            self.pace.keep()
        if self._ended:
            watcher.close()
        return watcher, complete

    async def history(self, after: int, until: int) -> AsyncIterator[CacheEvent]:
        """Yield the changes in (after, until] from the backend's history. Raises Compacted."""
        readable = self.codec.readable
        async for batch in self._backend.watch(self.prefix, after):
            for revision, key, value, previous, previous_revision in batch.changes:
                if revision > until:
                    return
                now = readable(key, value, revision) if value is not None else None
                before = readable(key, previous, previous_revision) if previous is not None else None
                if now is not None or before is not None:
                    yield CacheEvent(revision, now, before)
            if batch.revision >= until:
                return

    def end_watches(self) -> None:
        """Close all watchers, and those that come later at once, because the server stops."""
        self._ended = True
        for watcher in self._all_watchers():
            watcher.close()
