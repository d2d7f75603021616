"""What is served now: an immutable table of resources and their stores."""

from collections.abc import Iterable, Mapping, Sequence

from kapi.contracts.resources import APIGroup, Resource
from kapi.contracts.storage import StorageBackend
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
from kapi.registry.store import Admission, Store
from kapi.storage.entry import Codec
from kapi.storage.feed import Feed
from kapi.storage.watchcache import WatchCache


class ResourceConflict(Exception):
    """Two plugins claim the same resource."""


class ResourceTable:
    """Looks resources up by group, version and plural. Replaced as a whole when something is added or removed."""

    def __init__(self, groups: Iterable[APIGroup], stores: Mapping[GroupVersionResource, Store]) -> None:
        """Take the groups in discovery order and the stores of all stored resources."""
        self.groups = tuple(groups)
        self.group_names = frozenset(group.name for group in self.groups)
        self._stores = dict(stores)
        self._resources = {
            resource.gvr: resource
            for group in self.groups
            for version in group.versions
            for resource in version.resources
        }
        self.kinds: frozenset[GroupVersionKind] = frozenset(
            kind
            for resource in self._resources.values()
            for kind in (resource.kind, *(sub.kind for sub in resource.subresources))
        ).union(kind for group in self.groups for kind in group.unserved)

    def resource(self, gvr: GroupVersionResource) -> Resource | None:
        """Return a served resource, or None."""
        return self._resources.get(gvr)

    def store(self, gvr: GroupVersionResource) -> Store | None:
        """Return the store of a resource; None when it is not served or not stored."""
        return self._stores.get(gvr)

    def resources(self) -> Iterable[Resource]:
        """Return all resources in discovery order."""
        return self._resources.values()

    def stores(self) -> Iterable[Store]:
        """Return all stores."""
        return self._stores.values()


def merge_groups(groups: Iterable[APIGroup]) -> list[APIGroup]:
    """Join contributions to the same group, ordered by priority, then name; raises ResourceConflict."""
    by_name: dict[str, list[APIGroup]] = {}
    for group in groups:
        by_name.setdefault(group.name, []).append(group)
    merged = [parts[0] if len(parts) == 1 else _join(parts) for parts in by_name.values()]
    return sorted(merged, key=lambda group: (-group.priority, group.name))


def _join(parts: list[APIGroup]) -> APIGroup:
    raise ResourceConflict(f"API group {parts[0].name!r} is registered {len(parts)} times")


def build_table(
    groups: Iterable[APIGroup], backend: StorageBackend, feed: Feed, prefix: str, admission: Admission
) -> ResourceTable:
    """Make the stores of all groups. Resources with one storage prefix share a watch cache.

    ``prefix`` is the prefix of all keys, ending in a slash.
    """
    ordered = merge_groups(groups)
    resources = [r for group in ordered for version in group.versions for r in version.resources]
    caches: dict[str, WatchCache] = {}
    stores: dict[GroupVersionResource, Store] = {}
    for resource in resources:
        if resource.gvr in stores:
            raise ResourceConflict(f"resource {resource.gvr} is registered twice")
        if resource.storage_prefix:
            shared = [other for other in resources if other.storage_prefix == resource.storage_prefix]
            cache = _cache(shared, caches, backend, feed, prefix)
            stores[resource.gvr] = Store(resource, cache, backend, admission)
    return ResourceTable(ordered, stores)


def _cache(
    shared: Sequence[Resource], caches: dict[str, WatchCache], backend: StorageBackend, feed: Feed, prefix: str
) -> WatchCache:
    """Return the watch cache that some versions of a resource share."""
    first = shared[0]
    found = caches.get(first.storage_prefix)
    if found is None:
        selectable = {path: extract for resource in shared for path, extract in resource.selectable_fields.items()}
        codec = Codec(first.storage_kind or first.kind, selectable)
        found = WatchCache(backend, feed, f"{prefix}{first.storage_prefix}/", codec)
        caches[first.storage_prefix] = found
    return found
