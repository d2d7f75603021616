import asyncio

import pytest

from kapi.contracts.client import MetadataEvent
from kapi.meta.errors import StatusError
from kapi.registry.informer import TOLD_AT_ONCE
from kapi.registry.table import ResourceTable
from widgets import WIDGETS, WIDGETS_V2, Rig, running, widget

OWNER = {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}


def owned(name: str) -> dict:
    obj = widget(name)
    obj["metadata"]["ownerReferences"] = [OWNER]
    return obj


async def something(events: list) -> None:
    for _ in range(1000):
        if events:
            return
        await asyncio.sleep(0)
    raise AssertionError("nothing was told")


async def told(rig: Rig, *members: str) -> list[tuple[str, str, str]]:
    events: list[MetadataEvent] = []
    informer = rig.local.informer(WIDGETS)
    stop = await informer.follow_metadata(events.append, members)

    def disown(obj: dict) -> dict:
        obj["metadata"].pop("ownerReferences", None)
        obj["metadata"]["labels"] = {"x": "y"}
        return obj

    for obj in (widget("plain"), owned("new")):
        await rig.local.create(WIDGETS, obj)
    for name in ("plain", "new", "there"):
        await rig.local.update(WIDGETS, name, disown, "ns")
    for name in ("plain", "new"):
        await rig.local.delete(WIDGETS, name, "ns")
    await informer.synced()
    stop()
    await rig.local.delete(WIDGETS, "there", "ns")
    return [(event.type, event.metadata["name"], event.metadata["resourceVersion"]) for event in events]


async def test_metadata_of_everything_is_told() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, owned("there"))
        events = await told(rig)
    assert [event[:2] for event in events] == [
        ("ADDED", "there"), ("ADDED", "plain"), ("ADDED", "new"), ("MODIFIED", "plain"), ("MODIFIED", "new"),
        ("MODIFIED", "there"), ("DELETED", "plain"), ("DELETED", "new"),
    ]  # fmt: skip
    versions = {(kind, name): version for kind, name, version in events}
    assert versions["DELETED", "new"] == versions["MODIFIED", "new"] > versions["ADDED", "new"]


async def test_objects_without_the_members_are_passed_over() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, owned("there"))
        await rig.local.create(WIDGETS, widget("also"))
        events = await told(rig, "ownerReferences", "deletionTimestamp")
    assert [event[:2] for event in events] == [
        ("ADDED", "there"), ("ADDED", "new"), ("MODIFIED", "new"), ("MODIFIED", "there"),
        ("DELETED", "plain"), ("DELETED", "new"),
    ]  # fmt: skip


async def test_a_handler_added_late_learns_what_is_there() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, owned("there"))
        informer = rig.local.informer(WIDGETS)
        await informer.synced()
        events: list[MetadataEvent] = []
        await informer.follow_metadata(events.append, ["ownerReferences"])
        assert [(event.type, event.metadata["ownerReferences"]) for event in events] == [("ADDED", [OWNER])]


async def test_changes_come_in_between_when_there_is_much_to_tell() -> None:
    count = TOLD_AT_ONCE * 2
    async with running() as rig:
        for number in range(count):
            await rig.local.create(WIDGETS, owned(f"a{number:04}"))
        informer = rig.local.informer(WIDGETS)
        events: list[MetadataEvent] = []
        following = asyncio.create_task(informer.follow_metadata(events.append))
        await something(events)
        assert len(events) == TOLD_AT_ONCE
        await rig.local.delete(WIDGETS, f"a{count - 1:04}", "ns")
        await rig.local.create(WIDGETS, owned("z"))
        await following
        await informer.synced()
    there: dict[str, str] = {}
    for event in events:
        there[event.metadata["name"]] = event.type
    assert there.pop(f"a{count - 1:04}") == "DELETED"
    assert there == {f"a{number:04}": "ADDED" for number in range(count - 1)} | {"z": "ADDED"}


async def test_who_stops_waiting_is_told_no_more() -> None:
    async with running() as rig:
        for number in range(TOLD_AT_ONCE + 1):
            await rig.local.create(WIDGETS, owned(f"a{number:04}"))
        events: list[MetadataEvent] = []
        following = asyncio.create_task(rig.local.informer(WIDGETS).follow_metadata(events.append))
        await something(events)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        told = len(events)
        await rig.local.create(WIDGETS, owned("z"))
        await rig.local.informer(WIDGETS).synced()
        assert len(events) == told


async def test_objects_are_found_by_uid_in_the_served_version() -> None:
    async with running() as rig:
        made = await rig.local.create(WIDGETS, widget(size=3))
        informer = rig.local.informer(WIDGETS_V2)
        await informer.synced()
        found = informer.find(made["metadata"]["uid"])
        assert found is not None
        assert found["spec"]["width"] == 3
        for nothing in ("", "a", 'x"', made["metadata"]["uid"][:-1], "u"):
            assert informer.find(nothing) is None


async def test_a_uid_elsewhere_in_an_object_is_not_its_own() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, owned("a"))
        informer = rig.local.informer(WIDGETS)
        await informer.synced()
        assert informer.find("u") is None


async def test_a_deletion_can_depend_on_the_version() -> None:
    async with running() as rig:
        made = await rig.local.create(WIDGETS, widget())
        with pytest.raises(StatusError) as caught:
            await rig.local.delete(WIDGETS, "a", "ns", resource_version="1")
        assert caught.value.reason == "Conflict"
        await rig.local.delete(WIDGETS, "a", "ns", resource_version=made["metadata"]["resourceVersion"])


async def test_informers_follow_what_is_served() -> None:
    async with running() as rig, running() as again:
        old = rig.local.informer(WIDGETS)
        assert rig.local.informer(WIDGETS) is old
        rig.table = again.table
        new = rig.local.informer(WIDGETS)
        assert new is not old
        rig.table = ResourceTable((), {})
        with pytest.raises(StatusError):
            rig.local.informer(WIDGETS)
