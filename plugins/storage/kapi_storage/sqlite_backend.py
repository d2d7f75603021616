"""The store in a SQLite file: see :mod:`kapi_storage.sqlite_schema` for what is in it."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kapi.contracts.storage import Capabilities, Change, KeyValue, RangeResult, StorageBackend, Unavailable
from kapi.contracts.storage_care import Progress
from kapi_storage import sqlite_care, sqlite_upkeep
from kapi_storage.keyspace import check_entry, check_key
from kapi_storage.sqlite_peers import Peers
from kapi_storage.sqlite_reader import Reader
from kapi_storage.sqlite_schema import open_reader, open_writer
from kapi_storage.sqlite_writer import Transaction, Writer
from kapi_storage.upkeep import PROGRESS_INTERVAL, Upkeep, expiry_pause
from kapi_storage.watching import Hub, Watch

log = logging.getLogger("kapi.storage")

SWEEP_INTERVAL = 0.5
SWEEP_PAUSE = 0.01
MARKS_PER_INTERVAL = 10
SIZE_INTERVAL = 0.5
SIZE_REVISIONS = 1000
"""After how many changes the size of history is looked at again; a tenth of the keys if that is more."""
LOG_INTERVAL = 2.0
LOG_BYTES = 32 << 20
"""SQLite empties its write-ahead log at 4 MB, but not while there always is a reader: then this helps."""
LOG_PATIENCE = 1.0
PEER_POLL_TOLD, PEER_POLL_UNTOLD, PEER_POLL_BUSY = 1.0, 0.1, 0.02
"""How often to look for commits of other processes: where they tell of them, where they cannot, and if one did not."""
PEER_BUSY_SECONDS = 30.0


class SqliteBackend(StorageBackend):
    """Reads and writes one file, which other processes may have open as well."""

    capabilities = Capabilities(multi_process=True)

    def __init__(self, path: Path, *, compaction_interval: float = 300.0) -> None:
        """Take the file, and the seconds of history to keep (0: all of it), unless there is too much."""
        self._path = path
        self._interval = compaction_interval
        self._open: _OpenStore | None = None
        self._upkeep = Upkeep()

    async def start(self) -> None:
        """Open the file, and create or upgrade it if need be."""
        store = await _OpenStore.open(self._path)
        self._open = store
        every = self._upkeep.every
        every(store.expiry_pause, store.expire, "kapi-sqlite-expiry")
        every(PROGRESS_INTERVAL, store.hub.announce, "kapi-sqlite-progress")
        every(SWEEP_INTERVAL, store.sweep, "kapi-sqlite-sweep")
        every(LOG_INTERVAL, store.shorten_log, "kapi-sqlite-log")
        every(store.peer_pause, store.look_for_changes, "kapi-sqlite-peers")
        if self._interval > 0:
            pause = self._interval / MARKS_PER_INTERVAL
            every(pause, lambda: store.compact_by_age(self._interval), "kapi-sqlite-compaction")
            every(SIZE_INTERVAL, store.compact_by_size, "kapi-sqlite-size")

    async def stop(self) -> None:
        """Finish accepted writes, end all watches, close the file."""
        store, self._open = self._open, None
        await self._upkeep.stop()
        if store is not None:
            await store.close()

    async def ready(self) -> None:
        """Return when the file can be read and written."""
        store = self._store()
        store.reader.revision()
        if store.writer.failure:
            await store.writer.submit(sqlite_upkeep.touch)

    async def get(self, key: str) -> KeyValue | None:
        """Return the current value of a key."""
        return self._store().reader.get(key)

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> RangeResult:
        """Return a page of keys."""
        return await self._store().reader.range(prefix, start, limit, revision)

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        """Store a value under a new key."""
        check_entry(key, value)
        expires = None if ttl is None else time.time() + ttl
        return await self._store().writer.submit(
            lambda transaction: transaction.create(key, value, expires), len(value)
        )

    async def update(self, key: str, value: bytes, expected_revision: int, *, ttl: float | None = None) -> int:
        """Replace the value of a key."""
        check_entry(key, value)
        expires = None if ttl is None else time.time() + ttl
        return await self._store().writer.submit(
            lambda transaction: transaction.update(key, value, expected_revision, expires), len(value)
        )

    async def delete(self, key: str, expected_revision: int) -> int:
        """Delete a key."""
        check_key(key)
        return await self._store().writer.submit(lambda transaction: transaction.delete(key, expected_revision), 0)

    def watch(self, prefix: str, after_revision: int) -> Watch:
        """Return the changes under a prefix."""
        store = self._store()
        return Watch(store.hub, store.reader, prefix, after_revision)

    def follow(self, prefix: str, after_revision: int) -> Watch:
        """Return the changes under a prefix, without the values before them."""
        store = self._store()
        return Watch(store.hub, store.reader, prefix, after_revision, previous=False)

    async def current_revision(self) -> int:
        """Return the revision of the last commit of any process."""
        return self._store().revision()

    async def compact(self, revision: int) -> None:
        """Forget history older than a revision."""
        await self._store().writer.submit(lambda transaction: sqlite_upkeep.compact(transaction, revision))

    def exists(self) -> bool:
        """Tell whether there is a file."""
        return self._path.exists()

    async def verify(self) -> Sequence[str]:
        """Return what is wrong with the file."""
        return await asyncio.to_thread(sqlite_care.verify, self._path)

    async def reclaim(self) -> None:
        """Remove what is compacted and shrink the file."""
        await self._store().reclaim()
        await asyncio.to_thread(sqlite_care.checkpoint, self._path)

    async def advance(self, revision: int) -> None:
        """Raise the revision, and drop history."""
        await self._store().writer.submit(lambda transaction: sqlite_care.advance(transaction, revision))

    async def expiries(self, prefix: str) -> Mapping[str, float]:
        """Return the seconds that keys have left."""
        return await asyncio.to_thread(sqlite_care.expiries, self._path, prefix)

    def is_snapshot(self, head: bytes) -> bool:
        """Tell whether a file may be a copy of a store."""
        return head.startswith(sqlite_care.MAGIC)

    async def save_snapshot(self, path: Path, progress: Progress) -> None:
        """Copy the store to a new file."""
        await asyncio.to_thread(sqlite_care.save, self._path, path, progress)

    async def load_snapshot(self, path: Path, progress: Progress) -> None:
        """Fill the store from such a copy, before it is started."""
        await asyncio.to_thread(sqlite_care.load, path, self._path, progress)

    def _store(self) -> "_OpenStore":
        if self._open is None:
            raise Unavailable("the store is not open")
        return self._open


class _OpenStore:
    """The parts of an open store, and its upkeep."""

    def __init__(self, path: Path, reader: Reader, writer_of: Callable[[Hub], Writer]) -> None:
        self._path = path
        self._next_size = 0
        self.reader = reader
        self.peers = Peers(path, self._told)
        self.hub = _TellingHub(reader.revision(), self.peers)
        self.writer = writer_of(self.hub)
        self._untold = float("-inf")
        self._next_expiry: float | None = None
        self.peers.open()

    @classmethod
    async def open(cls, path: Path) -> "_OpenStore":
        """Open a file; in a thread, as the recovery of a long write-ahead log takes its time."""
        connection = await asyncio.to_thread(open_writer, path)
        try:
            reader = Reader(lambda: open_reader(path))
        except Unavailable:
            connection.close()
            raise
        return cls(path, reader, lambda hub: Writer(connection, hub))

    async def close(self) -> None:
        """Finish accepted writes, then end the watches and close the file."""
        await self.writer.stop()
        self.peers.close()
        self.hub.close()
        self.reader.close()

    def revision(self) -> int:
        """Return the current revision; changes of other processes below it are on their way to the watches then.

        While the writer is busy the news may be its own: it makes them known in a moment, and those of others too.
        """
        revision = self.reader.revision()
        if revision > self.hub.revision and not self.writer.busy:
            self.hub.skip(revision)
        return revision

    def peer_pause(self) -> float:
        """Return how long to wait until looking for commits of other processes again."""
        if time.monotonic() - self._untold < PEER_BUSY_SECONDS:
            return PEER_POLL_BUSY
        return PEER_POLL_TOLD if self.peers.connected else PEER_POLL_UNTOLD

    async def look_for_changes(self) -> None:
        """Tell the watches of commits that no other process has told, and find out which processes there are."""
        self.peers.look()
        revision = self.reader.revision()
        if revision > self.hub.revision and not self.writer.busy:
            self._untold = time.monotonic()
        self.hub.skip(revision)

    def _told(self, revision: int) -> None:
        """Tell the watches of a commit by another process, even if the writer still waits for its turn behind it.

        A datagram is only a hint: no further than the database goes.
        """
        self._untold = float("-inf")
        if revision <= self.hub.revision:
            return
        try:
            self.hub.skip(min(revision, self.reader.revision()))
        except Unavailable as error:
            log.warning("the changes that another process has made cannot be read yet: %s", error)

    def expiry_pause(self) -> float:
        """Return how long to wait until looking for expired keys again."""
        return expiry_pause(None if self._next_expiry is None else self._next_expiry - time.time())

    async def expire(self) -> None:
        """Delete expired keys."""
        self._next_expiry = None
        due = self.reader.next_expiry()
        more = due is not None and due <= time.time()
        while more:
            more = await self.writer.submit(_expire)
        self._next_expiry = self.reader.next_expiry()

    async def compact_by_age(self, seconds: float) -> None:
        """Compact what is older, unless another process has just done so."""
        now = time.time()
        if not 0 <= now - self.reader.last_mark() < 0.9 * seconds / MARKS_PER_INTERVAL:
            await self.writer.submit(lambda transaction: sqlite_upkeep.compact_by_age(transaction, now, seconds))

    async def compact_by_size(self) -> None:
        """Compact what is more than should be kept, however young it is."""
        revision = self.reader.revision()
        if revision < self._next_size:
            return
        extent = await self.reader.extent()
        self._next_size = revision + max(SIZE_REVISIONS, extent.present // 10)
        oldest = sqlite_upkeep.revision_to_keep(extent)
        if oldest:
            await self.writer.submit(lambda transaction: sqlite_upkeep.compact(transaction, oldest))

    async def shorten_log(self) -> None:
        """Empty the write-ahead log if it has become long because there always was a reader."""
        if sqlite_care.log_size(self._path) > LOG_BYTES:
            await asyncio.to_thread(sqlite_care.checkpoint, self._path, LOG_PATIENCE)

    async def sweep(self) -> None:
        """Remove what was compacted, in steps between which writes get their turn."""
        if self.reader.backlog() > 0:
            await self._in_steps(sqlite_upkeep.sweep, SWEEP_PAUSE)
            await self._in_steps(sqlite_upkeep.give_back, SWEEP_PAUSE)

    async def reclaim(self) -> None:
        """Do all of that without waiting in between, and give back every free page."""
        await self._in_steps(sqlite_upkeep.sweep)
        await self._in_steps(sqlite_care.shrink)

    async def _in_steps(self, step: Callable[[Transaction], bool], pause: float = 0.0) -> None:
        more = True
        while more:
            more = await self.writer.submit(step)
            await asyncio.sleep(pause)


class _TellingHub(Hub):
    """Deals out the commits of this process, and tells the others that there are some."""

    def __init__(self, revision: int, peers: Peers) -> None:
        super().__init__(revision)
        self._peers = peers

    def publish(self, changes: Sequence[Change], base: int, revision: int, *, previous: bool = True) -> None:
        """Deal out a commit, then tell the peers."""
        super().publish(changes, base, revision, previous=previous)
        self._peers.tell(revision)


def _expire(transaction: Transaction) -> bool:
    return sqlite_upkeep.expire(transaction, time.time())
