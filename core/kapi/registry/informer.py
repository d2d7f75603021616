"""Informers: shared views of what watch caches hold, with handlers and indexes."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import orjson

from kapi.contracts.client import Event, Handler, MetadataEvent, Object
from kapi.registry.delivery import Delivery, delivery_to, failed
from kapi.registry.store import Store
from kapi.storage.entry import Entry
from kapi.storage.events import CacheEvent

TOLD_AT_ONCE = 500
"""How many objects a new follower is told of before others have their turn."""

KeysOf = Callable[[Object], Iterable[str]]


class CacheInformer:
    """An informer on one watch cache. Objects are decoded on first use and shared."""

    def __init__(self, store: Store) -> None:
        """Take the store whose objects are shown."""
        self._store = store
        self._decoded: dict[str, tuple[int, Object]] = {}
        self._deliveries: list[Delivery] = []
        self._indexes: dict[KeysOf, CacheIndex] = {}
        store.cache.listen(self._changed)

    def shows(self, store: Store) -> bool:
        """Tell whether this informer is fed by the store's watch cache."""
        return self._store.cache is store.cache

    @property
    def version(self) -> int:
        """A number that grows with every change."""
        return self._store.cache.changed_at

    async def synced(self) -> None:
        """Return when everything written before the call is shown."""
        await self._store.cache.current()

    def get(self, name: str, namespace: str = "") -> Object | None:
        """Return an object, or None."""
        entry = self._store.cache.entries.get(self._store.key(namespace, name))
        return None if entry is None else self._object(entry)

    def list(self, namespace: str = "") -> Iterable[Object]:
        """Return the objects of a namespace, or of all."""
        return [self._object(entry) for entry in self._store.cache.scan(namespace)]

    def add_handler(self, handler: Handler, *, resync: float = 0.0) -> Callable[[], None]:
        """Tell ``handler`` of everything there is, of every change, and of everything again each ``resync`` seconds."""
        delivery = delivery_to(handler)
        for entry in self._store.cache.scan(""):
            delivery.tell(Event("ADDED", self._object(entry), None))
        self._deliveries.append(delivery)
        again = asyncio.get_running_loop().create_task(self._resync(delivery, resync)) if resync > 0 else None

        def stop() -> None:
            if delivery in self._deliveries:
                self._deliveries.remove(delivery)
            delivery.stop()
            if again is not None:
                again.cancel()

        return stop

    async def _resync(self, delivery: Delivery, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            for count, present in enumerate(self._store.cache.scan(""), 1):
                entry = self._store.cache.entries.get(present.key)
                if entry is not None:
                    obj = self._object(entry)
                    delivery.tell(Event("MODIFIED", obj, obj))
                if count % TOLD_AT_ONCE == 0:
                    await asyncio.sleep(0)

    async def follow_metadata(
        self, handler: Callable[[MetadataEvent], None], members: Sequence[str] = ()
    ) -> Callable[[], None]:
        """Tell ``handler`` of the metadata of everything there is, and of every change; nothing is kept."""
        await self.synced()
        cache, watch = self._store.cache, MetadataWatch(handler, members)
        stop = cache.listen(watch.changed)
        try:
            for count, present in enumerate(cache.scan(""), 1):
                entry = cache.entries.get(present.key)
                if entry is not None:
                    watch.added(entry)
                if count % TOLD_AT_ONCE == 0:
                    await asyncio.sleep(0)
        except BaseException:
            stop()
            raise
        return stop

    def index(self, keys_of: KeysOf) -> "CacheIndex":
        """Return the index by what ``keys_of`` says about each object; there is one for each function."""
        found = self._indexes.get(keys_of)
        if found is None:
            found = self._indexes[keys_of] = CacheIndex(keys_of)
            for entry in self._store.cache.scan(""):
                found.put(entry.key, self._object(entry))
        return found

    def find(self, uid: str) -> Object | None:
        """Return the object with this uid, or None."""
        wanted = b'"uid":' + orjson.dumps(uid)
        for entry in self._store.cache.entries.values():
            if wanted in entry.item and _metadata(entry).get("uid") == uid:
                return self._store.object(entry)
        return None

    def _object(self, entry: Entry) -> Object:
        found = self._decoded.get(entry.key)
        if found is not None and found[0] == entry.revision:
            return found[1]
        obj = self._store.object(entry)
        self._decoded[entry.key] = (entry.revision, obj)
        return obj

    def _changed(self, event: CacheEvent) -> None:
        known = self._forget(event)
        self._update_indexes(event)
        if not self._deliveries:
            return
        old = known if known is not None else (self._store.object(event.previous) if event.previous else None)
        told = self._event(event, old)
        for delivery in list(self._deliveries):
            delivery.tell(told)

    def _forget(self, event: CacheEvent) -> Object | None:
        """Drop the decoded state that a change replaces, and return it, if there is one."""
        if event.previous is None:
            return None
        known = self._decoded.pop(event.previous.key, None)
        return known[1] if known is not None and known[0] == event.previous.revision else None

    def _update_indexes(self, event: CacheEvent) -> None:
        for index in self._indexes.values():
            if event.entry is not None:
                index.put(event.entry.key, self._object(event.entry))
            elif event.previous is not None:
                index.drop(event.previous.key)

    def _event(self, event: CacheEvent, old: Object | None) -> Event:
        if event.entry is None:
            return Event("DELETED", old or {}, old)
        return Event("ADDED" if old is None else "MODIFIED", self._object(event.entry), old)


class CacheIndex:
    """Objects by keys that a function finds in them."""

    def __init__(self, keys_of: KeysOf) -> None:
        """Take the function; begin empty."""
        self._keys_of = keys_of
        self._objects: dict[str, dict[str, Object]] = {}
        self._keys: dict[str, tuple[str, ...]] = {}

    def get(self, key: str) -> list[Object]:
        """Return the objects that have a key."""
        return list(self._objects.get(key, {}).values())

    def keys(self) -> Iterable[str]:
        """Return all keys that some object has."""
        return list(self._objects)

    def put(self, storage_key: str, obj: Object) -> None:
        """Take a new state of an object."""
        self.drop(storage_key)
        keys = self._keys_in(obj)
        if keys:
            self._keys[storage_key] = keys
        for key in keys:
            self._objects.setdefault(key, {})[storage_key] = obj

    def drop(self, storage_key: str) -> None:
        """Forget an object."""
        for key in self._keys.pop(storage_key, ()):
            objects = self._objects[key]
            del objects[storage_key]
            if not objects:
                del self._objects[key]

    def _keys_in(self, obj: Object) -> tuple[str, ...]:
        """Ask the function, a plugin's: what it raises is logged, and the object has no keys."""
        try:
            return tuple(dict.fromkeys(self._keys_of(obj)))
        except Exception:
            failed(self._keys_of)
            return ()


class MetadataWatch:
    """Reads the metadata of changes for one handler. Most objects are passed over by a look at their bytes."""

    def __init__(self, handler: Callable[[MetadataEvent], None], members: Sequence[str]) -> None:
        """Take the handler and the members of metadata that make an object worth telling of (none: every object)."""
        self._handler = handler
        self._marks = [member.encode() for member in members] or [b""]

    def added(self, entry: Entry) -> None:
        """Tell of an object that is there."""
        if self._wanted(entry):
            self._tell(MetadataEvent("ADDED", _metadata(entry)))

    def changed(self, event: CacheEvent) -> None:
        """Tell of a change."""
        entry, previous = event.entry, event.previous
        if entry is None:
            if previous is not None:
                self._tell(MetadataEvent("DELETED", _metadata(previous)))
        elif previous is None:
            self.added(entry)
        elif self._wanted(entry) or self._wanted(previous):
            self._tell(MetadataEvent("MODIFIED", _metadata(entry)))

    def _tell(self, event: MetadataEvent) -> None:
        """Call the handler, a plugin's: what it raises is logged, and hurts nobody else."""
        try:
            self._handler(event)
        except Exception:
            failed(self._handler)

    def _wanted(self, entry: Entry) -> bool:
        """Tell whether an object may have one of the members: the name is somewhere in it."""
        item = entry.item
        for mark in self._marks:  # noqa: SIM110  # a generator would take as long as the search
            if mark in item:
                return True
        return False


def _metadata(entry: Entry) -> Object:
    """Return an object's metadata alone."""
    metadata: Object = orjson.loads(entry.item)["metadata"]
    return metadata
