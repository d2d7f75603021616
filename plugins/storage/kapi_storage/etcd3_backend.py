"""The backend for an etcd cluster. What is needed to speak to one is loaded when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kapi.contracts.storage import Capabilities, KeyValue, RangeResult, StorageBackend, StorageError, Unavailable
from kapi_storage.etcd3_servers import Server
from kapi_storage.keyspace import check_entry, check_key
from kapi_storage.upkeep import Upkeep

if TYPE_CHECKING:
    from kapi_storage.etcd3_store import Store
    from kapi_storage.etcd3_watch import Watch

PROGRESS_INTERVAL = 1.0


@dataclass(frozen=True)
class Etcd3Settings:
    """Where the cluster is, and how to use it; times in seconds."""

    servers: tuple[Server, ...]
    cafile: Path | None = None
    certfile: Path | None = None
    keyfile: Path | None = None
    compaction_interval: float = 300.0
    request_timeout: float = 5.0
    healthcheck_timeout: float = 2.0
    readycheck_timeout: float = 2.0
    lease_reuse: float = 60.0


class Etcd3Backend(StorageBackend):
    """Keeps keys and values as they come in an etcd cluster, which other processes may use as well."""

    capabilities = Capabilities(multi_process=True)

    def __init__(self, settings: Etcd3Settings) -> None:
        """Take the settings."""
        self._settings = settings
        self._store: Store | None = None
        self._upkeep = Upkeep()

    async def start(self) -> None:
        """Connect. Raises Unavailable when no server answers in time, or a file of the settings cannot be used."""
        try:
            from kapi_storage.etcd3_compaction import Compaction
            from kapi_storage.etcd3_store import Store
        except ModuleNotFoundError as error:
            raise StorageError(
                f"etcd needs a package that is not installed: pip install kapi[etcd3] ({error})"
            ) from error

        store = Store.connect(self._settings)
        try:
            await store.wait()
        except BaseException:
            await store.close()
            raise
        self._store = store
        self._upkeep.every(PROGRESS_INTERVAL, store.announce, "kapi-etcd3-progress")
        if self._settings.compaction_interval > 0:
            compaction = Compaction(store.client)
            self._upkeep.every(self._settings.compaction_interval, compaction.step, "kapi-etcd3-compaction")

    async def stop(self) -> None:
        """End all watches, finish accepted writes, close the connections."""
        store, self._store = self._store, None
        await self._upkeep.stop()
        if store is not None:
            await store.close()

    async def ready(self) -> None:
        """Return when a majority of the servers answers, and the one in use reports no alarm."""
        settings = self._settings
        await self._opened().check(settings.healthcheck_timeout, settings.readycheck_timeout)

    async def get(self, key: str) -> KeyValue | None:
        """Return the current value of a key."""
        return await self._opened().get(key)

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> RangeResult:
        """Return a page of keys."""
        return await self._opened().range(prefix, start, limit, revision)

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        """Store a value under a new key."""
        check_entry(key, value)
        return await self._opened().create(key, value, ttl)

    async def update(self, key: str, value: bytes, expected_revision: int, *, ttl: float | None = None) -> int:
        """Replace the value of a key."""
        check_entry(key, value)
        return await self._opened().update(key, value, expected_revision, ttl)

    async def delete(self, key: str, expected_revision: int) -> int:
        """Delete a key."""
        check_key(key)
        return await self._opened().delete(key, expected_revision)

    def watch(self, prefix: str, after_revision: int) -> "Watch":
        """Return the changes under a prefix."""
        return self._opened().watch(prefix, after_revision, previous=True)

    def follow(self, prefix: str, after_revision: int) -> "Watch":
        """Return the changes under a prefix, without what was before: etcd would read that for each of them."""
        return self._opened().watch(prefix, after_revision, previous=False)

    async def current_revision(self) -> int:
        """Return the revision of the last change of any key in the cluster."""
        return await self._opened().revision()

    async def compact(self, revision: int) -> None:
        """Forget history older than a revision."""
        await self._opened().client.compact(revision)

    async def expiries(self, prefix: str) -> Mapping[str, float]:
        """Return the seconds that keys have left."""
        return await self._opened().expiries(prefix)

    def _opened(self) -> "Store":
        if self._store is None:
            raise Unavailable("the store is not open")
        return self._store
