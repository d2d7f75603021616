"""StorageObjectInUseProtection, DefaultStorageClass, DefaultIngressClass and PersistentVolumeClaimResize."""

from typing import Any

import pytest
from admission_writes import CLAIMS, check_needs_client, marked, named, refusal_of, write

from kapi.meta.gvk import GroupVersionResource
from kapi.testing.memory_client import MemoryClient
from kapi_admission import claim_resize, default_classes
from kapi_admission.claim_resize import STORAGE_CLASSES, PersistentVolumeClaimResize
from kapi_admission.default_classes import INGRESS, STORAGE, DefaultClass, Rule
from kapi_admission.storage_protection import StorageObjectInUseProtection

VOLUMES = GroupVersionResource("", "v1", "persistentvolumes")
ATTRIBUTES_CLASSES = GroupVersionResource("storage.k8s.io", "v1", "volumeattributesclasses")
INGRESSES = GroupVersionResource("networking.k8s.io", "v1", "ingresses")
DEFAULT = "storageclass.kubernetes.io/is-default-class"
GROW = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
)


@pytest.mark.parametrize(
    ("resource", "finalizer"),
    [
        (CLAIMS, "kubernetes.io/pvc-protection"),
        (VOLUMES, "kubernetes.io/pv-protection"),
        (ATTRIBUTES_CLASSES, "kubernetes.io/vac-protection"),
    ],
)
async def test_storage_objects_are_protected(resource: GroupVersionResource, finalizer: str) -> None:
    controller = StorageObjectInUseProtection()
    bare, own = named(), named(metadata={"name": "a", "finalizers": [finalizer, "example.com/x"]})
    other = named(metadata={"name": "a", "finalizers": ["example.com/x"]})
    for obj in (bare, own, other):
        await controller.admit(write(obj, resource))
    assert bare["metadata"]["finalizers"] == [finalizer]
    assert own["metadata"]["finalizers"] == [finalizer, "example.com/x"]
    assert other["metadata"]["finalizers"] == ["example.com/x", finalizer]


async def test_other_objects_are_not() -> None:
    for attributes in (write(named()), write(named(), CLAIMS, subresource="status")):
        await StorageObjectInUseProtection().admit(attributes)
        assert attributes.object == named()
    assert [StorageObjectInUseProtection().handles(op) for op in ("CREATE", "UPDATE")] == [True, False]


async def with_default(rule: Rule, obj: dict[str, Any], *classes: dict[str, Any]) -> Any:
    client = MemoryClient()
    for one in classes:
        await client.create(rule.classes, one)
    group, resource = rule.resource
    await DefaultClass(client, rule).admit(write(obj, GroupVersionResource(group, "v1", resource)))
    return obj["spec"].get(rule.member)


@pytest.mark.parametrize("rule", [STORAGE, INGRESS])
async def test_what_names_no_class_gets_the_default_one(rule: Rule) -> None:
    mark = rule.marks[0]
    one, off = marked("one", mark), marked("off", mark, value="false")
    assert await with_default(rule, named(), off) is None
    assert await with_default(rule, named(), off, one) == "one"
    assert await with_default(rule, named({rule.member: "own"}), one) == "own"
    assert await with_default(rule, named({rule.member: ""}), one) == ""
    old = named(metadata={"name": "a", "annotations": {rule.annotation: "old"}})
    assert await with_default(rule, old, one) is None


async def test_the_newest_of_several_defaults_then_the_first_by_name() -> None:
    classes = [
        marked("old", DEFAULT, "2026-01-01T00:00:00Z"),
        marked("z", DEFAULT, "2026-02-01T00:00:00Z"),
        marked("b", "storageclass.beta.kubernetes.io/is-default-class", "2026-02-01T00:00:00Z"),
    ]
    assert await with_default(STORAGE, named(), *classes) == "b"


async def test_a_class_made_later_is_seen() -> None:
    client = MemoryClient()
    controller = DefaultClass(client, STORAGE)
    before, after = named(), named()
    await controller.admit(write(before, CLAIMS))
    await client.create(STORAGE.classes, marked("one", DEFAULT))
    await controller.admit(write(after, CLAIMS))
    assert (before["spec"], after["spec"]) == ({}, {"storageClassName": "one"})


async def test_other_kinds_get_no_class() -> None:
    client = MemoryClient()
    await client.create(STORAGE.classes, marked("one", DEFAULT))
    obj = named()
    await DefaultClass(client, STORAGE).admit(write(obj, INGRESSES))
    assert obj == named()


def claim(size: str, name: str | None, phase: str = "Bound", **annotations: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"resources": {"requests": {"storage": size}}}
    if name is not None:
        spec["storageClassName"] = name
    return {"metadata": {"name": "a", "annotations": annotations}, "spec": spec, "status": {"phase": phase}}


async def resized(old: dict[str, Any], new: dict[str, Any], subresource: str = "") -> str:
    client = MemoryClient()
    for name, grows in (("grows", True), ("fixed", False)):
        await client.create(STORAGE_CLASSES, {"metadata": {"name": name}, "allowVolumeExpansion": grows})
    attributes = write(new, CLAIMS, "UPDATE", old=old, subresource=subresource)
    return await refusal_of(PersistentVolumeClaimResize(client), attributes)


@pytest.mark.parametrize(
    ("name", "phase", "message"),
    [
        ("grows", "Bound", ""),
        ("grows", "Pending", "Only bound persistent volume claims can be expanded"),
        ("fixed", "Bound", GROW),
        ("unknown", "Bound", GROW),
        ("", "Bound", GROW),
        (None, "Bound", GROW),
    ],
)
async def test_who_may_grow(name: str | None, phase: str, message: str) -> None:
    assert await resized(claim("1Gi", name, phase), claim("1025Mi", name, phase)) == message
    assert await resized(claim("1Gi", name, phase), claim("1024Mi", name, phase)) == ""
    assert await resized(claim("1Gi", name, phase), claim("2Gi", name, phase), "status") == ""


async def test_the_old_annotation_names_the_class() -> None:
    beta = {"volume.beta.kubernetes.io/storage-class": "grows"}
    assert await resized(claim("1Gi", "fixed", **beta), claim("2Gi", "fixed", **beta)) == ""
    assert await resized(claim("1Gi", "fixed", **beta), claim("2Gi", "fixed")) == GROW


def test_a_client_is_needed() -> None:
    for build in (claim_resize.build, default_classes.build_storage, default_classes.build_ingress):
        check_needs_client(build)
