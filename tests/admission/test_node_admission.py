"""TaintNodesByCondition and RuntimeClass."""

from typing import Any

import pytest
from admission_writes import check_needs_client, named, refusal_of, write

from kapi.meta.gvk import GroupVersionResource
from kapi.testing.memory_client import MemoryClient
from kapi_admission import runtime_class
from kapi_admission.node_taint import TaintNodesByCondition
from kapi_admission.runtime_class import RUNTIME_CLASSES, RuntimeClassAdmission

NODES = GroupVersionResource("", "v1", "nodes")
NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
OTHER = {"key": "a", "effect": "NoSchedule"}
OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"


@pytest.mark.parametrize(
    ("given", "want"),
    [
        ({}, [NOT_READY]),
        ({"taints": [OTHER, NOT_READY]}, [OTHER, NOT_READY]),
        ({"taints": [{**NOT_READY, "effect": "NoExecute"}]}, [{**NOT_READY, "effect": "NoExecute"}, NOT_READY]),
        ({"taints": [{**NOT_READY, "value": "x"}]}, [{**NOT_READY, "value": "x"}]),
    ],
)
async def test_new_nodes_are_not_ready(given: dict[str, Any], want: list[Any]) -> None:
    node = named(given)
    await TaintNodesByCondition().admit(write(node, NODES))
    assert node["spec"]["taints"] == want


async def test_a_node_without_a_spec_gets_one() -> None:
    node = {"metadata": {"name": "n"}}
    await TaintNodesByCondition().admit(write(node, NODES))
    assert node["spec"] == {"taints": [NOT_READY]}


async def test_only_nodes_are_tainted_and_only_new_ones() -> None:
    for attributes in (write(named()), write(named(), NODES, subresource="status")):
        await TaintNodesByCondition().admit(attributes)
        assert attributes.object == named()
    assert not TaintNodesByCondition().handles("UPDATE")


async def admitted(spec: dict[str, Any], **members: Any) -> tuple[str, dict[str, Any]]:
    client = MemoryClient()
    await client.create(RUNTIME_CLASSES, {"metadata": {"name": "rc"}, "handler": "h", **members})
    pod = named(spec)
    return await refusal_of(RuntimeClassAdmission(client), write(pod)), pod["spec"]


FULL = {
    "overhead": {"podFixed": {"cpu": "100m"}},
    "scheduling": {"nodeSelector": {"rt": "x"}, "tolerations": [{"key": "k", "operator": "Exists"}]},
}


async def test_a_pod_gets_what_its_runtime_needs() -> None:
    message, spec = await admitted(
        {"runtimeClassName": "rc", "nodeSelector": {"z": "z"}, "tolerations": [{"key": "m"}]}, **FULL
    )
    assert message == ""
    assert spec["overhead"] == {"cpu": "100m"}
    assert spec["nodeSelector"] == {"z": "z", "rt": "x"}
    assert spec["tolerations"] == [{"key": "m"}, {"key": "k", "operator": "Exists"}]


@pytest.mark.parametrize(
    ("spec", "members", "message"),
    [
        ({"runtimeClassName": "none"}, {}, 'pod rejected: RuntimeClass "none" not found'),
        ({"runtimeClassName": "rc"}, {}, ""),
        ({"runtimeClassName": "rc", "overhead": {"cpu": "1"}}, FULL, OTHER_OVERHEAD),
        ({"runtimeClassName": "rc", "overhead": {"cpu": "0.1"}}, FULL, ""),
        ({"runtimeClassName": "rc", "overhead": {"cpu": "1"}}, {"overhead": {}}, OTHER_OVERHEAD),
        (
            {"overhead": {"cpu": "1"}},
            FULL,
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            {"runtimeClassName": "rc", "nodeSelector": {"rt": "y"}},
            FULL,
            "conflict: runtimeClass.scheduling.nodeSelector[rt] = x; pod.spec.nodeSelector[rt] = y",
        ),
    ],
)
async def test_what_contradicts_the_class_is_refused(spec: Any, members: Any, message: str) -> None:
    assert (await admitted(spec, **members))[0] == message


async def test_the_class_is_not_shared_with_the_pod() -> None:
    client = MemoryClient()
    await client.create(RUNTIME_CLASSES, {"metadata": {"name": "rc"}, **FULL})
    pod = named({"runtimeClassName": "rc"})
    await RuntimeClassAdmission(client).admit(write(pod))
    pod["spec"]["overhead"]["cpu"] = pod["spec"]["tolerations"][0]["key"] = pod["spec"]["nodeSelector"]["rt"] = "other"
    stored = await client.get(RUNTIME_CLASSES, "rc")
    assert {member: stored[member] for member in FULL} == FULL


async def test_subresources_are_no_concern() -> None:
    controller = RuntimeClassAdmission(MemoryClient())
    assert await refusal_of(controller, write(named({"runtimeClassName": "none"}), subresource="eviction")) == ""


def test_a_client_is_needed() -> None:
    check_needs_client(runtime_class.build)
