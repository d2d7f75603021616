"""WATCH: a stream of events, as raw ASGI.

Falcon would go on streaming after the client has left, so watches are served here: one task per watch, which ends when
the client leaves, the timeout passes, the server stops, or the client cannot keep up.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress

import orjson

from kapi.contracts.server import Receive, Send
from kapi.contracts.storage import Compacted
from kapi.endpoints.representation import Representation
from kapi.endpoints.request import ResourceRequest
from kapi.endpoints.selection import Selection
from kapi.meta.errors import StatusError, expired
from kapi.meta.listing import ListOptions, parse_list_options
from kapi.meta.query import parse_resource_version
from kapi.storage.entry import Entry
from kapi.storage.events import CacheEvent, event_frame
from kapi.storage.ordered import NOTHING, Snapshot
from kapi.storage.watchcache import WatchCache
from kapi.storage.watchers import Watcher

BOOKMARK_SECONDS = 60.0
BEFORE_END = 2.0
"""How long before its end a watch gets its last bookmark."""
SLICE = 500
"""How many initial events are sent before other requests get their turn."""
LAST_SECONDS = 5.0
"""How long a client whose watch has been closed may go without taking anything of the rest; then it is cut off."""
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Stream:
    """One watch being served."""

    def __init__(self, request: ResourceRequest, min_timeout: float) -> None:
        """Take the request; raises StatusError for what is wrong with it.

        ``min_timeout`` is the least time a watch lives when the client does not say (``--min-request-timeout``).
        """
        self.options: ListOptions = parse_list_options(request.query, watch=True)
        info = request.state.info
        self.selection = Selection(request.resource, request.namespace, self.options)
        self.name = info.name
        self.cache: WatchCache = request.stored.cache
        self.representation: Representation = request.representation(many=True)
        self.after = parse_resource_version(self.options.resource_version)
        self.request = request
        self.on_close: Callable[[], None] | None = None
        self.sent = 0
        given = self.options.timeout_seconds
        self.timeout = float(given) if given else min_timeout * (1 + random.random())  # noqa: S311  # spreads load

    def wants(self, entry: Entry) -> bool:
        """Tell whether the watch is about an entry."""
        return (not self.name or entry.name == self.name) and self.selection.includes(entry)

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the stream, piece by piece, until the watch ends.

        The first piece is empty: it tells that the watch is open.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + self.timeout
        initial = not self.options.resource_version or self.options.resource_version == "0"
        initial = self.options.send_initial_events if self.options.send_initial_events is not None else initial
        watcher, complete, started = await self._open(initial)
        watcher.on_close = self.on_close
        present = self.cache.scan(self.selection.namespace, terms=self.selection.terms) if initial else NOTHING
        try:
            yield b""
            if initial:
                async for piece in self._initial(present, started):
                    yield piece
            elif not complete:
                async for piece in self._history(started):
                    yield piece
            async for piece in self._live(watcher, end):
                yield piece
        except Compacted:
            yield _error(expired(f"too old resource version: {self.after} ({self.cache.revision})"))
        except StatusError as error:  # an object that cannot be shown in the version that is asked for
            yield _error(error)
        finally:
            watcher.on_close = None
            watcher.close()

    async def _open(self, initial: bool) -> tuple[Watcher, bool, int]:
        """Open the watcher; returns it, whether it holds all events since, and the revision that was current."""
        cache = self.cache
        if not self.options.resource_version:
            await cache.current()
            state = self.request.state
            if state.confirm is not None:
                await state.confirm(state)
        else:
            await cache.ready()
        if initial and self.after > cache.revision:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.timeout):
                    await cache.reached(self.after)
        started = cache.revision
        from_now = initial or not self.after
        everything = not self.name and self.selection.matches is None  # within the namespace
        matches = None if everything else self.wants
        return *cache.watch(matches, started if from_now else self.after, self.selection.within), started

    async def _initial(self, present: Snapshot, revision: int) -> AsyncIterator[bytes]:
        """Yield what the watch is about of a state, as ADDED events, and the bookmark that ends it if asked for."""
        wanted: list[Entry] = []
        for piece in present.pieces:
            wanted += filter(self.wants, piece)
            while len(wanted) >= SLICE:
                yield self._added(wanted[:SLICE])
                del wanted[:SLICE]
            await asyncio.sleep(0)
        yield self._added(wanted)
        if self.options.send_initial_events and self.options.allow_watch_bookmarks:
            yield self._bookmark(revision, {INITIAL_EVENTS_END: "true"})

    def _added(self, entries: Iterable[Entry]) -> bytes:
        return b"".join([event_frame("ADDED", self.representation.object(entry)) for entry in entries])

    async def _history(self, until: int) -> AsyncIterator[bytes]:
        """Yield what the backend still knows between the client's revision and the cache's window."""
        events: list[CacheEvent] = []
        async for event in self.cache.history(self.after, until):
            events.append(event)
            if len(events) >= SLICE:
                yield self._render(events)
                events = []
        yield self._render(events)

    def _render(self, events: Iterable[CacheEvent]) -> bytes:
        pieces = []
        for event in events:
            kind = event.seen_by(self.wants)
            if kind is not None:
                pieces.append(event.frame(kind, self.representation))
        return b"".join(pieces)

    async def _live(self, watcher: Watcher, end: float) -> AsyncIterator[bytes]:
        """Yield events as they come, bookmarks now and then, until the time is up or the watcher is closed."""
        loop = asyncio.get_running_loop()
        bookmarks = self.options.allow_watch_bookmarks
        next_bookmark = self._next_bookmark(end) if bookmarks else end
        while True:
            await watcher.wait(min(next_bookmark, end) - loop.time())
            taken = watcher.take()
            if taken:
                representation = self.representation
                yield b"".join([event.frame(kind, representation) for kind, event in taken])
            if watcher.closed:
                if watcher.expired:
                    yield _error(expired("the history of the store was lost; list again"))
                return
            now = loop.time()
            if now >= end:
                return
            if bookmarks and now >= next_bookmark and not watcher.queue:
                yield self._bookmark(self.cache.revision, {})
                next_bookmark = self._next_bookmark(end)

    def _next_bookmark(self, end: float) -> float:
        now = asyncio.get_running_loop().time()
        last = end - BEFORE_END
        soon = now + BOOKMARK_SECONDS
        return min(soon, last) if last > now else end + 1

    def _bookmark(self, revision: int, annotations: dict[str, str]) -> bytes:
        return event_frame("BOOKMARK", self.representation.bookmark(revision, annotations))


def _content_type(request: ResourceRequest) -> bytes:
    return b"application/json;stream=watch" if request.media.stream else b"application/json"


def _error(error: StatusError) -> bytes:
    return event_frame("ERROR", orjson.dumps(error.status()))


async def serve_watch(request: ResourceRequest, receive: Receive, send: Send, min_timeout: float) -> None:
    """Send the stream of a watch until it ends or the client leaves; raises StatusError before it has begun.

    A server that stops ends its watches by closing the watchers (:meth:`WatchCache.end_watches`). A client that reads
    nothing keeps the sending task waiting: when its watcher has been closed, the task is cancelled, which ends the
    connection.
    """
    stream = Stream(request, min_timeout)
    sending = asyncio.create_task(_send_all(stream, send))
    stream.on_close = lambda: _cut_off(stream, sending, -1)
    leaving = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finished = sending.done()
        if finished:
            sending.result()
    finally:
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)
    if finished:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _cut_off(stream: Stream, sending: "asyncio.Task[None]", before: int) -> None:
    """Cancel a task that sends the rest of a closed watch, unless it has sent something since it was looked at."""
    if sending.done():
        return
    if stream.sent == before:
        sending.cancel()
        return
    asyncio.get_running_loop().call_later(LAST_SECONDS, _cut_off, stream, sending, stream.sent)


async def _send_all(stream: Stream, send: Send) -> None:
    """Send the stream. Its answer begins when the watch is open: a client that has it misses nothing from then on."""
    headers = [(b"content-type", _content_type(stream.request)), (b"cache-control", b"no-cache, private")]
    frames = stream.frames()
    try:
        await anext(frames)
        stream.request.state.status = 200
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for piece in frames:
            if piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                stream.sent += 1
    finally:
        await frames.aclose()  # type: ignore[attr-defined]  # an async generator


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
