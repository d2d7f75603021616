"""Open watches of a watch cache: what each has yet to send, within bounds."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from kapi.storage.events import CacheEvent, EventType, Predicate

if TYPE_CHECKING:
    from kapi.storage.watchcache import WatchCache

QUEUE_EVENTS = 4096
QUEUE_BYTES = 32 << 20
"""How much a watcher may be behind. The events of a queue are shared with other watchers and the window."""
ALARM_SECONDS = 0.01
"""How precisely watchers are woken when nothing happens."""


class Delivery(NamedTuple):
    """An event as one watcher sees it."""

    kind: EventType
    event: CacheEvent


class Watcher:
    """One open watch. Events are queued by the cache and taken by the endpoint.

    A watcher whose queue overflows is closed (``overflowed``); its client resumes by resourceVersion.
    """

    __slots__ = (
        "_after",
        "_alarm",
        "_bytes",
        "_cache",
        "_matches",
        "_waiter",
        "closed",
        "expired",
        "on_close",
        "queue",
        "scope",
    )

    def __init__(self, cache: "WatchCache", scope: str, matches: Predicate | None, after: int) -> None:
        """Take the cache to leave on close, which entries the watcher wants, and the revision it begins after.

        ``scope`` is a key or a prefix of keys (ending in a slash): only entries there are asked about.
        """
        self._cache = cache
        self.scope = scope
        self._bytes = 0
        self._matches = matches
        self._after = after
        self.queue: deque[Delivery] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self.closed = False
        self.expired = False
        self.on_close: Callable[[], None] | None = None

    def deliver(self, event: CacheEvent) -> None:
        """Queue an event if the watcher is to see it."""
        if event.revision <= self._after:
            return
        kind = event.seen_by(self._matches)
        if kind is None:
            return
        if self.queue and (len(self.queue) >= QUEUE_EVENTS or self._bytes + event.size > QUEUE_BYTES):
            self.close()
            return
        if not self.queue:
            self._cache.pace.add(self.wake)
        self.queue.append(Delivery(kind, event))
        self._bytes += event.size

    def wake(self) -> None:
        """Let the endpoint look at the queue and the flags."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self, *, expired: bool = False) -> None:
        """Take no more events, and call ``on_close``; ``expired``: because history was lost."""
        self.closed = True
        if self.on_close is not None:
            self.on_close()
        self.expired = self.expired or expired
        self._cache.leave(self)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self.wake()

    async def wait(self, timeout: float) -> None:
        """Return when there is something to look at, or after ``timeout`` seconds."""
        if self.queue or self.closed:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        self._set_alarm(loop, loop.time() + max(0.0, timeout))
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _set_alarm(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        """See to it that the watcher is woken at a time. An alarm that is set for about that time is left alone."""
        if self._alarm is not None:
            if abs(self._alarm.when() - at) < ALARM_SECONDS:
                return
            self._alarm.cancel()
        self._alarm = loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.wake()

    def take(self) -> list[Delivery]:
        """Return and forget what is queued."""
        taken = list(self.queue)
        self.queue.clear()
        self._bytes = 0
        return taken
