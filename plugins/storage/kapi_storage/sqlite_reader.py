"""Reading: on connections of its own, which see every commit and never wait for the writer.

Point reads take a few microseconds and run on the event loop. A range reads from one snapshot, in pieces that leave
the loop to others; what SQLite itself needs long for is done in a thread.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import apsw

from kapi.contracts.storage import Change, Compacted, FutureRevision, KeyValue, RangeResult, Unavailable
from kapi_storage.keyspace import bounds, lowest_from

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE_ROWS = 64
PIECE_SECONDS = 0.003
SPARE_CONNECTIONS = 4
REPLAY_ROWS = 512
REPLAY_BYTES = 4 << 20
COUNT_AT_ONCE = 20_000
REWIND_AT_ONCE = 1000

_GET = "SELECT changes.value, current.revision FROM current CROSS JOIN changes USING (revision) WHERE current.key = ?"
_REVISION = "SELECT max(revision) FROM changes"
_LIMITS = "SELECT compacted, (SELECT max(revision) FROM changes) FROM compaction"
_NEXT_EXPIRY = "SELECT min(expires) FROM current WHERE expires IS NOT NULL"
_BACKLOG = "SELECT min(compacted, (SELECT max(revision) FROM changes) - 1) - swept FROM compaction"
_ROWS = """
SELECT (SELECT max(revision) FROM changes), compacted, swept, (SELECT count(*) FROM current) FROM compaction
"""
_LAST_MARK = "SELECT max(time) FROM marks"
_CHANGES = """
SELECT c.revision, c.key, c.value, p.value, c.previous_revision
FROM changes c LEFT JOIN changes p ON p.revision = c.previous_revision
WHERE c.revision > ? AND c.revision <= ? AND c.key >= ? AND c.key < ?
ORDER BY c.revision
"""
_NEWS = """
SELECT revision, key, value, NULL, previous_revision FROM changes
WHERE revision > ? AND revision <= ? AND key >= ? AND key < ?
ORDER BY revision
"""
_PRESENT = "SELECT key, revision FROM current WHERE key >= :first AND key < :end"
# Which row of the log showed each key at a revision: the present one if that is as old, otherwise what the first
# later change replaced. (With min(), SQLite takes the other columns from the row that has the minimum.)
_PAST = """
SELECT key, revision FROM current WHERE key >= :first AND key < :end AND revision <= :at
UNION ALL
SELECT key, previous_revision FROM (
    SELECT key, previous_revision, min(revision) FROM changes
    WHERE revision > :at AND key >= :first AND key < :end GROUP BY key
) WHERE previous_revision > 0
"""
_PAGE = """
SELECT s.key, v.value, s.revision FROM ({state} ORDER BY key LIMIT :limit) s
CROSS JOIN changes v ON v.revision = s.revision
ORDER BY s.key
"""
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM ({state}) WHERE key > :last LIMIT :limit)"

T = TypeVar("T")


class Extent(NamedTuple):
    """How much there is: the current revision, how many revisions can be read and how many keys there are now.

    ``row_bytes`` is about what one of either takes up in the file.
    """

    revision: int
    history: int
    present: int
    row_bytes: float


class Reader:
    """Reads the store. The synchronous methods are quick enough for the event loop."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        """Take a function that opens a read-only connection."""
        self._connect = connect
        self._main = connect()
        self._spare: list[apsw.Connection] = []
        self._closed = False

    def close(self) -> None:
        """Close the connections that are not in use; those that are close when they come back."""
        self._closed = True
        self._main.close()
        while self._spare:
            self._spare.pop().close()

    def get(self, key: str) -> KeyValue | None:
        """Return the current value of a key."""
        try:
            row = self._one(_GET, (key,))
        except UnicodeEncodeError:
            return None
        return None if row is None else KeyValue(key, row[0], row[1])

    def revision(self) -> int:
        """Return the revision of the last commit, whichever process made it."""
        revision: int = self._one(_REVISION)
        return revision

    def limits(self) -> tuple[int, int]:
        """Return the compacted revision and the current one."""
        compacted, revision = self._one(_LIMITS)
        return compacted, revision

    def next_expiry(self) -> float | None:
        """Return when the next key expires, in seconds since the epoch."""
        when: float | None = self._one(_NEXT_EXPIRY)
        return when

    def backlog(self) -> int:
        """Return how many revisions have been compacted but not yet swept."""
        count: int = self._one(_BACKLOG)
        return count

    def last_mark(self) -> float:
        """Return when the last compaction mark was set, 0 if there is none."""
        when: float | None = self._one(_LAST_MARK)
        return when or 0.0

    async def extent(self) -> Extent:
        """Return how much there is. Counts keys, so that it takes a while."""
        with self._snapshot() as connection:
            return await _in_thread(connection, partial(_extent, connection))

    def changes(self, prefix: str, after: int, until: int, previous: bool = True) -> tuple[Sequence[Change], int]:
        """Return changes from history, for watches."""
        first, end = bounds(prefix)
        reached = min(until, after + REPLAY_ROWS)
        found: list[Change] = []
        size = 0
        try:
            for row in self._main.execute(_CHANGES if previous else _NEWS, (after, reached, first, end)):
                found.append(Change._make(row))
                size += len(row[2] or b"")
                if size > REPLAY_BYTES:
                    reached = row[0]
                    break
        except apsw.Error as error:
            raise _unavailable(error) from error
        # Asked last: what was read is complete if even now it has not been compacted.
        oldest = self.limits()[0]
        if after < oldest:
            raise Compacted(oldest)
        return found, reached

    async def range(self, prefix: str, start: str, limit: int, revision: int) -> RangeResult:
        """Return a page of keys at a revision, or now (0)."""
        first, end = bounds(prefix)
        arguments = {
            "first": max(first, lowest_from(start)),
            "end": end,
            "limit": limit if limit > 0 else -1,
            "at": revision,
        }
        with self._snapshot() as connection:
            oldest, current = connection.execute(_LIMITS).get
            if revision > current:
                raise FutureRevision(current)
            if 0 < revision < oldest:
                raise Compacted(oldest)
            if revision in (0, current):
                items, remaining = await _page(connection, _PRESENT, arguments)
            elif current - revision <= REWIND_AT_ONCE:
                items, remaining = await _page(connection, _PAST, arguments)
            else:
                items, remaining = await _in_thread(connection, partial(_whole_page, connection, _PAST, arguments))
        return RangeResult(items, revision or current, remaining > 0, remaining)

    @contextmanager
    def _snapshot(self) -> "Iterator[apsw.Connection]":
        """Lend a connection on which a read transaction is open."""
        if self._closed:
            raise Unavailable("the store has been stopped")
        connection = self._spare.pop() if self._spare else self._connect()
        try:
            connection.execute("BEGIN")
            yield connection
        except apsw.Error as error:
            raise _unavailable(error) from error
        finally:
            self._give_back(connection)

    def _give_back(self, connection: apsw.Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if self._closed or len(self._spare) >= SPARE_CONNECTIONS:
            connection.close()
        else:
            self._spare.append(connection)

    def _one(self, sql: str, arguments: tuple[Any, ...] = ()) -> Any:
        """Return the only row of a query: a bare value if it has one column, None if there is none."""
        try:
            return self._main.execute(sql, arguments).get
        except apsw.Error as error:
            raise _unavailable(error) from error


def _unavailable(error: apsw.Error) -> Unavailable:
    return Unavailable(f"cannot read the store: {error}")


async def _page(connection: apsw.Connection, state: str, arguments: dict[str, Any]) -> tuple[list[KeyValue], int]:
    rows = connection.execute(_PAGE.format(state=state), arguments)
    items: list[KeyValue] = []
    pause = time.perf_counter() + PIECE_SECONDS
    with closing(rows):
        while piece := list(map(KeyValue._make, islice(rows, PIECE_ROWS))):
            items += piece
            if time.perf_counter() > pause:
                await asyncio.sleep(0)
                pause = time.perf_counter() + PIECE_SECONDS
    if not 0 < arguments["limit"] <= len(items):
        return items, 0
    remaining = _count(connection, state, arguments, items[-1].key, COUNT_AT_ONCE)
    if remaining >= COUNT_AT_ONCE:
        count = partial(_count, connection, state, arguments, items[-1].key, -1)
        remaining = await _in_thread(connection, count)
    return items, remaining


async def _in_thread(connection: apsw.Connection, call: Callable[[], T]) -> T:
    """Run a long query in a thread. If cancelled, break it off and wait: the connection must be free afterwards."""
    running = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        connection.interrupt()
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        running.exception()
        raise


def _extent(connection: apsw.Connection) -> Extent:
    revision, compacted, swept, present = connection.execute(_ROWS).get
    pages, free, size = (connection.pragma(name) for name in ("page_count", "freelist_count", "page_size"))
    row_bytes = (pages - free) * size / max(1, present + revision - swept)
    return Extent(revision, revision - compacted, present, row_bytes)


def _whole_page(connection: apsw.Connection, state: str, arguments: dict[str, Any]) -> tuple[list[KeyValue], int]:
    rows = connection.execute(_PAGE.format(state=state), arguments)
    items = list(map(KeyValue._make, rows))
    if not 0 < arguments["limit"] <= len(items):
        return items, 0
    return items, _count(connection, state, arguments, items[-1].key, -1)


def _count(connection: apsw.Connection, state: str, arguments: dict[str, Any], last: str, limit: int) -> int:
    """Return how many keys follow after ``last``, but no more than ``limit`` (-1: no limit)."""
    sql = _COUNT.format(state=state)
    count: int = connection.execute(sql, {**arguments, "last": last, "limit": limit}).get
    return count
