"""Writing: one thread which commits in groups.

Operations that arrive while a commit is on its way to the disk wait and form the next group: one transaction, one
flush, whatever their number. Groups are handed over from the event loop, one at a time, which makes them as large as
can be and the switches between threads (and so the fights for the interpreter lock) as few.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

import apsw

from kapi.contracts.storage import Change, KeyExists, KeyMissing, RevisionConflict, StorageError, Unavailable
from kapi_storage.watching import Hub

log = logging.getLogger("kapi.storage")

MAX_GROUP = 512

_LOOK_UP = (
    "SELECT current.revision, changes.value FROM current CROSS JOIN changes USING (revision) WHERE current.key = ?"
)
_LOG = "INSERT INTO changes (revision, previous_revision, key, value) VALUES (?, ?, ?, ?)"
_ADD = "INSERT INTO current (revision, expires, key) VALUES (?, ?, ?)"
_REPLACE = "UPDATE current SET revision = ?, expires = ? WHERE key = ?"
_REMOVE = "DELETE FROM current WHERE key = ?"
_REVISION = "SELECT max(revision) FROM changes"

T = TypeVar("T")


class Transaction:
    """An open transaction: gives out revisions and collects the changes. Used in the writer's thread only."""

    __slots__ = ("base", "changes", "execute", "revision")

    def __init__(self, connection: apsw.Connection) -> None:
        """Take a connection that holds the write lock."""
        self.execute = connection.execute
        self.base: int = self.execute(_REVISION).get
        self.revision: int = self.base
        self.changes: list[Change] = []

    def create(self, key: str, value: bytes, expires: float | None) -> int:
        """Store a new key; return the revision. Raises KeyExists."""
        if self.execute(_LOOK_UP, (key,)).get is not None:
            raise KeyExists(key)
        revision = self._log(key, value, 0, None)
        self.execute(_ADD, (revision, expires, key))
        return revision

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

    def _previous(self, key: str, expected: int) -> bytes:
        found = self.execute(_LOOK_UP, (key,)).get
        if found is None:
            raise KeyMissing(key)
        revision, value = found
        if revision != expected:
            raise RevisionConflict(key)
        previous: bytes = value
        return previous

    def _log(self, key: str, value: bytes | None, previous_revision: int, previous: bytes | None) -> int:
        revision = self.revision + 1
        self.revision = revision
        self.execute(_LOG, (revision, previous_revision, key, value))
        self.changes.append(Change(revision, key, value, previous, previous_revision))
        return revision


Work = Callable[[Transaction], Any]
"""Something to do in a transaction; a StorageError it raises must come before its first change."""


class _Answer(NamedTuple):
    future: "asyncio.Future[Any]"
    result: Any
    error: StorageError | None


class _Outcome(NamedTuple):
    """What became of a group: the answers, and the changes in (base, revision] if it was committed."""

    answers: Sequence[_Answer]
    changes: Sequence[Change] = ()
    base: int = 0
    revision: int = 0
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
        self._waiting: list[tuple[asyncio.Future[Any], Work]] = []
        self._in_flight: Sequence[tuple[asyncio.Future[Any], Work]] = ()
        self._groups: SimpleQueue[Sequence[tuple[asyncio.Future[Any], Work]] | None] = SimpleQueue()
        self._refusal = ""
        self._drained: asyncio.Future[None] | None = None
        self.busy = False
        self.failure = ""
        self._thread = threading.Thread(target=self._run, name="kapi-sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Transaction], T]) -> "asyncio.Future[T]":
        """Queue work; the future gets what it returns or raises when that is on the disk. Raises Unavailable."""
        if self._refusal:
            raise Unavailable(self._refusal)
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append((future, work))
        if not self.busy:
            self.busy = True
            self._loop.call_soon(self._hand_over)
        return future

    async def stop(self) -> None:
        """Finish what was submitted, then close the connection."""
        self._refusal = self._refusal or "the store has been stopped"
        if self.busy:
            self._drained = self._drained or self._loop.create_future()
            await asyncio.shield(self._drained)
        self._groups.put(None)
        await asyncio.to_thread(self._thread.join)

    def _hand_over(self) -> None:
        self._in_flight, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
        self._groups.put(self._in_flight)

    def _resolve(self, outcome: _Outcome) -> None:
        """Publish a commit and answer its writers: in one step, and the watches first."""
        if outcome.revision > outcome.base:
            self._hub.publish(outcome.changes, outcome.base, outcome.revision)
        self.failure = outcome.failure
        self._in_flight = ()
        for future, result, error in outcome.answers:
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        if self._waiting:
            # After the writers that were just woken, so that what they write next joins the group.
            self._loop.call_soon(self._hand_over)
        else:
            self._rest()

    def _rest(self) -> None:
        self.busy = False
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
        for future, _ in lost:
            if not future.done():
                future.set_exception(Unavailable(self._refusal))
        self._rest()

    def _commit(self, group: Sequence[tuple["asyncio.Future[Any]", Work]]) -> _Outcome:
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            transaction = Transaction(self._connection)
            answers = [_attempt(future, work, transaction) for future, work in group]
            execute("COMMIT")
        except apsw.Error as error:
            return self._fail(group, error)
        return _Outcome(answers, transaction.changes, transaction.base, transaction.revision)

    def _fail(self, group: Sequence[tuple["asyncio.Future[Any]", Work]], error: apsw.Error) -> _Outcome:
        failure = f"cannot write to {self._connection.filename}: {error}"
        log.error("%s", failure)
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error as second:
            log.error("the failed transaction cannot be rolled back: %s", second)
        return _Outcome([_Answer(future, None, Unavailable(failure)) for future, _ in group], failure=failure)


def _attempt(future: "asyncio.Future[Any]", work: Work, transaction: Transaction) -> _Answer:
    try:
        return _Answer(future, work(transaction), None)
    except StorageError as error:
        return _Answer(future, None, error)
