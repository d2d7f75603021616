"""One watch on the whole store, dealt out to the watch caches.

A single ordered stream per process gives all caches one notion of how far they have got, so that a consistent read of
any resource is: ask the backend for its revision, wait until the feed has reached it.
"""

import asyncio
import heapq
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

from kapi.contracts.storage import (
    Change,
    Compacted,
    FutureRevision,
    StorageBackend,
    StorageError,
    Unavailable,
    WatchBatch,
)

log = logging.getLogger("kapi.storage")

RECENT_SECONDS = 300.0
"""How long states of the past are shown from memory; stores compact what is older than that."""
_SAMPLE_SECONDS = 10.0
_FIRST_RETRY, _LAST_RETRY = 0.1, 5.0
_ENDED = "the store is not followed any more: the server is stopping"


class Subscriber:
    """A part of the key space that someone follows.

    ``apply`` gets the changes of the prefix, and now and then none, to forget what is old; ``reset`` is called when
    history was lost and the subscriber must read its part of the store anew.
    """

    __slots__ = ("apply", "prefix", "reset")

    def __init__(self, prefix: str, apply: Callable[[Sequence[Change]], None], reset: Callable[[], None]) -> None:
        """Take the key prefix (ending in a slash) and the callbacks."""
        self.prefix = prefix
        self.apply = apply
        self.reset = reset


class Feed:
    """Follows the backend from its current revision on and tells the subscribers."""

    def __init__(self, backend: StorageBackend, prefix: str) -> None:
        """Take a started backend and the prefix of all keys (ending in a slash)."""
        self._backend = backend
        self._prefix = prefix
        self._subscribers: dict[str, tuple[Subscriber, ...]] = {}
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._counter = itertools.count()
        self._task: asyncio.Task[None] | None = None
        self.revision = 0
        self._samples: deque[tuple[float, int]] = deque()

    async def start(self) -> None:
        """Begin to follow."""
        self.revision = await self._backend.current_revision()
        self._task = asyncio.create_task(self._follow(), name="kapi-feed")
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End following."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Deliver the changes of the subscriber's prefix from now on."""
        others = self._subscribers.get(subscriber.prefix, ())
        self._subscribers[subscriber.prefix] = (*others, subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Deliver no more."""
        others = tuple(each for each in self._subscribers.get(subscriber.prefix, ()) if each is not subscriber)
        if others:
            self._subscribers[subscriber.prefix] = others
        else:
            self._subscribers.pop(subscriber.prefix, None)

    def is_recent(self, revision: int) -> bool:
        """Tell whether the store was at a revision, or before it, within the last five minutes (and some seconds)."""
        samples, oldest = self._samples, time.monotonic() - RECENT_SECONDS
        while len(samples) > 1 and samples[1][0] <= oldest:
            samples.popleft()
        return not samples or samples[0][0] > oldest or revision >= samples[0][1]

    async def reached(self, revision: int) -> None:
        """Return when all changes up to ``revision`` have been applied. Raises Unavailable when following has ended."""
        if revision <= self.revision:
            return
        if self._task is None or self._task.done():
            raise Unavailable(_ENDED)
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (revision, next(self._counter), future))
        await future

    async def current(self) -> None:
        """Return when all writes acknowledged before the call have been applied."""
        revision = await self._backend.current_revision()
        if revision > self.revision:
            await self.reached(revision)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        """Let nobody wait for what will not come."""
        for _, _, future in self._waiting:
            if not future.done():
                future.set_exception(Unavailable(_ENDED))
        self._waiting.clear()

    async def _follow(self) -> None:
        delay = _FIRST_RETRY
        while True:
            try:
                async for batch in self._backend.follow(self._prefix, self.revision):
                    self._deal(batch)
                    delay = _FIRST_RETRY
                return
            except (Compacted, FutureRevision) as error:
                log.warning("store history lost, reading all anew: %s", error)
                await self._restart()
            except StorageError as error:
                log.warning("store watch ended, trying again in %.1f s: %s", delay, error)
            except Exception:
                log.exception("a change could not be told to all, reading all anew")
                await self._restart()
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LAST_RETRY)

    async def _restart(self) -> None:
        try:
            self.revision = await self._backend.current_revision()
        except StorageError as error:
            log.warning("store revision cannot be read: %s", error)
            return
        for subscriber in [each for subscribers in self._subscribers.values() for each in subscribers]:
            subscriber.reset()
        self._release()

    def _deal(self, batch: WatchBatch) -> None:
        by_prefix: dict[str, list[Change]] = {}
        for change in batch.changes:
            prefix = self._prefix_of(change.key)
            if prefix:
                by_prefix.setdefault(prefix, []).append(change)
        for prefix, changes in by_prefix.items():
            for subscriber in self._subscribers.get(prefix, ()):
                subscriber.apply(changes)
        self.revision = max(self.revision, batch.revision)
        self._sample()
        self._release()

    def _sample(self) -> None:
        """Note now and then when the store was at which revision, and let everybody forget what is old."""
        now = time.monotonic()
        if self._samples and now - self._samples[-1][0] < _SAMPLE_SECONDS:
            return
        self._samples.append((now, self.revision))
        self.is_recent(self.revision)
        for subscribers in list(self._subscribers.values()):
            for subscriber in subscribers:
                subscriber.apply(())

    def _release(self) -> None:
        """Let those go on who wait for what has been reached."""
        while self._waiting and self._waiting[0][0] <= self.revision:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)

    def _prefix_of(self, key: str) -> str:
        """Return the subscribed prefix of a key: its first segment or its first two ("services/specs"), or ""."""
        start = len(self._prefix)
        first = key.find("/", start) + 1
        if key[:first] in self._subscribers:
            return key[:first]
        second = key.find("/", first) + 1
        return key[:second] if key[:second] in self._subscribers else ""
