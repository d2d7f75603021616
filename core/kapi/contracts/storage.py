"""What a storage backend is: an ordered map of keys to bytes with one revision counter.

The interface is narrower than Kubernetes' object storage and shaped after etcd's key-value API
(https://etcd.io/docs/latest/learning/api/): everything that knows about objects is built on top of
it, in :mod:`kapi.storage`. Invariants that every backend keeps (``kapi.testing.storage`` checks them):

- every committed change gets a revision that is larger than all before it, for the whole store; an empty store is at
  revision 1 or later, as 0 means "the current one" in reads;
- a reader that has seen revision N never later sees a state that lacks a change at or below N;
- ``create``, ``update`` and ``delete`` are atomic compare-and-swap operations, also across processes
  when the backend is ``multi_process``;
- a watch delivers every change after its start exactly once and in revision order, or fails with Compacted;
- what was acknowledged survives the death of the process (and of the machine, unless documented).
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext, Option


class StorageError(Exception):
    """Base of the errors that a backend raises on purpose."""


class KeyExists(StorageError):
    """``create`` found the key present."""


class KeyMissing(StorageError):
    """``update`` or ``delete`` found no such key."""


class RevisionConflict(StorageError):
    """The key was changed since the revision that the caller expected."""


class Compacted(StorageError):
    """The revision asked for is older than the history that the store keeps."""

    def __init__(self, compact_revision: int) -> None:
        """Take the oldest revision that can still be read or watched from."""
        super().__init__(f"revision was compacted; the oldest one kept is {compact_revision}")
        self.compact_revision = compact_revision


class FutureRevision(StorageError):
    """A read or watch named a revision that the store has not reached yet."""

    def __init__(self, current_revision: int) -> None:
        """Take the revision that the store has reached."""
        super().__init__(f"revision is in the future; the store is at {current_revision}")
        self.current_revision = current_revision


class Unavailable(StorageError):
    """The store cannot answer now (no quorum, no space, stopped); the operation may be tried again.

    ``refused``: a write has certainly not happened, and will not. Otherwise it may.
    """

    def __init__(self, message: str = "", *, refused: bool = False) -> None:
        """Take the reason, in a line, and what is known of a write."""
        super().__init__(message)
        self.refused = refused


class KeyValue(NamedTuple):
    """A key with its value and the revision of its last change."""

    key: str
    value: bytes
    revision: int


class Change(NamedTuple):
    """One committed change of one key.

    ``value`` is None when the key was deleted. ``previous`` and ``previous_revision`` describe the key
    just before the change; None and 0 when it did not exist.
    """

    revision: int
    key: str
    value: bytes | None
    previous: bytes | None
    previous_revision: int


class WatchBatch(NamedTuple):
    """Changes in revision order, and the revision up to which the watch is now complete.

    ``changes`` may be empty: then the batch only reports progress. ``revision`` is at least that of the
    last change, and every change of the prefix at or below it has been delivered.
    """

    changes: Sequence[Change]
    revision: int


class RangeResult(NamedTuple):
    """One page of keys in byte order.

    ``revision`` is the store revision that the page shows; ``more`` tells whether keys follow after
    the last item and ``remaining`` how many.
    """

    items: Sequence[KeyValue]
    revision: int
    more: bool
    remaining: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do beyond the common contract.

    ``multi_process``: several processes may open the same store at once.
    """

    multi_process: bool


class StorageBackend(ABC):
    """An ordered, versioned key-value store. All methods are called on one event loop.

    Keys are text without NUL and begin with ``/``; values are bytes. Every method may raise Unavailable.
    A method that is cancelled may or may not have taken effect, but never partially.
    """

    capabilities: Capabilities

    @abstractmethod
    async def start(self) -> None:
        """Open the store; called once, before any other method. Raises Unavailable with a clear reason."""

    @abstractmethod
    async def stop(self) -> None:
        """End all watches, finish accepted writes and release what ``start`` took. Idempotent."""

    @abstractmethod
    async def get(self, key: str) -> KeyValue | None:
        """Return the current value of ``key``, or None. Sees every write acknowledged before the call."""

    @abstractmethod
    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> RangeResult:
        """Return the keys under ``prefix`` in byte order.

        ``start`` is the first key to return (inclusive, "" for the first of the prefix; it may be any text, such as
        a key with a NUL behind it to mean "after this key"), ``limit`` the
        size of the page (0: all), ``revision`` the state to read (0: the current one, which includes every
        write acknowledged before the call). Raises Compacted or FutureRevision for a revision that
        cannot be read.
        """

    @abstractmethod
    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        """Store ``value`` under a key that must not exist; return the revision. Raises KeyExists.

        ``ttl`` seconds later, if given, the backend deletes the key (within a few seconds), as a change of
        its own that watches see.
        """

    @abstractmethod
    async def update(self, key: str, value: bytes, expected_revision: int, *, ttl: float | None = None) -> int:
        """Replace the value of ``key`` if its revision is still ``expected_revision``; return the new one.

        Without ``ttl`` the key stops expiring. Raises KeyMissing or RevisionConflict.
        """

    @abstractmethod
    async def delete(self, key: str, expected_revision: int) -> int:
        """Delete ``key`` if its revision is still ``expected_revision``; return the revision of the deletion.

        Raises KeyMissing or RevisionConflict.
        """

    @abstractmethod
    def watch(self, prefix: str, after_revision: int) -> AsyncIterator[WatchBatch]:
        """Yield the changes under ``prefix`` with a revision greater than ``after_revision``.

        The first batch comes at once, empty if need be, and tells how far history reached. While nothing
        changes, progress batches come at least every few seconds whenever the store's revision has moved.
        Raises Compacted (also later, if the consumer falls behind compaction), FutureRevision.
        Closing the iterator ends the watch. ``stop`` ends it with StopAsyncIteration.
        """

    def follow(self, prefix: str, after_revision: int) -> AsyncIterator[WatchBatch]:
        """Yield the changes that ``watch`` does, for who does not look at the state of a key before its change.

        ``previous`` and ``previous_revision`` may be None and 0 throughout. Backends that have to look them up override
        it.
        """
        return self.watch(prefix, after_revision)

    @abstractmethod
    async def current_revision(self) -> int:
        """Return a revision not lower than that of any write acknowledged before the call."""

    @abstractmethod
    async def compact(self, revision: int) -> None:
        """Forget history older than ``revision``; current values stay. Idempotent; never raises Compacted.

        Raises FutureRevision for a revision that the store has not reached.

        Afterwards reads at, and watches after, revisions lower than ``revision`` raise Compacted.
        """

    @abstractmethod
    async def ready(self) -> None:
        """Return when the store can serve reads and writes; raise Unavailable with the reason otherwise."""

    async def outdated(self, key: str) -> bool:
        """Tell whether an update of ``key`` that changes nothing should be written all the same.

        Asked before such a write is left out. Backends that keep values in another form than they take them in, which
        can be out of date, override it; of all others the answer is no.
        """
        return False


@dataclass(frozen=True, slots=True)
class StoragePlugin:
    """A storage backend that ``--storage-backend`` can name."""

    name: str
    summary: str
    build: "Callable[[BuildContext], StorageBackend]"
    options: "tuple[Option, ...]" = ()
