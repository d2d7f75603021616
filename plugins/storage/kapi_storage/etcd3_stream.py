"""One etcd watch, on a gRPC stream of its own."""

import asyncio
import re
from contextlib import suppress

from grpc.aio import AioRpcError

from kapi.contracts.storage import Unavailable
from kapi_storage import etcd3_requests as requests
from kapi_storage.etcd3_client import REQUIRE_LEADER, Client
from kapi_storage.etcd3_wire import Connection, WatchAnswer

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_EXACT_SINCE = {(3, 4): 31, (3, 5): 13}
"""The patch releases from which on an answer to a progress request never overtakes changes."""


class StreamEnded(Unavailable):
    """The server has ended the watch, or the stream."""


class Stream:
    """An open watch.

    ``exact`` tells whether the server's answers to progress requests can be relied on. Of one whose answers cannot, all
    keys are watched: then every revision shows itself.
    """

    def __init__(self, connection: Connection, *, exact: bool) -> None:
        """Open a stream to a server."""
        self.connection = connection
        self.exact = exact
        self.ended = False
        self._call = connection.watch(metadata=REQUIRE_LEADER)
        self._asking = False

    async def begin(self, first: bytes, end: bytes, start: int) -> int:
        """Watch [first, end) from a revision on; return the one that the server is at. Raises what ``read`` does."""
        if not self.exact:
            first, end = requests.ANY_KEY, requests.ANY_KEY
        try:
            await self._call.write(requests.watch(first, end, start))
            answer = await self.read()
        except BaseException:
            self.cancel()
            raise
        if not answer.created:
            raise StreamEnded("etcd did not begin the watch")
        return answer.header.revision

    async def read(self) -> WatchAnswer:
        """Return the next answer. Raises AioRpcError, StreamEnded; CancelledError after ``cancel``.

        A task that is cancelled while it waits here ends the stream: that is how gRPC does it.
        """
        try:
            answer = await self._call.read()
        except asyncio.CancelledError:
            self.ended = True
            raise
        if not isinstance(answer, requests.WatchResponse):
            raise StreamEnded("etcd ended the stream")
        return _answer(answer)

    async def ask(self) -> None:
        """Ask the server how far the watch has got, if its answer would be of use."""
        if self.exact and not self.ended and not self._asking:
            self._asking = True
            # If the stream has broken off, its reader will notice.
            with suppress(AioRpcError, asyncio.InvalidStateError):
                await self._call.write(requests.PROGRESS)
            self._asking = False

    def tells_progress(self, answer: WatchAnswer) -> bool:
        """Tell whether an answer without changes says that there were none up to its revision."""
        return not answer.created and (self.exact or answer.watch_id >= 0)

    def cancel(self) -> None:
        """End the stream, also for who reads it."""
        self.ended = True
        self._call.cancel()


async def open_stream(client: Client, connection: Connection, first: bytes, end: bytes, after: int) -> Stream:
    """Watch for changes after a revision.

    A server takes a watch from revision N+1 on even if N has been compacted, and may have forgotten a deletion at N+1
    then. So a watch of the past asks for changes from N on, of which the first is dropped by the reader.
    Raises Compacted, FutureRevision, Unavailable, AioRpcError, TimeoutError.
    """
    status = await connection.status(requests.STATUS, timeout=client.seconds, metadata=REQUIRE_LEADER)
    exact = progress_is_exact(status.version)
    async with asyncio.timeout(client.seconds):
        stream = Stream(connection, exact=exact)
        live = after >= client.seen
        if await stream.begin(first, end, after + 1 if live else after) > after and live:
            stream.cancel()
            stream = Stream(connection, exact=exact)
            await stream.begin(first, end, after)
    try:
        await client.range(requests.existence(after), after)
    except BaseException:
        stream.cancel()
        raise
    return stream


def progress_is_exact(version: str) -> bool:
    """Tell whether a server of this version answers progress requests in the order of its changes."""
    found = _VERSION.match(version)
    if found is None:
        return False
    major, minor, patch = map(int, found.groups())
    since = _EXACT_SINCE.get((major, minor))
    return patch >= since if since is not None else (major, minor) > (3, 5)


def _answer(answer: WatchAnswer) -> WatchAnswer:
    return answer
