"""Watches: the changes of a prefix from a stream, which is opened again wherever it broke off."""

import asyncio
import logging
from collections.abc import AsyncIterator

from kapi.contracts.storage import Change, Compacted, StorageError, Unavailable, WatchBatch
from kapi_storage.etcd3_client import Client
from kapi_storage.etcd3_failures import RevisionGone
from kapi_storage.etcd3_status import RpcError
from kapi_storage.etcd3_stream import Stream, StreamEnded, open_stream
from kapi_storage.etcd3_wire import Event, WatchAnswer, is_fragment
from kapi_storage.keyspace import bounds

log = logging.getLogger("kapi.storage")

FIRST_PAUSE, LAST_PAUSE = 0.02, 1.0
FIRST_QUESTION, LAST_QUESTION = 0.005, 0.1
LARGEST_BATCH = 200
"""How many changes are put together at most: who takes them does so without a pause."""
_PUT = 0


class Watch(AsyncIterator[WatchBatch]):
    """The iterator that the backend's ``watch`` returns.

    ``revision`` is the one up to which it has delivered everything.
    """

    def __init__(self, client: Client, prefix: str, after: int, *, previous: bool) -> None:
        """Watch the keys under ``prefix`` for changes after a revision, with or without the values before them."""
        self.revision = after
        self._client = client
        self._previous = previous
        self._change = _change if previous else _present
        first, end = bounds(prefix)
        self._first, self._end_key = first.encode(), end.encode()
        self._connection = client.connection
        self._stream: Stream | None = None
        self._reading = False
        self._carried: list[Change] = []
        self._failure: RpcError | StorageError | None = None
        self._begun = False
        self._ended = False
        self._expected = 0
        self._asking: asyncio.Task[None] | None = None

    def __aiter__(self) -> "Watch":
        """Return the watch itself."""
        return self

    async def __anext__(self) -> WatchBatch:
        """Return the next batch; raises StopAsyncIteration, Compacted or FutureRevision."""
        pause = FIRST_PAUSE
        while not self._ended:
            try:
                batch = await self._advance()
            except (RpcError, Unavailable, TimeoutError) as error:
                await self._break_off(error, pause)
                pause = min(2 * pause, LAST_PAUSE)
            except StorageError:
                self.end()
                raise
            else:
                if batch is not None:
                    return batch
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End the watch, also for a consumer that waits for it. Idempotent."""
        self.end()

    def end(self) -> None:
        """End the watch; who waits for it gets StopAsyncIteration."""
        self._ended = True
        if self._stream is not None:
            self._stream.cancel()

    def expect(self, revision: int) -> None:
        """Report soon that ``revision`` has been reached, even if it was changes elsewhere that led there."""
        self._expected = max(self._expected, revision)
        self._begin_asking()

    def _begin_asking(self) -> None:
        if self._asking is None and self._reading and self.revision < self._expected:
            self._asking = asyncio.create_task(self._ask(), name="kapi-etcd3-progress")

    async def _ask(self) -> None:
        """Ask again and again, as a server does not answer while it has changes to send: those say it, too."""
        pause = FIRST_QUESTION
        try:
            while self._reading and self.revision < self._expected:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LAST_QUESTION)
                if self._reading and self.revision < self._expected and self._stream is not None:
                    self._stream.ask()
        finally:
            self._asking = None

    async def _advance(self) -> WatchBatch | None:
        """Return what the stream says next; None if that is nothing to deliver."""
        stream = self._stream
        if stream is None:
            return await self._open()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        if stream.readable:
            await asyncio.sleep(0)
        self._reading = True
        try:
            self._begin_asking()
            answer = await stream.read()
        finally:
            self._reading = False
        batch = await self._take(stream, answer)
        return await self._join(stream, batch) if stream.readable else batch

    async def _join(self, stream: Stream, first: WatchBatch | None) -> WatchBatch | None:
        """Return a batch with what else has arrived: one costs its reader less than several."""
        changes, revision = (list(first.changes), first.revision) if first is not None else ([], 0)
        while stream.readable and len(changes) < LARGEST_BATCH:
            try:
                batch = await self._take(stream, stream.take())
            except (RpcError, StorageError) as failure:
                self._failure = failure  # to be told when what came before it is delivered
                break
            if batch is not None:
                changes += batch.changes
                revision = batch.revision
        return WatchBatch(changes, revision) if revision else None

    async def _open(self) -> WatchBatch | None:
        self._carried = []
        self._failure = None
        self._connection = self._client.connection
        self._stream = await open_stream(
            self._client, self._connection, self._first, self._end_key, self.revision, previous=self._previous
        )
        if self._ended:
            self._stream.cancel()
        if self._begun:
            return None
        self._begun = True
        return WatchBatch((), self.revision)

    async def _take(self, stream: Stream, answer: WatchAnswer) -> WatchBatch | None:
        if answer.canceled:
            if answer.compact_revision:
                raise Compacted(answer.compact_revision)
            raise StreamEnded(f"etcd ended the watch: {answer.cancel_reason or 'no reason given'}")
        if answer.events:
            return await self._deliver(answer)
        if stream.tells_progress(answer) and answer.header.revision > self.revision:
            self.revision = answer.header.revision
            return WatchBatch((), self.revision)
        return None

    async def _deliver(self, answer: WatchAnswer) -> WatchBatch | None:
        """Return the changes of an answer; of a part of an answer those that are complete."""
        first, end, after = self._first, self._end_key, self.revision
        events = [event for event in answer.events if event.kv.mod_revision > after and first <= event.kv.key < end]
        try:
            changes = self._carried + list(map(self._change, events))
        except RevisionGone:
            raise Compacted(await self._client.compact_revision()) from None
        last = answer.events[-1].kv.mod_revision
        self._carried = []
        if is_fragment(answer):
            self._carried = [change for change in changes if change.revision == last]
            changes = changes[: len(changes) - len(self._carried)]
            last -= 1
        if last <= after:
            return None
        self.revision = last
        return WatchBatch(changes, last)

    async def _break_off(self, error: Exception, pause: float) -> None:
        if self._ended:
            return
        if self._stream is not None:
            log.warning("etcd watch broke off after revision %d: %s", self.revision, str(error) or type(error).__name__)
            self._stream.cancel()
        self._stream = None
        self._client.turn_from(self._connection)
        await asyncio.sleep(pause)


def _change(event: Event) -> Change:
    """Return what happened. Raises RevisionGone if the value before has been compacted since."""
    kv = event.kv
    value = kv.value if event.type == _PUT else None
    key = str(kv.key, "utf-8", "replace")
    if event.HasField("prev_kv"):
        return Change(kv.mod_revision, key, value, event.prev_kv.value, event.prev_kv.mod_revision)
    if value is None or kv.create_revision != kv.mod_revision:
        raise RevisionGone(key)
    return Change(kv.mod_revision, key, value, None, 0)


def _present(event: Event) -> Change:
    """Return what happened, without what was before."""
    kv = event.kv
    return Change(kv.mod_revision, str(kv.key, "utf-8", "replace"), kv.value if event.type == _PUT else None, None, 0)
