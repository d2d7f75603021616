"""A storage backend whose values are encrypted in another one."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress

from kapi.contracts.storage import Change, Compacted, KeyValue, RangeResult, StorageBackend, WatchBatch
from kapi.storage.encryption import Encryption
from kapi.storage.unreadable import TransformError, UnreadableValue

log = logging.getLogger("kapi.storage")

PIECE = 256
"""How many values are decrypted before others get their turn."""


class EncryptedBackend(StorageBackend):
    """Encrypts what is written and decrypts what is read; all else is the other backend's.

    Reads raise UnreadableValue for a value that cannot be decrypted. A watch that meets one raises Compacted: it must
    neither skip a change nor be held up for ever, and whoever then reads anew learns what is wrong.
    """

    def __init__(
        self,
        backend: StorageBackend,
        encryption: Encryption,
        beside: Callable[[], Coroutine[None, None, None]] | None = None,
    ) -> None:
        """Take the backend that keeps the values, how they are encrypted there, and what to run while it is open."""
        self.capabilities = backend.capabilities
        self._backend = backend
        self._encryption = encryption
        self._beside = beside
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the backend."""
        await self._backend.start()
        if self._beside is not None:
            self._task = asyncio.create_task(self._beside(), name="kapi-encryption")

    async def stop(self) -> None:
        """Stop the backend."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._backend.stop()

    async def get(self, key: str) -> KeyValue | None:
        """Read one key."""
        found = await self._backend.get(key)
        return None if found is None else self._plain(found)

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> RangeResult:
        """Read a range."""
        page = await self._backend.range(prefix, start=start, limit=limit, revision=revision)
        items: list[KeyValue] = []
        while len(items) < len(page.items):
            if items:
                await asyncio.sleep(0)
            items += map(self._plain, page.items[len(items) : len(items) + PIECE])
        return page._replace(items=items)

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        """Create a key."""
        return await self._backend.create(key, self._stored(key, value), ttl=ttl)

    async def update(self, key: str, value: bytes, expected_revision: int, *, ttl: float | None = None) -> int:
        """Update a key."""
        return await self._backend.update(key, self._stored(key, value), expected_revision, ttl=ttl)

    async def delete(self, key: str, expected_revision: int) -> int:
        """Delete a key."""
        return await self._backend.delete(key, expected_revision)

    def watch(self, prefix: str, after_revision: int) -> AsyncIterator[WatchBatch]:
        """Watch a prefix."""
        return _PlainWatch(self._backend.watch(prefix, after_revision), self._encryption)

    def follow(self, prefix: str, after_revision: int) -> AsyncIterator[WatchBatch]:
        """Follow a prefix."""
        return _PlainWatch(self._backend.follow(prefix, after_revision), self._encryption)

    async def current_revision(self) -> int:
        """Return the current revision."""
        return await self._backend.current_revision()

    async def compact(self, revision: int) -> None:
        """Drop history."""
        await self._backend.compact(revision)

    async def ready(self) -> None:
        """Ask the backend whether it can serve."""
        await self._backend.ready()

    async def outdated(self, key: str) -> bool:
        """Tell whether the value of a key was not written with the key and provider that would write it now."""
        found = await self._backend.get(key)
        return found is not None and self._decrypted(found)[1]

    def _stored(self, key: str, value: bytes) -> bytes:
        return self._encryption.of(key).to_storage(value, key)

    def _plain(self, found: KeyValue) -> KeyValue:
        return KeyValue(found.key, self._decrypted(found)[0], found.revision)

    def _decrypted(self, found: KeyValue) -> tuple[bytes, bool]:
        try:
            return self._encryption.of(found.key).from_storage(found.value, found.key)
        except TransformError as problem:
            raise UnreadableValue(found.key, str(problem)) from None


class _PlainWatch(AsyncIterator[WatchBatch]):
    """Decrypts the batches of a watch."""

    def __init__(self, watch: AsyncIterator[WatchBatch], encryption: Encryption) -> None:
        self._watch = watch
        self._encryption = encryption

    async def __anext__(self) -> WatchBatch:
        """Return the next batch; raises what the watch raises, and Compacted."""
        batch = await self._watch.__anext__()
        return WatchBatch([*map(self._plain, batch.changes)], batch.revision) if batch.changes else batch

    async def aclose(self) -> None:
        """End the watch."""
        close = getattr(self._watch, "aclose", None)
        if close is not None:
            await close()

    def _plain(self, change: Change) -> Change:
        revision, key, value, previous, previous_revision = change
        transformer = self._encryption.of(key)
        if value is not None:
            try:
                value = transformer.from_storage(value, key)[0]
            except TransformError as problem:
                log.error("%s", UnreadableValue(key, str(problem)))
                raise Compacted(revision) from None
        if previous is not None:
            with suppress(TransformError):  # written with a key that is gone: the present is what counts
                previous = transformer.from_storage(previous, key)[0]
        return Change(revision, key, value, previous, previous_revision)
