"""Watches: the changes of one process dealt out as they are committed, and history for those that come late.

A :class:`Hub` hands every commit to the open watches in the very call that makes it known. A watch that starts in the
past, or whose consumer is so slow that its queue overflows, reads the store's history until it has caught up.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from kapi.contracts.storage import Change, Compacted, FutureRevision, WatchBatch

MAX_PENDING_CHANGES = 8192
MAX_PENDING_BYTES = 32 << 20


class History(Protocol):
    """Where a watch reads changes that it did not get from the hub."""

    def limits(self) -> tuple[int, int]:
        """Return the compacted revision and the current one."""

    def changes(self, prefix: str, after: int, until: int, previous: bool) -> tuple[Sequence[Change], int]:
        """Return the next changes of a prefix in (after, until], and the revision up to which they are complete.

        ``previous`` asks for the values before the changes too.

        It returns as many as can be read without keeping the event loop waiting. Raises Compacted.
        """


class _Queue:
    """The changes that one watch has yet to deliver."""

    __slots__ = ("abandoned", "behind", "pending", "prefix", "previous", "size", "waiter")

    def __init__(self, prefix: str, previous: bool) -> None:
        self.prefix = prefix
        self.previous = previous
        self.pending: list[Change] = []
        self.size = 0
        self.behind = False
        self.abandoned = False
        self.waiter: asyncio.Future[None] | None = None

    def offer(self, changes: Sequence[Change]) -> None:
        """Add the changes that the watch is about, and wake it if there are any."""
        if self.behind:
            return
        prefix = self.prefix
        matching = [change for change in changes if change.key.startswith(prefix)]
        if not matching:
            return
        self.size += sum([len(change.value or b"") for change in matching])
        if len(self.pending) + len(matching) > MAX_PENDING_CHANGES or self.size > MAX_PENDING_BYTES:
            self.fall_behind()
        else:
            self.pending += matching
        self.wake()

    def fall_behind(self) -> None:
        """Drop what is queued: the watch reads it from history instead."""
        self.behind = True
        self.clear()

    def clear(self) -> list[Change]:
        """Empty the queue and return what was in it."""
        changes, self.pending, self.size = self.pending, [], 0
        return changes

    def wake(self) -> None:
        """Let the watch look at its queue."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def wait(self) -> None:
        """Return when someone has called wake."""
        self.waiter = asyncio.get_running_loop().create_future()
        try:
            await self.waiter
        finally:
            self.waiter = None


class Hub:
    """Deals commits out to the open watches of one process; all calls are made on the event loop.

    ``revision`` is the one up to which all changes have been dealt out.
    """

    def __init__(self, revision: int) -> None:
        """Take the revision at which dealing begins."""
        self.revision = revision
        self.closed = False
        self._announced = revision
        self._queues: list[_Queue] = []

    @property
    def previous(self) -> bool:
        """Whether any watch wants to see the values before changes."""
        return any([queue.previous for queue in self._live()])

    def publish(self, changes: Sequence[Change], base: int, revision: int, *, previous: bool = True) -> None:
        """Deal out the changes in (base, revision], which must be all that there are.

        ``previous`` says that they have the values before them; without, watches that want these read history.
        """
        if base > self.revision:
            self.skip(revision)
        elif revision > self.revision:
            if base < self.revision:
                changes = [change for change in changes if change.revision > self.revision]
            self.revision = revision
            for queue in self._live():
                if queue.previous and not previous:
                    queue.fall_behind()
                    queue.wake()
                else:
                    queue.offer(changes)

    def skip(self, revision: int) -> None:
        """Let the watches know of changes up to ``revision`` that they must read from history themselves."""
        if revision > self.revision:
            self.revision = revision
            for queue in self._live():
                queue.fall_behind()
                queue.wake()

    async def announce(self) -> None:
        """Let watches without changes report how far they have got."""
        if self._announced != self.revision:
            self._announced = self.revision
            for queue in self._live():
                queue.wake()

    def close(self) -> None:
        """End all watches, when they have delivered what they hold."""
        self.closed = True
        for queue in self._live():
            queue.wake()

    def attach(self, prefix: str, previous: bool) -> _Queue:
        """Return a queue that gets the changes after the hub's present revision."""
        queue = _Queue(prefix, previous)
        self._queues.append(queue)
        return queue

    def _live(self) -> list[_Queue]:
        """Return the queues whose watch still exists.

        A watch that nobody closed is noticed here and not when it is collected, as that may happen in any thread.
        """
        if any([queue.abandoned for queue in self._queues]):
            self._queues = [queue for queue in self._queues if not queue.abandoned]
        return self._queues


class Watch(AsyncIterator[WatchBatch]):
    """The iterator that a backend's ``watch`` returns."""

    def __init__(self, hub: Hub, history: History, prefix: str, after: int, *, previous: bool = True) -> None:
        """Watch the keys under ``prefix`` for changes after a revision, with the values before them if so wanted."""
        self._hub = hub
        self._previous = previous
        self._history = history
        self._prefix = prefix
        self._after = after
        self._until = 0
        self._queue: _Queue | None = None
        self._ended = False

    def __aiter__(self) -> "Watch":
        """Return the watch itself."""
        return self

    async def __anext__(self) -> WatchBatch:
        """Return the next batch; raises StopAsyncIteration, Compacted or FutureRevision."""
        try:
            return await self._next()
        except (StopAsyncIteration, Compacted, FutureRevision):
            self._end()
            raise

    async def aclose(self) -> None:
        """End the watch, also for a consumer that waits for it. Idempotent."""
        self._end()
        if self._queue is not None:
            self._queue.wake()

    def __del__(self) -> None:
        self._end()

    def _end(self) -> None:
        self._ended = True
        if self._queue is not None:
            self._queue.abandoned = True

    async def _next(self) -> WatchBatch:
        while not (self._ended or self._hub.closed and not (self._queue and self._queue.pending)):
            queue = self._queue
            if queue is None:
                return self._begin()
            if queue.behind:
                return self._catch_up(queue)
            if self._after < self._until:
                await asyncio.sleep(0)
                return self._catch_up(queue)
            if queue.pending or self._after < self._hub.revision:
                return self._deliver(queue)
            await queue.wait()
        raise StopAsyncIteration

    def _begin(self) -> WatchBatch:
        oldest, current = self._history.limits()
        if self._after > current:
            raise FutureRevision(current)
        if self._after < oldest:
            raise Compacted(oldest)
        self._queue = self._hub.attach(self._prefix, self._previous)
        self._until = self._hub.revision
        return self._catch_up(self._queue)

    def _catch_up(self, queue: _Queue) -> WatchBatch:
        """Read history until the point from which on the queue is complete."""
        if queue.behind:
            queue.behind = False
            self._until = self._hub.revision
        changes: Sequence[Change] = ()
        if self._after < self._until:
            changes, self._after = self._history.changes(self._prefix, self._after, self._until, self._previous)
        return WatchBatch(changes, self._after)

    def _deliver(self, queue: _Queue) -> WatchBatch:
        after = self._after
        changes = queue.clear()
        if changes and changes[0].revision <= after:
            # The watch began at a revision which a reader saw before it was dealt out here.
            changes = [change for change in changes if change.revision > after]
        self._after = max(after, self._hub.revision)
        return WatchBatch(changes, self._after)
