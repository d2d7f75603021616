from typing import Any

import pytest
from controller_runs import eventually, idle, running

from kapi.contracts.client import Object
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from kapi.testing.memory_client import MemoryClient, MemoryInformer
from kapi_controllers.namespace import FINALIZER, NAMESPACES, NODES, PODS, NamespaceController

CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
DEPLOYMENTS = GroupVersionResource("apps", "v1", "deployments")
GONE = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def namespace(name: str = "ns", *finalizers: str, **metadata: Any) -> Object:
    return {"metadata": {"name": name, **metadata}, "spec": {"finalizers": list(finalizers or (FINALIZER,))}}


def named(name: str, **members: Any) -> Object:
    return {"metadata": {"name": name}, **members}


class Recorder(MemoryClient):
    """Notes deletions; objects named ``stuck`` stay."""

    def __init__(self) -> None:
        super().__init__()
        self.deleted: list[tuple[str, str, int | None]] = []

    async def delete(
        self,
        resource: GroupVersionResource,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        propagation: str = "Background",
        grace_seconds: int | None = None,
    ) -> None:
        assert uid == (await self.get(resource, name, namespace))["metadata"]["uid"]
        self.deleted.append((resource.resource, name, grace_seconds))
        if name != "stuck":
            await super().delete(resource, name, namespace)


async def filled(*objects: tuple[GroupVersionResource, Object], **metadata: Any) -> Recorder:
    client = Recorder()
    await client.create(NAMESPACES, namespace(**{**GONE, **metadata}))
    for resource, obj in objects:
        await client.create(resource, obj, "ns")
        await client.create(resource, named("bystander"), "other")
    return client


async def finalizers(client: MemoryClient, name: str = "ns") -> list[str]:
    found: list[str] = (await client.get(NAMESPACES, name))["spec"]["finalizers"]
    return found


async def test_a_deleted_namespace_is_emptied_and_let_go_pods_first() -> None:
    client = await filled((CONFIG_MAPS, named("c")), (PODS, named("p")), (DEPLOYMENTS, named("d")))
    assert await NamespaceController(client).reconcile("ns")
    assert [name for _, name, _ in client.deleted] == ["p", "c", "d"]
    assert await finalizers(client) == []
    assert [one["metadata"]["name"] for one in await client.list(CONFIG_MAPS)] == ["bystander"]


@pytest.mark.parametrize(("node", "grace"), [("", 0), ("gone", 0), ("here", None)])
async def test_pods_that_nobody_runs_get_no_grace(node: str, grace: int | None) -> None:
    client = await filled((PODS, named("p", spec={"nodeName": node})))
    await client.create(NODES, named("here"))
    await NamespaceController(client).reconcile("ns")
    assert client.deleted == [("pods", "p", grace)]


async def test_the_nodes_are_known_before_pods_are_taken_for_abandoned() -> None:
    class Unfilled(Recorder):
        """Its informers show nothing until they are synced."""

        def __init__(self) -> None:
            super().__init__()
            self.filled: set[GroupVersionResource] = set()

        def informer(self, resource: GroupVersionResource) -> Any:
            shown = super().informer(resource) if resource in self.filled else MemoryInformer()
            filled = self.filled

            class Filling(MemoryInformer):
                async def synced(self) -> None:
                    filled.add(resource)

            filling = Filling()
            filling.objects = shown.objects
            return filling

    client = Unfilled()
    client.filled.add(NAMESPACES)
    await client.create(NAMESPACES, namespace(**GONE))
    await client.create(PODS, named("p", spec={"nodeName": "here"}), "ns")
    await client.create(NODES, named("here"))
    await NamespaceController(client).reconcile("ns")
    assert client.deleted == [("pods", "p", None)]


async def test_other_finalizers_of_a_namespace_are_kept() -> None:
    client = Recorder()
    await client.create(NAMESPACES, namespace("ns", "example.com/x", FINALIZER, **GONE))
    assert await NamespaceController(client).reconcile("ns")
    assert await finalizers(client) == ["example.com/x"]


