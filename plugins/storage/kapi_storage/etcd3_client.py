"""Calls to a cluster: with a deadline each, repeated on another server where that is safe."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from kapi.contracts.storage import Compacted, FutureRevision, Unavailable
from kapi_storage import etcd3_requests as requests
from kapi_storage.etcd3_failures import RevisionAhead, RevisionGone, had_no_effect, is_of_connection, meaning
from kapi_storage.etcd3_status import RpcError
from kapi_storage.etcd3_wire import COMPACT, RANGE, AnswerT, Connection, Message, Method, RangeAnswer, WatchCall

log = logging.getLogger("kapi.storage")

REPEAT_SECONDS = 2.0
FIRST_PAUSE, LAST_PAUSE = 0.02, 0.25
SLOW_SECONDS = 0.05
"""How long a request for the revision waits for the one before it."""


class Attempt(NamedTuple):
    """A call that failed."""

    connection: Connection
    failure: RpcError
    end: float
    repeatable: bool

    def may_be_repeated(self) -> bool:
        """Tell whether trying again is safe, and may help."""
        return had_no_effect(self.failure) or self.repeatable and is_of_connection(self.failure)


class Client:
    """All servers of a cluster, one of which is used until it fails.

    ``seen`` is the highest revision that any answer has shown.
    """

    def __init__(self, connections: Sequence[Connection], seconds: float) -> None:
        """Take the connections, none of which is opened before it is needed, and how long a request may take."""
        self.seconds = seconds
        self._connections = connections
        self._index = 0
        self._running = 0
        self._closed = False
        self._idle = asyncio.Event()
        self._revision_now: asyncio.Task[int] | None = None
        self._revision_next: asyncio.Task[int] | None = None
        self.seen = 0

    @property
    def connection(self) -> Connection:
        """The server in use."""
        return self._connections[self._index]

    def turn_from(self, connection: Connection) -> None:
        """Use another server, if this one is still the one in use."""
        if connection is self.connection and len(self._connections) > 1:
            self._index = (self._index + 1) % len(self._connections)
            log.warning("etcd at %s fails, turning to %s", connection.server.target, self.connection.server.target)

    async def call(
        self,
        method: Method[AnswerT],
        request: Message,
        *,
        seconds: float | None = None,
        repeatable: bool = False,
    ) -> AnswerT:
        """Call a method of a server; ``repeatable`` says that it does no harm if it is carried out twice.

        Raises Unavailable, and other StorageErrors as :mod:`kapi_storage.etcd3_failures` says.
        """
        if self._closed:
            raise Unavailable("the store is not open")
        if seconds is None:
            seconds = self.seconds
        end = asyncio.get_running_loop().time() + seconds
        connection = self._connections[self._index]
        self._running += 1
        try:
            first = seconds / 2 if repeatable and len(self._connections) > 1 else seconds
            pending = connection.call(method, request, first)
            answer = await (pending if repeatable else settled(pending))
        except RpcError as failure:
            answer = await self._repeat(method, request, Attempt(connection, failure, end, repeatable))
        finally:
            self._leave()
        revision = answer.header.revision
        if revision > self.seen:
            self.seen = revision
        return answer

    async def _repeat(self, method: Method[AnswerT], request: Message, failed: "Attempt") -> AnswerT:
        """Try again until it works, must not be repeated, or takes too long."""
        loop = asyncio.get_running_loop()
        patience = min(failed.end, loop.time() + REPEAT_SECONDS)
        pause = FIRST_PAUSE
        while True:
            if is_of_connection(failed.failure):
                self.turn_from(failed.connection)
            if not failed.may_be_repeated():
                raise meaning(failed.failure)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LAST_PAUSE)
            left = patience - loop.time()
            if left <= 0 or self._closed:
                raise meaning(failed.failure)
            connection = self.connection
            try:
                pending = connection.call(method, request, left)
                return await (pending if failed.repeatable else settled(pending))
            except RpcError as failure:
                failed = failed._replace(connection=connection, failure=failure)

    def _leave(self) -> None:
        self._running -= 1
        if self._closed and not self._running:
            self._idle.set()

    async def revision(self) -> int:
        """Return the current revision; calls at about the same time share one request.

        A request that is under way does not serve those that come after it: it may have been answered already.
        """
        waiting = self._revision_next
        if waiting is None:
            waiting = asyncio.create_task(self._read_revision(self._revision_now))
            waiting.add_done_callback(_look_at)
            self._revision_next = waiting
        return await asyncio.shield(waiting)

    async def _read_revision(self, before: asyncio.Task[int] | None) -> int:
        if before is not None and not before.done():
            await asyncio.wait((before,), timeout=SLOW_SECONDS)
        self._revision_now, self._revision_next = self._revision_next, None
        return (await self.call(RANGE, requests.REVISION, repeatable=True)).header.revision

    async def range(self, request: Message, revision: int) -> RangeAnswer:
        """Read keys. Raises Compacted or FutureRevision."""
        try:
            return await self.call(RANGE, request, repeatable=True)
        except RevisionGone:
            raise Compacted(await self.compact_revision()) from None
        except RevisionAhead:
            raise FutureRevision(await self.revision()) from None

    async def compact(self, revision: int) -> None:
        """Forget history older than a revision. Raises FutureRevision."""
        with suppress(RevisionGone):
            try:
                await self.call(COMPACT, requests.compact(revision), repeatable=True)
            except RevisionAhead:
                raise FutureRevision(await self.revision()) from None

    async def compact_revision(self) -> int:
        """Return the revision up to which history was compacted; only for when it was.

        A watch from the beginning is told: nothing else in etcd's API shows it.
        """
        if self._closed:
            raise Unavailable("the store is not open")
        self._running += 1
        try:
            async with asyncio.timeout(self.seconds):
                return await _refusal(await self.connection.watch())
        except TimeoutError:
            raise Unavailable("etcd does not say what it has compacted") from None
        except RpcError as failure:
            raise meaning(failure) from None
        finally:
            self._leave()

    async def close(self) -> None:
        """Finish the calls that are under way, then close the connections."""
        self._closed = True
        if self._running:
            await self._idle.wait()
        for connection in self._connections:
            await connection.close()


async def settled(call: "asyncio.Future[AnswerT]") -> AnswerT:
    """Return the answer of a call that goes on when its caller is cancelled, which then has to wait for it.

    A write that one had only stopped to wait for could still happen, after others that were made later.
    """
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        await asyncio.wait((call,))
        raise


async def _refusal(call: WatchCall) -> int:
    """Watch compacted history until that is refused; return the revision that the server names."""
    try:
        call.write(requests.watch(requests.ANY_KEY, b"", 1, previous=False))
        while True:
            answer = await call.read()
            if answer.canceled:
                return int(answer.compact_revision)
    finally:
        call.cancel()


def _look_at(task: asyncio.Task[int]) -> None:
    """Take note of a failure that nobody may be waiting for any more."""
    if not task.cancelled():
        task.exception()
