"""Moving everything in a store to another place: all keys as of one revision, and filling an empty store with them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence

from kapi.contracts.storage import Compacted, StorageBackend
from kapi.contracts.storage_care import Advancing, Expiring
from kapi.storage.dump import Header, Record
from kapi.storage.unreadable import ENCRYPTED

PAGE = 1000
AT_ONCE = 128
LANES = 64
SHORTEST_TTL = 1.0

Told = Callable[[int], None]
"""Is called with how many more keys (or revisions) are done."""


class TransferError(Exception):
    """What was asked for cannot be done; the message is one line."""


class Contents:
    """All keys below a prefix, as of one revision; those named in ``left_out`` (below the prefix) are skipped."""

    def __init__(
        self,
        backend: StorageBackend,
        prefix: str,
        revision: int,
        keys: int,
        ttls: Mapping[str, float],
        left_out: Collection[str],
    ) -> None:
        """Use :meth:`of`."""
        self.header = Header(prefix, revision, keys)
        self._backend = backend
        self._ttls = ttls
        self._left_out = frozenset(left_out)

    @classmethod
    async def of(cls, backend: StorageBackend, prefix: str, left_out: Collection[str] = ()) -> "Contents":
        """Return the contents of a started store as they are now. Raises StorageError."""
        ttls = await backend.expiries(prefix) if isinstance(backend, Expiring) else {}
        page = await backend.range(prefix, limit=1)
        return cls(backend, prefix, page.revision, len(page.items) + page.remaining, ttls, left_out)

    async def pages(self) -> AsyncIterator[Sequence[Record]]:
        """Yield the keys in byte order. Raises StorageError, TransferError when history was compacted meanwhile."""
        prefix, revision, _ = self.header
        start, more = "", True
        while more:
            try:
                page = await self._backend.range(prefix, start=start, limit=PAGE, revision=revision)
            except Compacted as ex:
                raise TransferError("history was compacted before all was read: try again") from ex
            names = ((item, item.key.removeprefix(prefix)) for item in page.items)
            yield [
                Record(name, item.value, item.revision, self._ttls.get(item.key))
                for item, name in names
                if name not in self._left_out
            ]
            more = page.more
            start = page.items[-1].key + "\0" if page.items else ""


class Checksum:
    """What a sequence of keys and values comes down to, whatever their revisions.

    Keys that expire are only named, in ``expiring``: nobody knows how long they will be there.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._digest = hashlib.sha256()
        self.keys = 0
        self.expiring: set[str] = set()

    def add(self, records: Iterable[Record]) -> None:
        """Take more keys, in order."""
        for record in records:
            if record.ttl is not None:
                self.expiring.add(record.name)
                continue
            self._digest.update(b"%d %d\0" % (len(record.name.encode()), len(record.value)))
            self._digest.update(record.name.encode())
            self._digest.update(record.value)
            self.keys += 1

    def __eq__(self, other: object) -> bool:
        """Tell whether the keys and values are the same."""
        if not isinstance(other, Checksum):
            return NotImplemented
        return (self.keys, self._digest.digest()) == (other.keys, other._digest.digest())

    __hash__ = None  # type: ignore[assignment]  # it changes as keys are added


async def refuse_unless_empty(backend: StorageBackend, prefix: str) -> None:
    """Raise TransferError if a store has keys below a prefix."""
    if (await backend.range(prefix, limit=1)).items:
        raise TransferError("the store to fill is not empty")


async def fill(
    backend: StorageBackend, prefix: str, source: Header, pages: AsyncIterator[Sequence[Record]], told: Told
) -> Checksum:
    """Write keys to a store that has none, and return their checksum.

    Raises TransferError for encrypted values that would get another key: they could not be decrypted there.
    """
    checksum = Checksum()
    moved = prefix != source.prefix
    async for page in pages:
        if moved and any(record.value.startswith(ENCRYPTED) for record in page):
            raise TransferError(
                f"encrypted values must stay below the prefix {source.prefix}: use the same --etcd-prefix"
            )
        for first in range(0, len(page), AT_ONCE):
            part = page[first : first + AT_ONCE]
            await asyncio.gather(*(_create(backend, prefix, record) for record in part))
            told(len(part))
        checksum.add(page)
    return checksum


async def _create(backend: StorageBackend, prefix: str, record: Record) -> None:
    ttl = None if record.ttl is None else max(record.ttl, SHORTEST_TTL)
    await backend.create(prefix + record.name, record.value, ttl=ttl)


async def confirm(backend: StorageBackend, prefix: str, expected: Checksum, told: Told) -> None:
    """Read everything back; raises TransferError if it is not what was written."""
    checksum = Checksum()
    contents = await Contents.of(backend, prefix, expected.expiring)
    async for page in contents.pages():
        checksum.add(page)
        told(len(page))
    if checksum != expected:
        raise TransferError(f"what is in the store is not what was written ({checksum.keys} of {expected.keys} keys)")


async def raise_revision(backend: StorageBackend, prefix: str, revision: int, told: Told) -> None:
    """Bring a store to a revision, at once or by writing a few keys again and again. Raises StorageError."""
    if isinstance(backend, Advancing):
        await backend.advance(revision)
        return
    climb = _Climb(backend, revision, await backend.current_revision(), told)
    await asyncio.gather(*(climb.lane(f"{prefix}kapi/climb/{number}") for number in range(LANES)))


class _Climb:
    """Raises a revision step by step."""

    def __init__(self, backend: StorageBackend, goal: int, reached: int, told: Told) -> None:
        self._backend = backend
        self._goal = goal
        self._reached = reached
        self._told = told

    async def lane(self, key: str) -> None:
        """Write a key until the goal is reached, then delete it."""
        if self._reached >= self._goal:
            return
        revision = await self._backend.create(key, b"{}")
        while self._reached < self._goal:
            revision = await self._backend.update(key, b"{}", revision)
            self._told(max(0, revision - self._reached))
            self._reached = max(self._reached, revision)
        await self._backend.delete(key, revision)


async def forget_history(backend: StorageBackend) -> None:
    """Compact a store that was filled: whoever knows revisions of the old one must read anew. Raises StorageError."""
    await backend.compact(await backend.current_revision())
