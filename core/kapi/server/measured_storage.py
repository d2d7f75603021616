"""A storage backend that measures another one."""

from collections.abc import AsyncIterator
from time import perf_counter

from kapi.contracts.storage import KeyValue, RangeResult, StorageBackend, WatchBatch
from kapi.server.metrics import Histogram


class MeasuredBackend(StorageBackend):
    """Passes everything on, and counts how long reads and writes take by operation and resource."""

    def __init__(self, backend: StorageBackend, latency: Histogram, prefix: str) -> None:
        """Take the backend, the histogram (operation, group, resource) and the prefix of all keys."""
        self.capabilities = backend.capabilities
        self._backend = backend
        self._latency = latency
        self._prefix = prefix.rstrip("/") + "/"

    async def start(self) -> None:
        """Start the backend."""
        await self._backend.start()

    async def stop(self) -> None:
        """Stop the backend."""
        await self._backend.stop()

    async def get(self, key: str) -> KeyValue | None:
        """Read one key."""
        began = perf_counter()
        try:
            return await self._backend.get(key)
        finally:
            self._record("get", key, began)

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> RangeResult:
        """Read a range."""
        began = perf_counter()
        try:
            return await self._backend.range(prefix, start=start, limit=limit, revision=revision)
        finally:
            self._record("list", prefix, began)

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        """Create a key."""
        began = perf_counter()
        try:
            return await self._backend.create(key, value, ttl=ttl)
        finally:
            self._record("create", key, began)

    async def update(self, key: str, value: bytes, expected_revision: int, *, ttl: float | None = None) -> int:
        """Update a key."""
        began = perf_counter()
        try:
            return await self._backend.update(key, value, expected_revision, ttl=ttl)
        finally:
            self._record("update", key, began)

    async def delete(self, key: str, expected_revision: int) -> int:
        """Delete a key."""
        began = perf_counter()
        try:
            return await self._backend.delete(key, expected_revision)
        finally:
            self._record("delete", key, began)

    def watch(self, prefix: str, after_revision: int) -> AsyncIterator[WatchBatch]:
        """Watch a prefix."""
        return self._backend.watch(prefix, after_revision)

    def follow(self, prefix: str, after_revision: int) -> AsyncIterator[WatchBatch]:
        """Follow a prefix."""
        return self._backend.follow(prefix, after_revision)

    async def current_revision(self) -> int:
        """Return the current revision."""
        return await self._backend.current_revision()

    async def compact(self, revision: int) -> None:
        """Drop history."""
        await self._backend.compact(revision)

    async def ready(self) -> None:
        """Ask the backend whether it can serve."""
        await self._backend.ready()

    def _record(self, operation: str, key: str, began: float) -> None:
        """Count one operation; the first part of a key names the resource, or the group of a custom one.

        Keys outside the prefix are the server's own.
        """
        inside = key.startswith(self._prefix)
        first, _, rest = key[len(self._prefix) :].partition("/") if inside else ("kapi", "", "")
        labels = (operation, first, rest.partition("/")[0]) if "." in first else (operation, "", first)
        self._latency.observe(labels, perf_counter() - began)
