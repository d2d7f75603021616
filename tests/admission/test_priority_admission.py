from typing import Any

import pytest
from admission_writes import check_needs_client, named, refusal_of, write

from kapi.contracts.client import Object
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from kapi.testing.memory_client import MemoryClient
from kapi_admission import priority
from kapi_admission.priority import CLASSES, Priority

MUST_NOT = (
    "must not be provided in pod spec; priority admission controller computed {} from the given PriorityClass name"
)


async def admission(*classes: tuple[str, int, dict[str, Any]], lagging: bool = False) -> Priority:
    client = MemoryClient(lagging=[CLASSES] if lagging else [])
    for name, value, more in classes:
        await client.create(CLASSES, {"metadata": {"name": name}, "value": value, **more})
    return Priority(client)


HIGH = ("high", 1000, {"preemptionPolicy": "Never"})
COMMON = ("common", 7, {"globalDefault": True, "preemptionPolicy": "PreemptLowerPriority"})


@pytest.mark.parametrize("lagging", [False, True])
async def test_a_pod_gets_what_its_class_says(lagging: bool) -> None:
    pod = named({"priorityClassName": "high"})
    assert await refusal_of(await admission(HIGH, COMMON, lagging=lagging), write(pod)) == ""
    assert pod["spec"] == {"priorityClassName": "high", "priority": 1000, "preemptionPolicy": "Never"}


async def test_without_a_class_the_priority_is_zero() -> None:
    pod = named()
    await (await admission(HIGH)).admit(write(pod))
    assert pod["spec"] == {"priority": 0, "preemptionPolicy": "PreemptLowerPriority"}


async def test_without_a_class_the_default_one_holds_and_is_named() -> None:
    pod = named()
    await (await admission(HIGH, COMMON)).admit(write(pod))
    assert pod["spec"] == {"priorityClassName": "common", "priority": 7, "preemptionPolicy": "PreemptLowerPriority"}


async def test_of_several_defaults_the_lowest_holds() -> None:
    pod = named()
    lower = ("lower", -3, {"globalDefault": True})
    await (await admission(COMMON, lower)).admit(write(pod))
    assert pod["spec"] == {"priorityClassName": "lower", "priority": -3}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"priorityClassName": "none"}, "no PriorityClass with name none was found"),
        ({"priority": 5}, f"the integer value of priority (5) {MUST_NOT.format(0)}"),
        ({"priorityClassName": "high", "priority": 0}, f"the integer value of priority (0) {MUST_NOT.format(1000)}"),
        (
            {"priorityClassName": "high", "preemptionPolicy": "PreemptLowerPriority"},
            f"the string value of PreemptionPolicy (PreemptLowerPriority) {MUST_NOT.format('Never')}",
        ),
        ({"priorityClassName": "high", "priority": 1000, "preemptionPolicy": "Never"}, ""),
    ],
)
async def test_a_pod_may_not_claim_another_priority_than_its_class_gives(spec: dict[str, Any], message: str) -> None:
    assert await refusal_of(await admission(HIGH), write(named(spec))) == message


async def test_an_update_keeps_the_priority() -> None:
    old = named({"priorityClassName": "gone", "priority": 9, "preemptionPolicy": "Never"})
    left_out, other = named({"priorityClassName": "gone"}), named({"priority": 1})
    controller = await admission()
    await controller.admit(write(left_out, operation="UPDATE", old=old))
    await controller.admit(write(other, operation="UPDATE", old=old))
    assert left_out["spec"] == old["spec"]
    assert other["spec"]["priority"] == 1, "validation refuses that, not admission"


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (
            write({"metadata": {"name": "second"}, "globalDefault": True}, CLASSES),
            "PriorityClass common is already marked as default. Only one default can exist",
        ),
        (
            write({"metadata": {"name": "high"}, "globalDefault": True}, CLASSES, "UPDATE"),
            "PriorityClass common is already marked as default. Only one default can exist",
        ),
        (write({"metadata": {"name": "common"}, "globalDefault": True}, CLASSES, "UPDATE"), ""),
        (write({"metadata": {"name": "second"}}, CLASSES), ""),
    ],
)
async def test_there_is_one_default_class(attributes: Any, message: str) -> None:
    assert await refusal_of(await admission(HIGH, COMMON), attributes) == message


async def test_the_first_default_class_is_fine() -> None:
    new = {"metadata": {"name": "common"}, "globalDefault": True}
    assert await refusal_of(await admission(HIGH), write(new, CLASSES)) == ""


async def test_subresources_and_other_kinds_are_no_concern() -> None:
    controller = await admission()
    for attributes in (
        write(named({"priorityClassName": "none"}), subresource="binding"),
        write(named({"priorityClassName": "none"}), GroupVersionResource("apps", "v1", "deployments")),
    ):
        assert await refusal_of(controller, attributes) == ""
    assert [controller.handles(op) for op in ("CREATE", "UPDATE", "DELETE", "CONNECT")] == [True, True, False, False]


async def test_a_store_that_fails_refuses() -> None:
    class Failing(MemoryClient):
        async def get(self, resource: GroupVersionResource, name: str, namespace: str = "") -> Object:
            raise StatusError(503, "ServiceUnavailable", "no store")

    with pytest.raises(StatusError, match="no store") as caught:
        await Priority(Failing()).admit(write(named({"priorityClassName": "high"})))
    assert caught.value.code == 500


def test_a_client_is_needed() -> None:
    check_needs_client(priority.build)
