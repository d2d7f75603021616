"""A store in memory with real kinds and a made-up group, and the garbage collector at work on it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from controller_runs import idle

from kapi.admission.chain import AdmissionChain
from kapi.contracts.resources import APIGroup, APIVersion, Resource
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
from kapi.meta.schema.tables import METAV1, Definitions
from kapi.registry.client import LocalClient
from kapi.registry.table import ResourceTable, build_table
from kapi.storage.feed import Feed
from kapi_apigroups.build import build_group
from kapi_controllers.garbage.controller import GarbageCollector
from kapi_storage.memory import MemoryBackend

Object = dict[str, Any]

CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
EVENTS = GroupVersionResource("", "v1", "events")
NAMESPACES = GroupVersionResource("", "v1", "namespaces")
PARTS = GroupVersionResource("example.com", "v1", "parts")
PLANTS = GroupVersionResource("example.com", "v1", "plants")
SHY = GroupVersionResource("example.com", "v1", "shies")
VERBS = ("create", "delete", "get", "list", "patch", "update")
PREFIX = "/registry/"
TURNS = 20_000

_META = {"allOf": [{"$ref": f"#/components/schemas/{METAV1}ObjectMeta"}]}
_MADE_UP = {
    "type": "object",
    "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": _META},
}


def _made_up(gvr: GroupVersionResource, kind: str, *more_verbs: str, namespaced: bool = True) -> Resource:
    definitions = Definitions.from_openapi({"components": {"schemas": {f"com.example.v1.{kind}": _MADE_UP}}})
    return Resource(
        gvr, GroupVersionKind("example.com", "v1", kind), kind.lower(), namespaced, VERBS + more_verbs,
        lambda: definitions.struct(f"com.example.v1.{kind}"), storage_prefix=f"example.com/{gvr.resource}",
    )  # fmt: skip


def third_party() -> APIGroup:
    """Parts live in namespaces, plants do not; the shy cannot be watched."""
    resources = (
        _made_up(PARTS, "Part", "watch"),
        _made_up(PLANTS, "Plant", "watch", namespaced=False),
        _made_up(SHY, "Shy"),
    )
    return APIGroup("example.com", (APIVersion("v1", resources),))


class World:
    """``client`` is the one inside; ``serve`` chooses which groups are served."""

    def __init__(self) -> None:
        self.backend = MemoryBackend()
        self.feed = Feed(self.backend, PREFIX)
        self.groups = [build_group("", {}), third_party()]
        self._whole = build_table(self.groups, self.backend, self.feed, PREFIX, AdmissionChain(()))
        self.table = self._whole
        self.client = LocalClient(lambda: self.table)
        self.collector = GarbageCollector(self.client)

    def serve(self, *names: str) -> None:
        groups = [group for group in self.groups if group.name in names]
        served = {r.gvr for group in groups for version in group.versions for r in version.resources}
        stores = {store.resource.gvr: store for store in self._whole.stores() if store.resource.gvr in served}
        self.table = ResourceTable(groups, stores)

    def serve_anew(self) -> None:
        """Serve the same groups from other watch caches, as after they have been taken away and brought back."""
        self.table = build_table(self.groups, self.backend, self.feed, PREFIX, AdmissionChain(()))

    async def make(
        self,
        name: str,
        *owners: Object,
        resource: GroupVersionResource = CONFIG_MAPS,
        namespace: str = "ns",
        finalizers: Sequence[str] = (),
    ) -> Object:
        namespace = "" if resource in (PLANTS, NAMESPACES) else namespace
        metadata = {"name": name, "ownerReferences": list(owners), "finalizers": list(finalizers)}
        return await self.client.create(resource, {"metadata": metadata}, namespace)

    def find(self, name: str, resource: GroupVersionResource = CONFIG_MAPS) -> Object | None:
        return self.client.informer(resource).get(name, "ns")

    async def delete(
        self, name: str, propagation: str = "Background", resource: GroupVersionResource = CONFIG_MAPS
    ) -> None:
        await self.client.delete(resource, name, "" if resource == PLANTS else "ns", propagation=propagation)

    async def own(self, name: str, reference: Object) -> None:
        """Give an object that is there one more owner."""

        def add(obj: Object) -> Object:
            obj["metadata"].setdefault("ownerReferences", []).append(reference)
            return obj

        await self.client.update(CONFIG_MAPS, name, add, "ns")

    def names(self, resource: GroupVersionResource = CONFIG_MAPS) -> list[str]:
        return [obj["metadata"]["name"] for obj in self.client.informer(resource).list()]

    async def finish(self, name: str, namespace: str = "ns") -> None:
        """Take all finalizers off an object, as the controllers behind them do."""

        def change(obj: Object) -> Object:
            obj["metadata"].pop("finalizers", None)
            return obj

        await self.client.update(CONFIG_MAPS, name, change, namespace)


def owner(obj: Object, *, block: bool = False, **changes: Any) -> Object:
    """Return a reference to an object."""
    reference = {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
    }
    return {**reference, **({"blockOwnerDeletion": True} if block else {}), **changes}


def owners(obj: Object | None) -> list[str]:
    assert obj is not None
    return [each["name"] for each in obj["metadata"].get("ownerReferences", ())]


async def until(condition: Callable[[], Any]) -> None:
    for _ in range(TURNS):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition did not come true")


@asynccontextmanager
async def world(*, collecting: bool = True) -> AsyncIterator[World]:
    it = World()
    await it.backend.start()
    await it.feed.start()
    for name in ("default", "ns", "other"):
        await it.make(name, resource=NAMESPACES)
    for resource in (CONFIG_MAPS, EVENTS, PARTS, PLANTS):
        await it.client.informer(resource).synced()
    task = asyncio.create_task(it.collector.run()) if collecting else None
    try:
        if task is not None:
            await idle(400)
        yield it
        if task is not None and task.done():
            task.result()
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await it.feed.stop()
        await it.backend.stop()


@asynccontextmanager
async def collecting(it: World) -> AsyncIterator[None]:
    """Let the collector work in a world that has been without it."""
    task = asyncio.create_task(it.collector.run())
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
