"""The client for use inside the server."""

from collections.abc import Callable, Iterable

from kapi.contracts.authn import UserInfo
from kapi.contracts.client import Object, ServedResource
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
from kapi.registry.informer import CacheInformer
from kapi.registry.store import NoAdmission, Store, find_subresource
from kapi.registry.table import ResourceTable

SERVER = UserInfo("system:apiserver", groups=("system:masters",))


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
            self._forget_unserved()
            informer = self._informers[resource] = CacheInformer(store)
        return informer

    def _forget_unserved(self) -> None:
        """Let go of the informers of what is served no more."""
        table = self._table()
        for gvr in [gvr for gvr in self._informers if table.store(gvr) is None]:
            del self._informers[gvr]

    def resources(self) -> Iterable[ServedResource]:
        """Return all resources that are served, in discovery order."""
        return [
            ServedResource(
                resource.gvr,
                resource.kind.kind,
                resource.namespaced,
                resource.verbs,
                stored=resource.storage_kind in (None, resource.kind),
            )
            for resource in self._table().resources()
        ]
