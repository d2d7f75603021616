"""The operations of the backend on an open client."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from weakref import WeakSet

from kapi.contracts.storage import KeyExists, KeyMissing, KeyValue, RangeResult, RevisionConflict, Unavailable
from kapi_storage import etcd3_requests as requests
from kapi_storage.etcd3_channel import TLSFiles, tls_context
from kapi_storage.etcd3_client import Client
from kapi_storage.etcd3_failures import LeaseGone
from kapi_storage.etcd3_leases import Leases
from kapi_storage.etcd3_watch import Watch
from kapi_storage.etcd3_wire import (
    RANGE,
    STATUS,
    TXN,
    Connection,
    Message,
    RangeAnswer,
    StoredKey,
    TxnAnswer,
    status_errors,
)
from kapi_storage.keyspace import bounds, lowest_from

if TYPE_CHECKING:
    from kapi_storage.etcd3_backend import Etcd3Settings

log = logging.getLogger("kapi.storage")

START_SECONDS = 10.0
FIRST_PAGE, LARGEST_PAGE = 500, 5000
PAGE_BYTES = 16 << 20
PIECE = 500
"""How many keys are taken over before others get a turn."""
LEASES_AT_ONCE = 64


class Store:
    """What there is while the backend is started."""

    def __init__(self, client: Client, lease_reuse: float) -> None:
        """Take the client."""
        self.client = client
        self._leases = Leases(client, lease_reuse)
        self._watches: WeakSet[Watch] = WeakSet()

    @classmethod
    def connect(cls, settings: "Etcd3Settings") -> "Store":
        """Make connections, which open when they are used. Raises Unavailable for files that cannot be read."""
        files = TLSFiles(settings.cafile, settings.certfile, settings.keyfile)
        if any(server.tls for server in settings.servers):
            tls_context(files)  # what is wrong with them is to be told now
        connections = [Connection(server, files if server.tls else None) for server in settings.servers]
        return cls(Client(connections, settings.request_timeout), settings.lease_reuse)

    async def wait(self) -> None:
        """Return when the cluster answers. Raises Unavailable if it does not for too long."""
        loop = asyncio.get_running_loop()
        end = loop.time() + START_SECONDS
        while True:
            try:
                await self.client.revision()
            except Unavailable as error:
                if loop.time() >= end:
                    raise
                log.warning("etcd cannot be reached yet: %s", error)
            else:
                return

    async def close(self) -> None:
        """End all watches, finish what is under way."""
        for watch in list(self._watches):
            watch.end()
        await self.client.close()

    async def check(self, read_seconds: float, alarm_seconds: float) -> None:
        """Raise Unavailable if the cluster does not answer, or the server in use has something to complain about."""
        await self.client.call(RANGE, requests.REVISION, seconds=read_seconds, repeatable=True)
        status = await self.client.call(STATUS, requests.STATUS, seconds=alarm_seconds, repeatable=True)
        errors = status_errors(status)
        if errors:
            raise Unavailable(f"etcd: {', '.join(errors)}")

    async def get(self, key: str) -> KeyValue | None:
        """Return the current value of a key."""
        answer = await self.client.call(RANGE, requests.get(key.encode()), repeatable=True)
        for found in answer.kvs:
            return KeyValue(key, found.value, found.mod_revision)
        return None

    async def range(self, prefix: str, start: str, limit: int, revision: int) -> RangeResult:
        """Return a page of keys, which is put together from several if it is large."""
        first, end = (text.encode() for text in bounds(prefix))
        first = max(first, lowest_from(start).encode())
        items: list[KeyValue] = []
        size = FIRST_PAGE
        while True:
            wanted = min(size, limit - len(items)) if limit > 0 else size
            answer = await self.client.range(requests.key_range(first, end, wanted, revision), revision)
            await _take_over(answer, items)
            revision = revision or answer.header.revision
            if not answer.more or len(items) == limit:
                remaining = answer.count - len(answer.kvs)
                return RangeResult(items, revision, remaining > 0, remaining)
            first = answer.kvs[-1].key + b"\0"
            size = _next_size(answer)

    async def expiries(self, prefix: str) -> Mapping[str, float]:
        """Return the seconds that keys below a prefix have left, for those that have a lease."""
        leased = await self._leased(prefix)
        left: dict[int, float] = {}
        leases = sorted(set(leased.values()))
        for first in range(0, len(leases), LEASES_AT_ONCE):
            some = leases[first : first + LEASES_AT_ONCE]
            left.update(zip(some, await asyncio.gather(*map(self._leases.left, some)), strict=True))
        return {key: left[lease] for key, lease in leased.items()}

    async def _leased(self, prefix: str) -> dict[str, int]:
        first, end = (text.encode() for text in bounds(prefix))
        leased: dict[str, int] = {}
        revision = 0
        while True:
            answer = await self.client.range(requests.key_names(first, end, LARGEST_PAGE, revision), revision)
            leased.update((str(found.key, "utf-8", "replace"), found.lease) for found in answer.kvs if found.lease)
            if not answer.more:
                return leased
            revision = revision or answer.header.revision
            first = answer.kvs[-1].key + b"\0"

    async def create(self, key: str, value: bytes, ttl: float | None) -> int:
        """Store a value under a new key."""
        encoded = key.encode()
        answer = await self._put(lambda lease: requests.create(encoded, value, lease), ttl)
        if not answer.succeeded:
            raise KeyExists(key)
        return answer.header.revision

    async def update(self, key: str, value: bytes, expected: int, ttl: float | None) -> int:
        """Replace the value of a key."""
        encoded = key.encode()
        answer = await self._put(lambda lease: requests.update(encoded, value, expected, lease), ttl)
        return _revision(answer, key)

    async def delete(self, key: str, expected: int) -> int:
        """Delete a key."""
        return _revision(await self.client.call(TXN, requests.delete(key.encode(), expected)), key)

    async def _put(self, build: Callable[[int], Message], ttl: float | None) -> TxnAnswer:
        if ttl is None:
            return await self.client.call(TXN, build(0))
        try:
            return await self.client.call(TXN, build(await self._leases.lease(ttl)))
        except LeaseGone:
            self._leases.forget(ttl)
            return await self.client.call(TXN, build(await self._leases.lease(ttl)))

    def watch(self, prefix: str, after: int, *, previous: bool) -> Watch:
        """Return the changes under a prefix, with or without the values before them."""
        watch = Watch(self.client, prefix, after, previous=previous)
        self._watches.add(watch)
        return watch

    async def revision(self) -> int:
        """Return the current revision, and let the watches report that they have reached it."""
        revision = await self.client.revision()
        for watch in self._watches:
            if watch.revision < revision:
                watch.expect(revision)
        return revision

    async def announce(self) -> None:
        """Let watches without changes report how far they have got."""
        if self._watches:
            await self.revision()


def _revision(answer: TxnAnswer, key: str) -> int:
    """Return the revision of a change that was let through. Raises KeyMissing, RevisionConflict."""
    if answer.succeeded:
        return answer.header.revision
    exists = answer.responses[0].response_range.count
    raise RevisionConflict(key) if exists else KeyMissing(key)


async def _take_over(answer: RangeAnswer, items: list[KeyValue]) -> None:
    """Add the keys of an answer, without keeping the event loop for long."""
    found = answer.kvs
    items += map(_key_value, found[:PIECE])
    for first in range(PIECE, len(found), PIECE):
        await asyncio.sleep(0)
        items += map(_key_value, found[first : first + PIECE])


def _key_value(found: StoredKey) -> KeyValue:
    return KeyValue(str(found.key, "utf-8", "replace"), found.value, found.mod_revision)


def _next_size(answer: RangeAnswer) -> int:
    """Return how many keys make a page that neither takes long to read nor needs much memory."""
    size = sum(len(found.value) for found in answer.kvs)
    return max(1, min(LARGEST_PAGE, PAGE_BYTES * len(answer.kvs) // max(1, size)))
