"""What is served now: an immutable table of resources and their stores, and how it is replaced."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce

from kapi.contracts.resources import APIGroup, APIVersion, Resource
from kapi.contracts.storage import StorageBackend
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
from kapi.registry.store import Admission, Store
from kapi.storage.entry import Codec
from kapi.storage.feed import Feed
from kapi.storage.watchcache import WatchCache

GRACE_SECONDS = 60.0
"""How long a cache that is replaced still follows the store, for the requests that have begun with it."""


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
        self.custom_groups = frozenset(resource.gvr.group for resource in self._resources.values() if resource.custom)

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


class ServedTable:
    """Holds the table of the moment, and makes the next one when groups are installed (a GroupInstaller).

    ``table`` is read once by each request. Nothing here waits: a table is replaced between two steps of the event loop.
    """

    def __init__(
        self,
        groups: Iterable[APIGroup],
        backend: StorageBackend,
        feed: Feed,
        prefix: str,
        admission: Admission,
        *,
        propagates: bool = True,
    ) -> None:
        """Take the groups that are always served, and what :func:`build_table` takes."""
        self._fixed = tuple(groups)
        self._installed: dict[str, tuple[APIGroup, ...]] = {}
        self._backend = backend
        self._feed = feed
        self._prefix = prefix
        self._admission = admission
        self._propagates = propagates
        self.table = self._build(self._fixed)

    def install(self, owner: str, groups: Sequence[APIGroup]) -> None:
        """Serve these groups beside the fixed ones, and no longer those that the owner installed before."""
        self._installed[owner] = tuple(groups)
        added = [group for installed in self._installed.values() for group in installed]
        wanted = add_groups(merge_groups(self._fixed), added)
        before = self.table
        self.table = self._build(wanted, before)
        self._let_go(before)

    def _build(self, groups: Iterable[APIGroup], before: ResourceTable | None = None) -> ResourceTable:
        return build_table(
            groups, self._backend, self._feed, self._prefix, self._admission, before, propagates=self._propagates
        )

    async def catch_up(self) -> None:
        """Return when everything has been seen that was written before the call, and what follows from it is served."""
        await self._feed.current()

    def _let_go(self, before: ResourceTable) -> None:
        """End the watches on caches that are in use no longer; requests under way may go on with them for a while."""
        kept = {store.cache for store in self.table.stores()}
        for cache in {store.cache for store in before.stores()} - kept:
            cache.end_watches()
            asyncio.get_running_loop().call_later(GRACE_SECONDS, cache.retire)


def merge_groups(groups: Iterable[APIGroup]) -> list[APIGroup]:
    """Return groups ordered by priority, then name; raises ResourceConflict where two have one name."""
    by_name: dict[str, APIGroup] = {}
    for group in groups:
        if group.name in by_name:
            raise ResourceConflict(f"API group {group.name!r} is registered more than once")
        by_name[group.name] = group
    return sorted(by_name.values(), key=_discovery_order)


def _discovery_order(group: APIGroup) -> tuple[int, str]:
    return -group.priority, group.name


def add_groups(groups: Sequence[APIGroup], added: Iterable[APIGroup]) -> list[APIGroup]:
    """Return groups together with others; what is there already wins over what is added."""
    return sorted(reduce(_add_group, added, {group.name: group for group in groups}).values(), key=_discovery_order)


def _add_group(groups: dict[str, APIGroup], added: APIGroup) -> dict[str, APIGroup]:
    present = groups.get(added.name)
    return {**groups, added.name: added if present is None else _joined(present, added)}


def _joined(present: APIGroup, added: APIGroup) -> APIGroup:
    versions = {version.version: version for version in present.versions}
    for version in added.versions:
        known = versions.get(version.version)
        resources = version.resources
        if known is not None:
            taken = {resource.gvr.resource for resource in known.resources}
            resources = (*known.resources, *(each for each in resources if each.gvr.resource not in taken))
        versions[version.version] = APIVersion(version.version, resources)
    return replace(present, versions=tuple(versions.values()))


def build_table(
    groups: Iterable[APIGroup],
    backend: StorageBackend,
    feed: Feed,
    prefix: str,
    admission: Admission,
    before: ResourceTable | None = None,
    *,
    propagates: bool = True,
) -> ResourceTable:
    """Make the stores of all groups. Resources with one storage prefix share a watch cache.

    ``prefix`` is the prefix of all keys, ending in a slash. Stores of ``before`` are taken over where all resources of
    a storage prefix are the same objects. ``propagates``: see :class:`Store`. Raises ResourceConflict.
    """
    ordered = merge_groups(groups)
    by_prefix: dict[str, list[Resource]] = {}
    seen: set[GroupVersionResource] = set()
    for resource in (each for group in ordered for version in group.versions for each in version.resources):
        if resource.gvr in seen:
            raise ResourceConflict(f"resource {resource.gvr} is registered twice")
        seen.add(resource.gvr)
        if resource.storage_prefix:
            by_prefix.setdefault(resource.storage_prefix, []).append(resource)
    sharers = _sharers(before)
    stores: dict[GroupVersionResource, Store] = {}
    for storage_prefix, shared in by_prefix.items():
        known = sharers.get(storage_prefix, [])
        if len(known) == len(shared) and all(store.resource is each for store, each in zip(known, shared, strict=True)):
            stores.update((store.resource.gvr, store) for store in known)
        else:
            cache = _cache(shared, backend, feed, prefix)
            stores.update((each.gvr, Store(each, cache, backend, admission, propagates=propagates)) for each in shared)
    return ResourceTable(ordered, stores)


def _sharers(table: ResourceTable | None) -> dict[str, list[Store]]:
    """Return the stores of a table by storage prefix."""
    found: dict[str, list[Store]] = {}
    for store in table.stores() if table is not None else ():
        found.setdefault(store.resource.storage_prefix, []).append(store)
    return found


def _cache(shared: Sequence[Resource], backend: StorageBackend, feed: Feed, prefix: str) -> WatchCache:
    """Return a watch cache for some versions of a resource."""
    first = shared[0]
    selectable = {path: extract for resource in shared for path, extract in resource.selectable_fields.items()}
    codec = Codec(first.storage_kind or first.kind, selectable, first.refresh)
    return WatchCache(backend, feed, f"{prefix}{first.storage_prefix}/", codec)