async def test_what_remains_is_reported_and_looked_at_again() -> None:
    held = {"metadata": {"name": "stuck", "finalizers": ["example.com/x"]}}
    client = await filled((DEPLOYMENTS, held), (CONFIG_MAPS, named("c")))
    controller = NamespaceController(client)
    assert not await controller.reconcile("ns")
    found = await client.get(NAMESPACES, "ns")
    shown = [(one["type"], one["status"], one["reason"], one["message"]) for one in found["status"]["conditions"]]
    assert shown == [
        (
            "NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure", "False", "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        (
            "NamespaceContentRemaining", "True", "SomeResourcesRemain",
            "Some resources are remaining: deployments.apps has 1 resource instances",
        ),
        (
            "NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: example.com/x in 1 resource instances",
        ),
    ]  # fmt: skip
    assert found["spec"]["finalizers"] == [FINALIZER]
    assert not await controller.reconcile("ns")
    version = (await client.get(NAMESPACES, "ns"))["metadata"]["resourceVersion"]
    assert version == found["metadata"]["resourceVersion"], "the same report is not written twice"
    await MemoryClient.delete(client, DEPLOYMENTS, "stuck", "ns")
    assert await controller.reconcile("ns")
    assert await finalizers(client) == []
    done = (await client.get(NAMESPACES, "ns"))["status"]["conditions"]
    assert [one["status"] for one in done] == ["False"] * 5


async def test_an_empty_namespace_says_that_all_is_well_before_it_goes() -> None:
    client = await filled()
    assert await NamespaceController(client).reconcile("ns")
    conditions = (await client.get(NAMESPACES, "ns"))["status"]["conditions"]
    assert [one["status"] for one in conditions] == ["False"] * 5
    assert all(one["lastTransitionTime"] for one in conditions)


async def test_resources_of_the_core_group_end_in_a_dot() -> None:
    client = await filled((PODS, named("stuck")))
    await NamespaceController(client).reconcile("ns")
    conditions = (await client.get(NAMESPACES, "ns"))["status"]["conditions"]
    assert conditions[3]["message"] == "Some resources are remaining: pods. has 1 resource instances"


async def test_while_pods_remain_nothing_else_is_deleted() -> None:
    client = await filled((CONFIG_MAPS, named("c")), (PODS, named("stuck")))
    assert not await NamespaceController(client).reconcile("ns")
    assert [name for _, name, _ in client.deleted] == ["stuck"]


async def test_objects_that_are_going_already_are_waited_for() -> None:
    client = await filled((CONFIG_MAPS, {"metadata": {"name": "c", **GONE}}))
    assert not await NamespaceController(client).reconcile("ns")
    assert client.deleted == []


async def test_a_refused_deletion_does_not_stop_the_others() -> None:
    class Refusing(Recorder):
        async def delete(self, resource: GroupVersionResource, name: str, *args: Any, **options: Any) -> None:
            if name == "refused":
                raise StatusError(500, "InternalError", "no")
            await super().delete(resource, name, *args, **options)

    client = Refusing()
    await client.create(NAMESPACES, namespace(**GONE))
    for name in ("a", "refused", "z"):
        await client.create(CONFIG_MAPS, named(name), "ns")
    assert not await NamespaceController(client).reconcile("ns")
    assert [one["metadata"]["name"] for one in await client.list(CONFIG_MAPS)] == ["refused"]
    failure = (await client.get(NAMESPACES, "ns"))["status"]["conditions"][2]
    assert (failure["status"], failure["reason"]) == ("True", "ContentDeletionFailed")
    assert failure["message"] == "Failed to delete all resource types, 1 remaining: no"


async def test_namespaces_that_live_are_left_alone() -> None:
    client = Recorder()
    await client.create(CONFIG_MAPS, named("c"), "ns")
    async with running(NamespaceController(client)):
        await client.create(NAMESPACES, namespace())
        await idle()
        assert client.deleted == []
        await client.update(NAMESPACES, "ns", lambda live: {**live, "metadata": {**live["metadata"], **GONE}})
        await eventually(lambda: client.deleted)
        shown = client.informer(NAMESPACES)
        await eventually(lambda: not shown.objects["", "ns"]["spec"]["finalizers"])


@pytest.mark.parametrize("name", ["gone", "done"])
async def test_nothing_is_left_to_do_for_namespaces_without_the_finalizer(name: str) -> None:
    client = Recorder()
    await client.create(NAMESPACES, {"metadata": {"name": "done", **GONE}})
    await client.create(CONFIG_MAPS, named("c"), "done")
    assert await NamespaceController(client).reconcile(name)
    assert client.deleted == []
