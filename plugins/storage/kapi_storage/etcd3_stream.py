"""One etcd watch, on a gRPC stream of its own."""

import asyncio
import re

from kapi.contracts.storage import Unavailable
from kapi_storage import etcd3_requests as requests
from kapi_storage.etcd3_client import Client
from kapi_storage.etcd3_wire import STATUS, Connection, WatchAnswer, WatchCall

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

    def __init__(self, call: WatchCall, *, exact: bool, previous: bool) -> None:
        """Take the call, which has not begun, and whether changes are to come with the values before them."""
        self.exact = exact
        self._previous = previous
        self.read = call.read
        self.take = call.take
        self.cancel = call.cancel
        self._call = call

    @property
    def readable(self) -> bool:
        """Whether ``take`` has an answer to return."""
        return self._call.readable

    async def begin(self, first: bytes, end: bytes, start: int) -> int:
        """Watch [first, end) from a revision on; return the one that the server is at.

        Raises RpcError, StreamEnded.
        """
        if not self.exact:
            first, end = requests.ANY_KEY, requests.ANY_KEY
        try:
            self._call.write(requests.watch(first, end, start, previous=self._previous))
            answer = await self.read()
        except BaseException:
            self.cancel()
            raise
        if not answer.created:
            raise StreamEnded("etcd did not begin the watch")
        return answer.header.revision

    def ask(self) -> None:
        """Ask the server how far the watch has got, if its answer would be of use."""
        if self.exact:
            self._call.write(requests.PROGRESS)

    def tells_progress(self, answer: WatchAnswer) -> bool:
        """Tell whether an answer without changes says that there were none up to its revision."""
        return not answer.created and (self.exact or answer.watch_id >= 0)


async def open_stream(
    client: Client, connection: Connection, first: bytes, end: bytes, after: int, *, previous: bool
) -> Stream:
    """Watch for changes after a revision.

    A server takes a watch from revision N+1 on even if N has been compacted, and may have forgotten a deletion at N+1
    then. So a watch of the past asks for changes from N on, of which the first is dropped by the reader.
    Raises Compacted, FutureRevision, Unavailable, RpcError, TimeoutError.
    """
    status = await connection.call(STATUS, requests.STATUS, client.seconds)
    exact = progress_is_exact(status.version)
    async with asyncio.timeout(client.seconds):
        stream = Stream(await connection.watch(), exact=exact, previous=previous)
        live = after >= client.seen
        if await stream.begin(first, end, after + 1 if live else after) > after and live:
            stream.cancel()
            stream = Stream(await connection.watch(), exact=exact, previous=previous)
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
