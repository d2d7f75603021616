"""Writing: in groups, each of which is one transaction and one flush, whatever the number of writes in it.

A group gathers for as long as the event loop brings further writes, and while the one before it is on its way to the
disk. The statements of small writes are executed by the event loop itself, which takes microseconds, and only the
commit, which waits for the disk, by a thread: a thread that executes statements beside a busy loop fights with it for
the interpreter's lock at each of them. The thread does all of it where statements may take long, or where another
process holds the write lock.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

import apsw

from kapi.contracts.storage import Change, KeyExists, KeyMissing, RevisionConflict, StorageError, Unavailable
from kapi_storage.sqlite_schema import wait_for_lock
from kapi_storage.watching import Hub

log = logging.getLogger("kapi.storage")

MAX_GROUP = 512
SMALL_BYTES = 64 << 10
"""Up to which size a value is written by the event loop; the group that it is in may be as large as MAX_SMALL_BYTES."""
MAX_SMALL_BYTES = 512 << 10
QUIET_TURNS = 2
"""A group has gathered when so many turns of the event loop have brought no write, or after GATHER_SECONDS."""
GATHER_SECONDS = 0.002

_LOOK_UP = (
    "SELECT current.revision, changes.value FROM current CROSS JOIN changes USING (revision) WHERE current.key = ?"
)
_LOOK_UP_REVISION = "SELECT revision FROM current WHERE key = ?"
_LOG = "INSERT INTO changes (revision, previous_revision, key, value) VALUES (?, ?, ?, ?)"
_ADD = "INSERT INTO current (revision, expires, key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING revision"
_REPLACE = "UPDATE current SET revision = ?, expires = ? WHERE key = ?"
_REMOVE = "DELETE FROM current WHERE key = ?"
_REVISION = "SELECT max(revision) FROM changes"

T = TypeVar("T")


class Transaction:
    """An open transaction: gives out revisions and collects the changes, with the values before if ``previous``."""

    __slots__ = ("base", "changes", "execute", "previous", "revision")

    def __init__(self, connection: apsw.Connection, previous: bool = True) -> None:
        """Take a connection that holds the write lock."""
        self.execute = connection.execute
        self.previous = previous
        self.base: int = self.execute(_REVISION).get
        self.revision: int = self.base
        self.changes: list[Change] = []

    def create(self, key: str, value: bytes, expires: float | None) -> int:
        """Store a new key; return the revision. Raises KeyExists."""
        if self.execute(_ADD, (self.revision + 1, expires, key)).get is None:
            raise KeyExists(key)
        return self._log(key, value, 0, None)

    def update(self, key: str, value: bytes, expected: int, expires: float | None) -> int:
        """Replace the value of a key; return the revision. Raises KeyMissing or RevisionConflict."""
        revision = self._log(key, value, expected, self._previous(key, expected))
        self.execute(_REPLACE, (revision, expires, key))
        return revision

    def delete(self, key: str, expected: int) -> int:
        """Delete a key; return the revision. Raises KeyMissing or RevisionConflict."""
        revision = self._log(key, None, expected, self._previous(key, expected))
        self.execute(_REMOVE, (key,))
        return revision

    def _previous(self, key: str, expected: int) -> bytes | None:
        """Check that a key is at a revision, and return its value if that is wanted."""
        if self.previous:
            revision, value = self.execute(_LOOK_UP, (key,)).get or (None, None)
        else:
            revision, value = self.execute(_LOOK_UP_REVISION, (key,)).get, None
        if revision is None:
            raise KeyMissing(key)
        if revision != expected:
            raise RevisionConflict(key)
        return value

    def _log(self, key: str, value: bytes | None, previous_revision: int, previous: bytes | None) -> int:
        revision = self.revision + 1
        self.revision = revision
        self.execute(_LOG, (revision, previous_revision, key, value))
        self.changes.append(Change(revision, key, value, previous, previous_revision))
        return revision


Work = Callable[[Transaction], Any]
"""Something to do in a transaction; a StorageError it raises must come before its first change."""


class _Submitted(NamedTuple):
    """Work and who waits for it; ``size`` is how many bytes it writes, -1 if it may take long."""

    future: "asyncio.Future[Any]"
    work: Work
    size: int


class _Answer(NamedTuple):
    future: "asyncio.Future[Any]"
    result: Any
    error: StorageError | None


class _Prepared(NamedTuple):
    """A group of which all is done but the commit."""

    group: Sequence[_Submitted]
    transaction: Transaction
    answers: Sequence[_Answer]


class _Outcome(NamedTuple):
    """What became of a group: the answers, and its transaction if that was committed, else why it was not."""

    answers: Sequence[_Answer]
    transaction: Transaction | None
    failure: str = ""


class Writer:
    """Runs work in transactions, in the order of submission, and publishes the changes.

    ``busy`` tells whether a group is on its way; ``failure`` is why the last one failed, "" if it did not.
    """

    def __init__(self, connection: apsw.Connection, hub: Hub) -> None:
        """Take the connection, which the writer closes, and where to publish; begins at once."""
        self._connection = connection
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Submitted] = []
        self._gathered = self._quiet = 0
        self._since = 0.0
        self._in_flight: Sequence[_Submitted] = ()
        self._groups: SimpleQueue[Sequence[_Submitted] | _Prepared | None] = SimpleQueue()
        self._refusal = ""
        self._drained: asyncio.Future[None] | None = None
        self._gathering = False
        self.busy = False
        self.failure = ""
        self._patient = True
        connection.set_busy_handler(self._wait_for_lock)
        self._thread = threading.Thread(target=self._run, name="kapi-sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Transaction], T], size: int = -1) -> "asyncio.Future[T]":
        """Queue work; the future gets what it returns or raises when that is on the disk. Raises Unavailable.

        ``size`` is how many bytes the work writes, if it writes one key and does nothing else.
        """
        if self._refusal:
            raise Unavailable(self._refusal)
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(_Submitted(future, work, size))
        if not self.busy and not self._gathering:
            self._gather_from_now()
        return future

    async def stop(self) -> None:
        """Finish what was submitted, then close the connection."""
        self._refusal = self._refusal or "the store has been stopped"
        if self.busy or self._gathering:
            self._drained = self._drained or self._loop.create_future()
            await asyncio.shield(self._drained)
        self._groups.put(None)
        await asyncio.to_thread(self._thread.join)

    def _gather_from_now(self) -> None:
        self._gathering = True
        self._gathered = self._quiet = 0
        self._since = time.perf_counter()
        self._loop.call_soon(self._gather)

    def _gather(self) -> None:
        """Begin with the group if no more writes seem to come; else look again after the next turn of the loop."""
        if not self._gathering:
            return
        count = len(self._waiting)
        self._quiet = 0 if count > self._gathered else self._quiet + 1
        self._gathered = count
        enough = self._quiet >= QUIET_TURNS or count >= MAX_GROUP
        if enough or time.perf_counter() - self._since > GATHER_SECONDS:
            self._gathering, self.busy = False, True
            self._begin()
        else:
            self._loop.call_soon(self._gather)

    def _begin(self) -> None:
        group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
        self._in_flight = group
        try:
            prepared = self._prepare(group)
        except apsw.Error as error:
            self._resolve(self._fail(group, error))
            return
        except BaseException:
            self._groups.put(None)
            raise
        if prepared is not None and prepared.transaction.revision == prepared.transaction.base:
            self._resolve(self._commit(prepared))  # nothing was written, so nothing waits for the disk
        else:
            self._groups.put(prepared or group)

    def _prepare(self, group: Sequence[_Submitted]) -> _Prepared | None:
        """Do all of a group but the commit; None if that is to be left to the thread."""
        if (
            any([not 0 <= each.size <= SMALL_BYTES for each in group])
            or sum([each.size for each in group]) > MAX_SMALL_BYTES
        ):
            return None
        self._patient = False
        try:
            return self._transact(group, self._hub.previous)
        except apsw.BusyError:
            if self._connection.in_transaction:
                raise
            return None
        finally:
            self._patient = True

    def _transact(self, group: Sequence[_Submitted], previous: bool = True) -> _Prepared:
        self._connection.execute("BEGIN IMMEDIATE")
        transaction = Transaction(self._connection, previous)
        return _Prepared(group, transaction, [_attempt(each, transaction) for each in group])

    def _wait_for_lock(self, attempt: int) -> bool:
        """Wait for a lock that another process holds; False when it has taken too long, or may take no time at all."""
        return self._patient and wait_for_lock(attempt)

    def _resolve(self, outcome: _Outcome) -> None:
        """Publish a commit and answer its writers: in one step, and the watches first."""
        done = outcome.transaction
        if done is not None and done.revision > done.base:
            self._hub.publish(done.changes, done.base, done.revision, previous=done.previous)
        self.failure = outcome.failure
        self._in_flight = ()
        self.busy = False
        for future, result, error in outcome.answers:
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        if self._waiting:
            # The writers that were just woken may write again, and join the group.
            self._gather_from_now()
        else:
            self._rest()

    def _rest(self) -> None:
        self.busy = self._gathering = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _run(self) -> None:
        """Commit groups until told to stop. Runs in the thread."""
        try:
            while (group := self._groups.get()) is not None:
                self._loop.call_soon_threadsafe(self._resolve, self._commit(group))
        finally:
            self._connection.close()
            self._loop.call_soon_threadsafe(self._died)

    def _died(self) -> None:
        """Refuse everything from now on: nobody would answer."""
        self._refusal = self._refusal or "the writer of the store has failed"
        lost, self._waiting, self._in_flight = [*self._in_flight, *self._waiting], [], ()
        for each in lost:
            if not each.future.done():
                each.future.set_exception(Unavailable(self._refusal))
        self._rest()

    def _commit(self, group: Sequence[_Submitted] | _Prepared) -> _Outcome:
        try:
            prepared = group if isinstance(group, _Prepared) else self._transact(group)
            self._connection.execute("COMMIT")
        except apsw.Error as error:
            return self._fail(group.group if isinstance(group, _Prepared) else group, error)
        return _Outcome(prepared.answers, prepared.transaction)

    def _fail(self, group: Sequence[_Submitted], error: apsw.Error) -> _Outcome:
        failure = f"cannot write to {self._connection.filename}: {error}"
        log.error("%s", failure)
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error as second:
            log.error("the failed transaction cannot be rolled back: %s", second)
        return _Outcome([_Answer(each.future, None, Unavailable(failure)) for each in group], None, failure)


def _attempt(each: _Submitted, transaction: Transaction) -> _Answer:
    try:
        return _Answer(each.future, each.work(transaction), None)
    except StorageError as error:
        return _Answer(each.future, None, error)
