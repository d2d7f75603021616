from typing import Any

import pytest

from interleaving import Interleaved
from kapi.contracts.client import Event
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from widgets import GADGETS, WIDGETS, WIDGETS_V2, running, widget

Object = dict[str, Any]


def labelled(name: str, namespace: str = "ns", **labels: str) -> Object:
    obj = widget(name, namespace, color=name)
    obj["metadata"]["labels"] = labels
    return obj


def names(objects: Any) -> list[str]:
    return [f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}" for obj in objects]


async def test_lists_by_namespace_and_selector() -> None:
    async with running() as rig:
        for obj in (labelled("a", x="1"), labelled("b", x="2"), labelled("a", "other", x="1")):
            await rig.local.create(WIDGETS, obj)
        assert names(await rig.local.list(WIDGETS)) == ["ns/a", "ns/b", "other/a"]
        assert names(await rig.local.list(WIDGETS, "ns")) == ["ns/a", "ns/b"]
        assert names(await rig.local.list(WIDGETS, label_selector="x=1")) == ["ns/a", "other/a"]
        assert names(await rig.local.list(WIDGETS, "ns", field_selector="spec.color=b")) == ["ns/b"]
        assert names(await rig.local.list(WIDGETS, field_selector="metadata.name!=a")) == ["ns/b"]


async def test_objects_are_the_callers_own() -> None:
    async with running() as rig:
        made = await rig.local.create(WIDGETS, widget(size=1))
        (await rig.local.get(WIDGETS, "a", "ns"))["spec"]["size"] = 2
        (await rig.local.list(WIDGETS))[0]["spec"]["size"] = 2
        assert await rig.local.get(WIDGETS, "a", "ns") == made


async def test_defaults_and_unknown_members_are_as_over_the_wire() -> None:
    async with running() as rig:
        made = await rig.local.create(WIDGETS, {**widget(), "unknown": 1, "spec": {"nothing": 2}})
        assert made["spec"] == {"color": "red"}
        assert "unknown" not in made
        changed = await rig.local.update(WIDGETS, "a", lambda live: {**live, "spec": {"size": 1, "x": 2}}, "ns")
        assert changed["spec"] == {"size": 1, "color": "red"}


async def test_the_namespace_can_be_given_beside_the_object() -> None:
    async with running() as rig:
        made = await rig.local.create(WIDGETS, {"metadata": {"name": "a"}}, "ns")
        assert made["metadata"]["namespace"] == "ns"


async def test_deletion_with_a_precondition() -> None:
    async with running() as rig:
        made = await rig.local.create(WIDGETS, widget())
        with pytest.raises(StatusError) as caught:
            await rig.local.delete(WIDGETS, "a", "ns", uid="other")
        assert caught.value.reason == "Conflict"
        await rig.local.delete(WIDGETS, "a", "ns", uid=made["metadata"]["uid"])
        assert await rig.local.list(WIDGETS) == []


@pytest.mark.parametrize("subresource", ["nothing", "scale"])
async def test_unknown_subresources(subresource: str) -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget())
        for work in (
            rig.local.create(WIDGETS, widget(), "ns", subresource=subresource),
            rig.local.update(WIDGETS, "a", lambda live: live, "ns", subresource=subresource),
        ):
            with pytest.raises(StatusError) as caught:
                await work
            assert caught.value.code == 404


async def test_what_is_served_is_listed() -> None:
    async with running() as rig:
        served = list(rig.local.resources())
        assert [(one.gvr, one.kind, one.namespaced) for one in served] == [
            (WIDGETS, "Widget", True),
            (GADGETS, "Gadget", False),
            (WIDGETS_V2, "Widget", True),
        ]


# Informers


async def test_an_informer_is_shared_and_current_when_synced() -> None:
    async with running(Interleaved()) as rig:
        informer = rig.local.informer(WIDGETS)
        assert rig.local.informer(WIDGETS) is informer
        versions = [informer.version]
        for number in range(3):
            made = await rig.local.create(WIDGETS, widget(f"w{number}"))
            await informer.synced()
            assert informer.get(f"w{number}", "ns") == made
            versions.append(informer.version)
        assert versions == sorted(set(versions))
        assert names(informer.list("ns")) == ["ns/w0", "ns/w1", "ns/w2"]
        assert list(informer.list("other")) == []
        assert informer.get("w0", "other") is None
        assert informer.get("w0", "ns") is informer.get("w0", "ns"), "decoded once"


async def test_handlers_see_what_is_there_and_every_change() -> None:
    async with running() as rig:
        before = await rig.local.create(WIDGETS, widget("before"))
        informer = rig.local.informer(WIDGETS)
        await informer.synced()
        seen: list[Event] = []
        stop = informer.add_handler(seen.append)
        made = await rig.local.create(WIDGETS, widget())
        changed = await rig.local.update(WIDGETS, "a", lambda live: {**live, "spec": {"size": 1}}, "ns")
        await rig.local.delete(WIDGETS, "a", "ns")
        await informer.synced()
        stop()
        await rig.local.create(WIDGETS, widget("unseen"))
        await informer.synced()
        assert [event[:2] for event in seen[:3]] == [("ADDED", before), ("ADDED", made), ("MODIFIED", changed)]
        assert [event.old for event in seen[:3]] == [None, None, made]
        gone = seen[3]
        assert (gone.type, len(seen)) == ("DELETED", 4)
        assert gone.object["metadata"]["uid"] == made["metadata"]["uid"]
        assert gone.object["spec"] == changed["spec"]


async def test_handlers_of_an_empty_informer_see_what_it_finds() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget())
        informer = rig.local.informer(WIDGETS)
        seen: list[Event] = []
        informer.add_handler(seen.append)
        await informer.synced()
        assert [(event.type, event.object["metadata"]["name"]) for event in seen] == [("ADDED", "a")]


async def test_informers_show_their_version() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget(size=4))
        informer = rig.local.informer(WIDGETS_V2)
        await informer.synced()
        found = informer.get("a", "ns")
        assert found is not None
        assert (found["apiVersion"], found["spec"]) == ("example.com/v2", {"color": "red", "width": 4})


async def test_there_is_no_informer_for_what_is_not_served() -> None:
    async with running() as rig:
        with pytest.raises(StatusError):
            rig.local.informer(GroupVersionResource("example.com", "v1", "nothing"))


async def test_a_field_manager_owns_what_it_changes_and_nobody_what_it_removes() -> None:
    async with running() as rig:
        made = widget(color="blue", size=1)
        fields = {"f:spec": {"f:color": {}, "f:size": {}}}
        made["metadata"]["managedFields"] = [
            {"manager": "m", "operation": "Update", "apiVersion": "example.com/v1", "fieldsType": "FieldsV1",
             "fieldsV1": fields, "time": "2026-01-01T00:00:00Z"},
        ]  # fmt: skip
        await rig.local.create(WIDGETS, made)

        def change(live: Object) -> Object:
            del live["spec"]["size"]
            return {**live, "spec": {**live["spec"], "color": "red"}}

        unseen = await rig.local.update(WIDGETS, "a", lambda live: live, "ns")
        assert unseen["metadata"]["managedFields"] == made["metadata"]["managedFields"]
        changed = await rig.local.update(WIDGETS, "a", change, "ns", field_manager="c")
        owned = {entry["manager"]: entry["fieldsV1"] for entry in changed["metadata"]["managedFields"]}
        assert owned == {"c": {"f:spec": {"f:color": {}}}}
