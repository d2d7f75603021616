"""The client for use inside the server, and the informers that feed on the watch caches."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import orjson

from kapi.contracts.authn import UserInfo
from kapi.contracts.client import Event, MetadataEvent, Object, ServedResource
from kapi.contracts.resources import RequestContext
from kapi.meta.apply.managed import track_update
from kapi.meta.errors import unknown_path
from kapi.meta.fields import parse_field_selector
from kapi.meta.gvk import GroupVersionResource
from kapi.meta.labels import parse_label_selector
from kapi.meta.options import DeleteOptions
from kapi.meta.schema.decode import decode_value
from kapi.meta.schema.defaulting import apply_defaults
from kapi.meta.times import now
from kapi.registry.deletion import delete
from kapi.registry.store import NoAdmission, Store, find_subresource
from kapi.registry.table import ResourceTable
from kapi.storage.entry import Entry
from kapi.storage.watchcache import CacheEvent

TOLD_AT_ONCE = 500
"""How many objects a new follower is told of before others have their turn."""

SERVER = UserInfo("system:apiserver", groups=("system:masters",))


class CacheInformer:
    """An informer on one watch cache. Objects are decoded on first use and shared."""

    def __init__(self, store: Store) -> None:
        """Take the store whose objects are shown."""
        self._store = store
        self._decoded: dict[str, tuple[int, Object]] = {}
        self._handlers: list[Callable[[Event], None]] = []
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

    def add_handler(self, handler: Callable[[Event], None]) -> Callable[[], None]:
        """Tell ``handler`` of everything there is, and of every change."""
        for entry in self._store.cache.scan(""):
            handler(Event("ADDED", self._object(entry), None))
        self._handlers.append(handler)
        return lambda: self._handlers.remove(handler)

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
        if event.entry is None and event.previous is not None:
            known = self._decoded.pop(event.previous.key, None)
        else:
            known = None
        if not self._handlers:
            return
        old = known[1] if known else (self._store.object(event.previous) if event.previous else None)
        told = self._event(event, old)
        for handler in list(self._handlers):
            handler(told)

    def _event(self, event: CacheEvent, old: Object | None) -> Event:
        if event.entry is None:
            return Event("DELETED", old or {}, old)
        return Event("ADDED" if old is None else "MODIFIED", self._object(event.entry), old)


class MetadataWatch:
    """Reads the metadata of changes for one handler. Most objects are passed over by a look at their bytes."""

    def __init__(self, handler: Callable[[MetadataEvent], None], members: Sequence[str]) -> None:
        """Take the handler and the members of metadata that make an object worth telling of (none: every object)."""
        self._handler = handler
        self._marks = [member.encode() for member in members] or [b""]

    def added(self, entry: Entry) -> None:
        """Tell of an object that is there."""
        if self._wanted(entry):
            self._handler(MetadataEvent("ADDED", _metadata(entry)))

    def changed(self, event: CacheEvent) -> None:
        """Tell of a change."""
        entry, previous = event.entry, event.previous
        if entry is None:
            if previous is not None:
                self._handler(MetadataEvent("DELETED", _metadata(previous)))
        elif previous is None:
            self.added(entry)
        elif self._wanted(entry) or self._wanted(previous):
            self._handler(MetadataEvent("MODIFIED", _metadata(entry)))

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


class LocalClient:
    """Implements :class:`kapi.contracts.client.ObjectClient` on the stores of this server."""

    def __init__(self, table: Callable[[], ResourceTable]) -> None:
        """Take a function that returns what is served now."""
        self._table = table
        self._informers: dict[GroupVersionResource, CacheInformer] = {}

    def _store(self, resource: GroupVersionResource) -> Store:
        store = self._table().store(resource)
        if store is None:
            raise unknown_path()
        return store.with_admission(NoAdmission())

    def _context(self, verb: str, namespace: str, name: str, subresource: str = "") -> RequestContext:
        return RequestContext(SERVER, verb, namespace, name, subresource, False, self)

    async def get(self, resource: GroupVersionResource, name: str, namespace: str = "") -> Object:
        """Return the current object; raises not_found."""
        store = self._store(resource)
        return store.object(await store.live(namespace, name))

    async def list(
        self,
        resource: GroupVersionResource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> list[Object]:
        """Return the current objects of a namespace, or of all."""
        store = self._store(resource)
        labels, fields = parse_label_selector(label_selector), parse_field_selector(field_selector)
        await store.cache.current()
        return [
            store.object(entry)
            for entry in store.cache.scan(namespace)
            if labels.matches(entry.labels) and fields.matches(entry.fields)
        ]

    async def create(
        self, resource: GroupVersionResource, obj: Object, namespace: str = "", *, subresource: str = ""
    ) -> Object:
        """Create an object and return it as stored; raises already_exists."""
        store = self._store(resource)
        name = obj.get("metadata", {}).get("name", "")
        ctx = self._context("create", namespace, name, subresource)
        if subresource:
            found = find_subresource(store.resource, subresource)
            create = getattr(found.handler, "create", None) if found is not None else None
            if create is None:
                raise unknown_path()
            result: Object = await create(ctx, obj)
            return result
        new = self._settled(store, obj)
        if namespace:
            new.setdefault("metadata", {})["namespace"] = namespace
        return (await store.create(ctx, new)).object

    def _settled(self, store: Store, obj: Object) -> Object:
        """Return an object in normal form with its defaults, as if it had come over the wire."""
        kind, struct = store.resource.kind, store.resource.schema()
        new = decode_value({**obj, "kind": kind.kind, "apiVersion": kind.api_version}, struct).object
        apply_defaults(struct, new)
        store.resource.strategy.default(new)
        return new

    async def update(
        self,
        resource: GroupVersionResource,
        name: str,
        change: Callable[[Object], Object | None],
        namespace: str = "",
        *,
        subresource: str = "",
        field_manager: str = "",
    ) -> Object:
        """Read, change, write, and again if another was faster."""
        store = self._store(resource)
        ctx = self._context("update", namespace, name, subresource)
        strategy = None
        if subresource:
            found = find_subresource(store.resource, subresource)
            if found is None or found.strategy is None:
                raise unknown_path()
            strategy = found.strategy

        def transform(live: Object) -> Object:
            new = change(live)
            return live if new is None else self._settled(store, new)

        def track(live: Object | None, new: Object) -> None:
            if field_manager:
                kind = store.resource.kind
                track_update(
                    live,
                    new,
                    struct=store.resource.schema(),
                    manager=field_manager,
                    api_version=kind.api_version,
                    subresource=subresource,
                    now=now(),
                )

        return (await store.update(ctx, transform, track, strategy=strategy)).object

    async def delete(
        self,
        resource: GroupVersionResource,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        propagation: str = "Background",
        grace_seconds: int | None = None,
        resource_version: str = "",
    ) -> None:
        """Delete an object; ``uid`` and ``resource_version`` are preconditions."""
        options = DeleteOptions(
            uid=uid or None,
            resource_version=resource_version or None,
            propagation_policy=propagation or None,
            grace_period_seconds=grace_seconds,
        )
        await delete(self._store(resource), self._context("delete", namespace, name), options)

    def informer(self, resource: GroupVersionResource) -> CacheInformer:
        """Return the shared informer of a resource, started on first use; another one when it was taken away and is
        served anew. Raises not_found when it is not served."""
        store = self._table().store(resource)
        if store is None:
            raise unknown_path()
        informer = self._informers.get(resource)
        if informer is None or not informer.shows(store):
            informer = self._informers[resource] = CacheInformer(store)
        return informer

    def resources(self) -> Iterable[ServedResource]:
        """Return all resources that are served, in discovery order."""
        return [
            ServedResource(resource.gvr, resource.kind.kind, resource.namespaced, resource.verbs)
            for resource in self._table().resources()
        ]
