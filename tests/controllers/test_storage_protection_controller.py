from typing import Any

import pytest
from controller_runs import eventually, idle, running

from kapi.contracts.client import Object
from kapi.meta.errors import conflict
from kapi.meta.gvk import GroupVersionResource
from kapi.testing.memory_client import MemoryClient
from kapi_controllers.storage_protection import (
    ATTRIBUTES_CLASSES,
    CLAIMS,
    PODS,
    PROTECTIONS,
    VOLUMES,
    Protection,
    ProtectionController,
    kapi_register_post_start_hooks,
)

CLAIM, VOLUME, ATTRIBUTES = PROTECTIONS
GONE = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def protected(protection: Protection, *, deleted: bool = True, **members: Any) -> Object:
    finalizers = ["example.com/x", protection.finalizer]
    metadata = {"name": "a", "finalizers": finalizers, **(GONE if deleted else {}), **members.pop("metadata", {})}
    return {"metadata": metadata, **members}


def user_pod(claim: str = "a", node: str = "n", **metadata: Any) -> Object:
    spec: Object = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]}
    if node:
        spec["nodeName"] = node
    return {"metadata": {"name": "p", **metadata}, "spec": spec}


async def finalizers(client: MemoryClient, protection: Protection) -> list[str]:
    namespace = "ns" if protection is CLAIM else ""
    found: list[str] = (await client.get(protection.resource, "a", namespace))["metadata"]["finalizers"]
    return found


async def is_freed(protection: Protection, client: MemoryClient) -> bool:
    key = "ns/a" if protection is CLAIM else "/a"
    assert await ProtectionController(client, protection).reconcile(key)
    return protection.finalizer not in await finalizers(client, protection)


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda one: one.name)
async def test_what_is_deleted_and_unused_is_freed(protection: Protection) -> None:
    client, namespace = MemoryClient(), "ns" if protection is CLAIM else ""
    await client.create(protection.resource, protected(protection), namespace)
    assert await is_freed(protection, client)
    assert await finalizers(client, protection) == ["example.com/x"]


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda one: one.name)
async def test_what_is_not_deleted_keeps_its_finalizer(protection: Protection) -> None:
    client, namespace = MemoryClient(), "ns" if protection is CLAIM else ""
    await client.create(protection.resource, protected(protection, deleted=False), namespace)
    assert not await is_freed(protection, client)


@pytest.mark.parametrize(
    ("pod", "namespace", "freed"),
    [
        (user_pod(), "ns", False),
        (user_pod(), "other", True),
        (user_pod(claim="b"), "ns", True),
        (user_pod(node=""), "ns", True),
        ({"metadata": {"name": "p"}, "spec": {"nodeName": "n"}}, "ns", True),
    ],
)
async def test_a_pod_on_a_node_keeps_its_claims(pod: Object, namespace: str, freed: bool) -> None:
    client = MemoryClient()
    await client.create(CLAIMS, protected(CLAIM), "ns")
    await client.create(PODS, pod, namespace)
    assert await is_freed(CLAIM, client) is freed


@pytest.mark.parametrize(
    ("owner", "metadata", "freed"),
    [
        ("u", {}, False),
        ("other", {}, True),
        ("u", {**GONE, "deletionGracePeriodSeconds": 30}, False),
        ("u", {**GONE, "deletionGracePeriodSeconds": 0}, True),
    ],
)
async def test_an_ephemeral_volume_keeps_its_claim_while_the_pod_runs(
    owner: str, metadata: dict[str, Any], freed: bool
) -> None:
    client = MemoryClient()
    owners = [{"kind": "Pod", "name": "p", "uid": owner, "controller": True}]
    claim = protected(CLAIM, metadata={"name": "p-v", "ownerReferences": owners})
    await client.create(CLAIMS, claim, "ns")
    spec = {"nodeName": "n", "volumes": [{"name": "v", "ephemeral": {}}]}
    await client.create(PODS, {"metadata": {"name": "p", "uid": "u", **metadata}, "spec": spec}, "ns")
    assert await ProtectionController(client, CLAIM).reconcile("ns/p-v")
    kept = (await client.get(CLAIMS, "p-v", "ns"))["metadata"]["finalizers"]
    assert (CLAIM.finalizer not in kept) is freed


@pytest.mark.parametrize(("phase", "freed"), [("Bound", False), ("Released", True), ("Available", True)])
async def test_a_bound_volume_is_kept(phase: str, freed: bool) -> None:
    client = MemoryClient()
    await client.create(VOLUMES, protected(VOLUME, status={"phase": phase}))
    assert await is_freed(VOLUME, client) is freed


@pytest.mark.parametrize(
    ("resource", "user", "freed"),
    [
        (CLAIMS, {"spec": {"volumeAttributesClassName": "a"}}, False),
        (CLAIMS, {"status": {"currentVolumeAttributesClassName": "a"}}, False),
        (CLAIMS, {"status": {"modifyVolumeStatus": {"targetVolumeAttributesClassName": "a"}}}, False),
        (VOLUMES, {"spec": {"volumeAttributesClassName": "a"}}, False),
        (CLAIMS, {"spec": {"volumeAttributesClassName": "b"}}, True),
        (VOLUMES, {}, True),
    ],
)
async def test_a_volume_attributes_class_in_use_is_kept(
    resource: GroupVersionResource, user: Object, freed: bool
) -> None:
    client = MemoryClient()
    await client.create(ATTRIBUTES_CLASSES, protected(ATTRIBUTES))
    await client.create(resource, {"metadata": {"name": "user"}, **user}, "ns" if resource == CLAIMS else "")
    assert await is_freed(ATTRIBUTES, client) is freed


async def test_the_end_of_the_last_pod_frees_a_claim() -> None:
    client = MemoryClient()
    await client.create(PODS, user_pod(), "ns")
    async with running(ProtectionController(client, CLAIM)):
        await client.create(CLAIMS, protected(CLAIM), "ns")
        await idle()
        assert CLAIM.finalizer in await finalizers(client, CLAIM)
        await client.delete(PODS, "p", "ns")
        shown = client.informer(CLAIMS)
        await eventually(lambda: CLAIM.finalizer not in shown.objects["ns", "a"]["metadata"]["finalizers"])


async def test_objects_that_are_gone_are_done() -> None:
    assert await ProtectionController(MemoryClient(), CLAIM).reconcile("ns/a")


async def test_a_lost_race_is_run_again() -> None:
    class Busy(MemoryClient):
        async def update(self, resource: GroupVersionResource, name: str, change: Any, *args: Any, **kw: Any) -> Object:
            raise conflict(resource.group_resource, name, "busy")

    client = Busy()
    await client.create(VOLUMES, protected(VOLUME))
    assert not await ProtectionController(client, VOLUME).reconcile("/a")


def test_the_hooks_are_controllers() -> None:
    hooks = kapi_register_post_start_hooks()
    assert [hook.name for hook in hooks] == ["pvc-protection", "pv-protection", "vac-protection"]
    assert all(hook.controller and not hook.blocks_ready for hook in hooks)
