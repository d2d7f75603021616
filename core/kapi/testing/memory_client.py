"""An :class:`kapi.contracts.client.ObjectClient` over plain dicts, for unit tests of plugins.

It knows no schemas and no rules: it stores what it is given, adds uid and creationTimestamp, and counts
resourceVersions.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy

from kapi.contracts.client import Event, Handler, MetadataEvent, Object, ServedResource
from kapi.meta.errors import already_exists, not_found
from kapi.meta.gvk import GroupVersionResource
from kapi.registry.delivery import Delivery, delivery_to
from kapi.registry.informer import CacheIndex

_Key = tuple[str, str]


class MemoryInformer:
    """The view of one resource; also holds it."""

    def __init__(self) -> None:
        """Begin empty."""
        self.objects: dict[_Key, Object] = {}
        self.version = 0
        self._deliveries: list[Delivery] = []

    async def synced(self) -> None:
        """Return at once: the view is the store."""

    def get(self, name: str, namespace: str = "") -> Object | None:
        """Return an object, or None."""
        return self.objects.get((namespace, name))

    def list(self, namespace: str = "") -> Iterable[Object]:
        """Return the objects of a namespace, or of all, in order of their names."""
        return [obj for (own, _), obj in sorted(self.objects.items()) if namespace in ("", own)]

    def add_handler(self, handler: Handler, *, resync: float = 0.0) -> Callable[[], None]:
        """Tell ``handler`` of every object there is and of every change; returns how to stop it. There is no resync."""
        delivery = delivery_to(handler)
        for obj in list(self.objects.values()):
            delivery.tell(Event("ADDED", obj, None))
        self._deliveries.append(delivery)

        def stop() -> None:
            self._deliveries.remove(delivery)
            delivery.stop()

        return stop

    def index(self, keys_of: Callable[[Object], Iterable[str]]) -> CacheIndex:
        """Return an index of what is there now."""
        made = CacheIndex(keys_of)
        for (namespace, name), obj in self.objects.items():
            made.put(f"{namespace}/{name}", obj)
        return made

    async def follow_metadata(
        self, handler: Callable[[MetadataEvent], None], members: Sequence[str] = ()
    ) -> Callable[[], None]:
        """Call ``handler`` with the metadata of every object there is, and of every change."""
        return self.add_handler(lambda event: handler(MetadataEvent(event.type, event.object["metadata"])))

    def find(self, uid: str) -> Object | None:
        """Return the object with this uid, or None."""
        return next((obj for obj in self.objects.values() if obj["metadata"]["uid"] == uid), None)

    def put(self, obj: Object) -> None:
        """Store an object, new or changed."""
        key = _key(obj)
        old = self.objects.get(key)
        self._count(obj)
        self.objects[key] = obj
        self._tell(Event("ADDED" if old is None else "MODIFIED", obj, old))

    def remove(self, name: str, namespace: str) -> Object | None:
        """Remove an object and return it; None if there was none."""
        old = self.objects.pop((namespace, name), None)
        if old is not None:
            self.version += 1
            self._tell(Event("DELETED", old, old))
        return old

    def _count(self, obj: Object) -> None:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)

    def _tell(self, event: Event) -> None:
        for delivery in list(self._deliveries):
            delivery.tell(event)


class MemoryClient:
    """Reads and writes objects in memory. ``lagging`` resources have informers that see nothing."""

    def __init__(self, *, lagging: Iterable[GroupVersionResource] = ()) -> None:
        """Begin empty."""
        self._resources: dict[GroupVersionResource, MemoryInformer] = {}
        self._lagging = frozenset(lagging)
        self._uids = 0

    def _of(self, resource: GroupVersionResource) -> MemoryInformer:
        return self._resources.setdefault(resource, MemoryInformer())

    async def get(self, resource: GroupVersionResource, name: str, namespace: str = "") -> Object:
        """Return a copy of an object; raises not_found."""
        found = self._of(resource).get(name, namespace)
        if found is None:
            raise not_found(resource.group_resource, name)
        return deepcopy(found)

    async def list(
        self,
        resource: GroupVersionResource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> list[Object]:
        """Return copies of the objects of a namespace, or of all. Only label selectors are looked at."""
        from kapi.meta.labels import parse_label_selector

        chosen = parse_label_selector(label_selector)
        found = self._of(resource).list(namespace)
        return [deepcopy(obj) for obj in found if chosen.matches(obj["metadata"].get("labels") or {})]

    async def create(
        self, resource: GroupVersionResource, obj: Object, namespace: str = "", *, subresource: str = ""
    ) -> Object:
        """Store a new object; raises already_exists."""
        new = deepcopy(obj)
        metadata = new.setdefault("metadata", {})
        if namespace:
            metadata["namespace"] = namespace
        if self._of(resource).get(metadata["name"], namespace) is not None:
            raise already_exists(resource.group_resource, metadata["name"])
        self._uids += 1
        metadata.setdefault("uid", f"uid-{self._uids}")
        metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        self._of(resource).put(new)
        return deepcopy(new)

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
        """Store what ``change`` makes of an object; raises not_found."""
        new = change(await self.get(resource, name, namespace))
        if new is not None:
            self._of(resource).put(new)
        return await self.get(resource, name, namespace)

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
        """Remove an object; raises not_found."""
        if self._of(resource).remove(name, namespace) is None:
            raise not_found(resource.group_resource, name)

    def informer(self, resource: GroupVersionResource) -> MemoryInformer:
        """Return the informer of a resource."""
        return MemoryInformer() if resource in self._lagging else self._of(resource)

    def resources(self) -> Iterator[ServedResource]:
        """Yield the resources that have been used."""
        for resource in self._resources:
            yield ServedResource(resource, "", True, ("get", "list", "create", "update", "delete"))


def _key(obj: Object) -> _Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
