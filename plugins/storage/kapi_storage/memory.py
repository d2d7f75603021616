"""The store in memory: for tests and for servers that may forget everything when they stop."""

import heapq
import time
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kapi.contracts.plugins import BuildContext
from kapi.contracts.storage import (
    Capabilities,
    Change,
    Compacted,
    FutureRevision,
    KeyExists,
    KeyMissing,
    KeyValue,
    RangeResult,
    RevisionConflict,
    StorageBackend,
    StoragePlugin,
    Unavailable,
)
from kapi.hookspecs import hookimpl
from kapi_storage.keyspace import bounds, check_key
from kapi_storage.upkeep import PROGRESS_INTERVAL, Upkeep, expiry_pause
from kapi_storage.watching import Hub, Watch

DEFAULT_COMPACTION_INTERVAL = 300.0
FIRST_REVISION = 1
"""The revision of an empty store: 0 stands for "the current one" in reads, so no state may have it."""

MOST_HISTORY_BYTES = 256 << 20
"""With more than that, the older half of history is forgotten, however young it is."""

_REPLAY_CHUNK = 2000


class _Expiry(NamedTuple):
    """When a key expires, if it still has the revision."""

    deadline: float
    revision: int
    key: str


class MemoryBackend(StorageBackend):
    """Current values in a dict, their keys in a sorted list, and the changes since the last compaction."""

    capabilities = Capabilities(multi_process=False)

    def __init__(self, *, compaction_interval: float = DEFAULT_COMPACTION_INTERVAL) -> None:
        """Take the seconds of history to keep (0: all of it), unless there is too much."""
        self._interval = compaction_interval
        self._values: dict[str, KeyValue] = {}
        self._keys: list[str] = []
        self._changes: list[Change] = []
        self._expiries: list[_Expiry] = []
        self._revision = FIRST_REVISION
        self._compacted = 0
        self._mark = 0
        self._history_bytes = 0
        self._refusal = "the store has not been started"
        self._hub = Hub(FIRST_REVISION)
        self._upkeep = Upkeep()

    async def start(self) -> None:
        """Begin to expire and compact."""
        self._refusal = ""
        self._mark = self._revision
        self._upkeep.every(self._expiry_pause, self._expire, "kapi-memory-expiry")
        self._upkeep.every(PROGRESS_INTERVAL, self._hub.announce, "kapi-memory-progress")
        if self._interval > 0:
            self._upkeep.every(self._interval, self._compact_old, "kapi-memory-compaction")

    async def stop(self) -> None:
        """End all watches."""
        self._refusal = "the store has been stopped"
        self._hub.close()
        await self._upkeep.stop()

    async def ready(self) -> None:
        """Return while the store is started."""
        self._check_open()

    async def get(self, key: str) -> KeyValue | None:
        """Return the current value of a key."""
        self._check_open()
        return self._values.get(key)

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> RangeResult:
        """Return a page of keys."""
        self._check_open()
        first, end = bounds(prefix)
        first = max(first, start)
        if revision in (0, self._revision):
            keys, values = self._keys, self._values
        else:
            values = self._values_at(revision, first, end)
            keys = sorted(values)
        low, high = bisect_left(keys, first), bisect_left(keys, end)
        stop = min(high, low + limit) if limit > 0 else high
        items = [values[key] for key in keys[low:stop]]
        remaining = max(0, high - stop)
        return RangeResult(items, revision or self._revision, remaining > 0, remaining)

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        """Store a value under a new key."""
        self._check_open()
        check_key(key)
        if key in self._values:
            raise KeyExists(key)
        insort(self._keys, key)
        return self._put(key, value, None, ttl)

    async def update(self, key: str, value: bytes, expected_revision: int, *, ttl: float | None = None) -> int:
        """Replace the value of a key."""
        old = self._expect(key, expected_revision)
        return self._put(key, value, old, ttl)

    async def delete(self, key: str, expected_revision: int) -> int:
        """Delete a key."""
        return self._remove(self._expect(key, expected_revision))

    def watch(self, prefix: str, after_revision: int) -> Watch:
        """Return the changes under a prefix."""
        self._check_open()
        return Watch(self._hub, self, prefix, after_revision)

    async def current_revision(self) -> int:
        """Return the revision of the last change."""
        self._check_open()
        return self._revision

    async def compact(self, revision: int) -> None:
        """Forget history older than a revision."""
        self._check_open()
        if revision > self._revision:
            raise FutureRevision(self._revision)
        self._forget(revision)

    def _forget(self, revision: int) -> None:
        if revision > self._compacted:
            self._compacted = revision
            del self._changes[: self._index(revision)]
            self._history_bytes = sum(len(change.value or b"") for change in self._changes)

    async def advance(self, revision: int) -> None:
        """Raise the revision, and drop history."""
        self._check_open()
        base, self._revision = self._revision, max(self._revision, revision)
        self._compacted = self._revision
        self._changes.clear()
        self._history_bytes = 0
        self._hub.publish((), base, self._revision)

    async def expiries(self, prefix: str) -> Mapping[str, float]:
        """Return the seconds that keys have left."""
        self._check_open()
        now = time.monotonic()
        return {
            expiry.key: max(0.0, expiry.deadline - now)
            for expiry in self._expiries
            if expiry.key.startswith(prefix) and self._is_due(expiry)
        }

    def limits(self) -> tuple[int, int]:
        """Return the compacted revision and the current one."""
        return self._compacted, self._revision

    def changes(self, prefix: str, after: int, until: int, previous: bool = True) -> tuple[Sequence[Change], int]:
        """Return changes from history, for watches."""
        self._check_readable(after)
        reached = min(until, after + _REPLAY_CHUNK)
        part = self._changes[self._index(after) : self._index(reached)]
        return [change for change in part if change.key.startswith(prefix)], reached

    def _check_open(self) -> None:
        if self._refusal:
            raise Unavailable(self._refusal)

    def _check_readable(self, revision: int) -> None:
        if revision < self._compacted:
            raise Compacted(self._compacted)
        if revision > self._revision:
            raise FutureRevision(self._revision)

    def _index(self, revision: int) -> int:
        """Return where the changes after a revision begin in the list: revisions have no gaps."""
        return max(0, len(self._changes) - (self._revision - revision))

    def _values_at(self, revision: int, first: str, end: str) -> dict[str, KeyValue]:
        """Return the keys in [first, end) as they were: the current ones with later changes taken back."""
        self._check_readable(revision)
        keys = self._keys[bisect_left(self._keys, first) : bisect_left(self._keys, end)]
        values = {key: self._values[key] for key in keys}
        for change in reversed(self._changes[self._index(revision) :]):
            if not first <= change.key < end:
                continue
            if change.previous is None:
                values.pop(change.key, None)
            else:
                values[change.key] = KeyValue(change.key, change.previous, change.previous_revision)
        return values

    def _expect(self, key: str, revision: int) -> KeyValue:
        self._check_open()
        check_key(key)
        old = self._values.get(key)
        if old is None:
            raise KeyMissing(key)
        if old.revision != revision:
            raise RevisionConflict(key)
        return old

    def _put(self, key: str, value: bytes, old: KeyValue | None, ttl: float | None) -> int:
        revision = self._commit(key, value, old)
        self._values[key] = KeyValue(key, value, revision)
        if ttl is not None:
            heapq.heappush(self._expiries, _Expiry(time.monotonic() + ttl, revision, key))
        return revision

    def _remove(self, old: KeyValue) -> int:
        del self._values[old.key]
        del self._keys[bisect_left(self._keys, old.key)]
        return self._commit(old.key, None, old)

    def _commit(self, key: str, value: bytes | None, old: KeyValue | None) -> int:
        base, self._revision = self._revision, self._revision + 1
        previous, previous_revision = (old.value, old.revision) if old else (None, 0)
        change = Change(self._revision, key, value, previous, previous_revision)
        self._changes.append(change)
        self._history_bytes += len(value or b"")
        if self._history_bytes > MOST_HISTORY_BYTES and self._interval > 0:
            self._forget(self._changes[len(self._changes) // 2].revision)
        self._hub.publish((change,), base, self._revision)
        return self._revision

    def _expiry_pause(self) -> float:
        return expiry_pause(self._expiries[0].deadline - time.monotonic() if self._expiries else None)

    async def _expire(self) -> None:
        now = time.monotonic()
        while self._expiries and self._expiries[0].deadline <= now:
            expiry = heapq.heappop(self._expiries)
            if self._is_due(expiry):
                self._remove(self._values[expiry.key])

    def _is_due(self, expiry: _Expiry) -> bool:
        """Tell whether the key still is what was to expire."""
        current = self._values.get(expiry.key)
        return current is not None and current.revision == expiry.revision

    async def _compact_old(self) -> None:
        """Keep the history of the last interval, and at most that of the one before."""
        mark, self._mark = self._mark, self._revision
        await self.compact(mark)


def _build(context: BuildContext) -> MemoryBackend:
    interval = context.options.get("etcd-compaction-interval", DEFAULT_COMPACTION_INTERVAL)
    return MemoryBackend(compaction_interval=interval)


@hookimpl
def kapi_register_storage_backends() -> Sequence[StoragePlugin]:
    """Offer ``--storage-backend=memory``."""
    return (StoragePlugin("memory", "Keeps everything in memory, and forgets it on exit", _build),)
