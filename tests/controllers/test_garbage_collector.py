import pytest
from controller_runs import idle
from garbage_world import (
    CONFIG_MAPS,
    EVENTS,
    NAMESPACES,
    PARTS,
    PLANTS,
    SHY,
    Object,
    World,
    collecting,
    owner,
    owners,
    until,
    world,
)

from kapi.contracts.storage import Unavailable
from kapi.meta.errors import StatusError
from kapi_controllers import workqueue
from kapi_controllers.garbage import controller

REST = 400


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workqueue, "FIRST_DELAY", 0.0)
    monkeypatch.setattr(workqueue, "LAST_DELAY", 0.001)
    monkeypatch.setattr(controller, "REFRESH_SECONDS", 0.0)


async def test_dependents_of_a_deleted_owner_go_with_theirs() -> None:
    async with world() as w:
        a = await w.make("a")
        b = await w.make("b", owner(a))
        await w.make("c", owner(b))
        await w.make("d", owner(a), namespace="ns")
        await w.make("bystander")
        await w.delete("a")
        await until(lambda: w.names() == ["bystander"])


async def test_dependents_are_collected_across_kinds_and_scopes() -> None:
    async with world() as w:
        plant = await w.make("plant", resource=PLANTS)
        part = await w.make("part", owner(plant), resource=PARTS)
        await w.make("notes", owner(part))
        await w.make("sister", owner(plant), resource=PLANTS)
        await w.delete("plant", resource=PLANTS)
        await until(lambda: not (w.names() or w.names(PARTS) or w.names(PLANTS)))


async def test_what_was_left_behind_while_nobody_collected_is_collected() -> None:
    async with world(collecting=False) as w:
        a = await w.make("a")
        await w.make("b", owner(a))
        await w.make("c", owner(await w.make("stays")))
        f = await w.make("f")
        await w.make("g", owner(f, block=True))
        await w.delete("a")
        await w.delete("f", "Foreground")
        async with collecting(w):
            await until(lambda: w.names() == ["c", "stays"])


async def test_an_object_created_for_an_owner_that_is_gone_already_goes() -> None:
    async with world() as w:
        a = await w.make("a")
        await w.delete("a")
        await w.make("b", owner(a))
        await until(lambda: w.names() == [])


async def test_an_owner_of_the_same_name_but_another_uid_is_another_owner() -> None:
    async with world() as w:
        a = await w.make("a")
        await w.make("b", owner(a, uid="123"))
        await until(lambda: w.names() == ["a"])


async def test_an_object_stays_while_one_owner_is_left_and_loses_the_others() -> None:
    async with world() as w:
        a, b = await w.make("a"), await w.make("b")
        await w.make("c", owner(a), owner(b))
        await w.delete("a")
        await until(lambda: owners(w.find("c")) == ["b"])
        await w.delete("b")
        await until(lambda: w.names() == [])


async def test_an_owner_in_the_foreground_goes_after_those_that_block_it() -> None:
    async with world() as w:
        a = await w.make("a")
        await w.make("b", owner(a, block=True), finalizers=["example.com/held"])
        await w.make("c", owner(a), finalizers=["example.com/held"])
        await w.delete("a", "Foreground")
        await until(lambda: _deleting(w) == ["a", "b", "c"])
        await idle(REST)
        await w.finish("b")
        await until(lambda: w.names() == ["c"])
        await w.finish("c")
        await until(lambda: w.names() == [])


def _deleting(w: World) -> list[str]:
    found = w.client.informer(CONFIG_MAPS).list()
    return [obj["metadata"]["name"] for obj in found if "deletionTimestamp" in obj["metadata"]]


async def test_an_owner_without_dependents_goes_from_the_foreground_at_once() -> None:
    async with world() as w:
        await w.make("a")
        await w.delete("a", "Foreground")
        await until(lambda: w.names() == [])


async def test_deletion_in_the_foreground_reaches_the_dependents_of_dependents() -> None:
    async with world() as w:
        a = await w.make("a")
        b = await w.make("b", owner(a, block=True))
        await w.make("c", owner(b, block=True), finalizers=["example.com/held"])
        await w.delete("a", "Foreground")
        await until(lambda: _deleting(w) == ["a", "b", "c"])
        found = w.find("b")
        assert found is not None
        assert found["metadata"]["finalizers"] == ["foregroundDeletion"]
        await w.finish("c")
        await until(lambda: w.names() == [])


async def test_a_dependent_with_another_owner_does_not_hold_up_the_foreground() -> None:
    async with world() as w:
        a, b = await w.make("a"), await w.make("b")
        await w.make("c", owner(a, block=True), owner(b))
        await w.delete("a", "Foreground")
        await until(lambda: w.names() == ["b", "c"])
        assert owners(w.find("c")) == ["b"]


async def test_a_dependent_that_comes_to_block_no_more_lets_its_owner_go() -> None:
    async with world() as w:
        a = await w.make("a")
        await w.make("b", owner(a, block=True), finalizers=["example.com/held"])
        await w.delete("a", "Foreground")
        await until(lambda: _deleting(w) == ["a", "b"])

        def unblock(obj: Object) -> Object:
            obj["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] = False
            return obj

        await w.client.update(CONFIG_MAPS, "b", unblock, "ns")
        await until(lambda: w.names() == ["b"])


async def test_a_dependent_that_arrives_during_the_foreground_goes_too() -> None:
    async with world() as w:
        a = await w.make("a", finalizers=["example.com/held"])
        await w.delete("a", "Foreground")
        await until(lambda: _deleting(w) == ["a"] and _finalizers(w, "a") == ["example.com/held"])
        b = await w.make("b", owner(a, block=True))
        await w.make("late", owner(b))
        await w.finish("a")
        await until(lambda: w.names() == [])


def _finalizers(w: World, name: str) -> list[str]:
    found = w.find(name)
    return list(found["metadata"].get("finalizers", ())) if found is not None else []


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_a_circle_goes_in_the_foreground(size: int) -> None:
    async with world() as w:
        first = last = await w.make("0")
        for number in range(1, size):
            last = await w.make(str(number), owner(last, block=True))
        await w.own("0", owner(last, block=True))
        await w.delete(first["metadata"]["name"], "Foreground")
        await until(lambda: w.names() == [])


async def test_a_circle_of_which_all_are_deleted_in_the_foreground_at_once_goes() -> None:
    async with world(collecting=False) as w:
        a = await w.make("a")
        b = await w.make("b", owner(a, block=True))
        await w.own("a", owner(b, block=True))
        await w.delete("a", "Foreground")
        await w.delete("b", "Foreground")
        async with collecting(w):
            await until(lambda: w.names() == [])


async def test_orphans_lose_the_reference_to_their_owner_and_stay() -> None:
    async with world() as w:
        a, other = await w.make("a"), await w.make("other")
        await w.make("b", owner(a, block=True))
        await w.make("c", owner(a), owner(other))
        await w.make("part", owner(a), resource=PARTS)
        await w.delete("a", "Orphan")
        await until(lambda: w.names() == ["b", "c", "other"])
        assert owners(w.find("b")) == []
        assert "ownerReferences" not in (w.find("b") or {})["metadata"]
        assert owners(w.find("c")) == ["other"]
        assert owners(w.find("part", PARTS)) == []


async def test_an_orphan_finalizer_on_a_collected_object_is_honoured() -> None:
    async with world() as w:
        a = await w.make("a")
        b = await w.make("b", owner(a), finalizers=["orphan"])
        await w.make("c", owner(b))
        await w.delete("a")
        await until(lambda: w.names() == ["c"])
        assert owners(w.find("c")) == []


async def test_an_owner_in_another_namespace_is_no_owner_and_an_event_tells() -> None:
    async with world() as w:
        a = await w.make("a", namespace="other")
        b = await w.make("b", owner(a))
        await w.make("c", owner(a))
        await until(lambda: w.names() == ["a"] and len(w.names(EVENTS)) == 2)
        event = next(e for e in await w.client.list(EVENTS, "ns") if e["involvedObject"]["name"] == "b")
        assert event["involvedObject"] == {
            "kind": "ConfigMap", "namespace": "ns", "name": "b", "uid": b["metadata"]["uid"], "apiVersion": "v1",
        }  # fmt: skip
        assert (event["type"], event["reason"]) == ("Warning", "OwnerRefInvalidNamespace")
        assert event["message"] == (
            f"ownerRef [v1/ConfigMap, namespace: ns, name: a, uid: {a['metadata']['uid']}] "
            'does not exist in namespace "ns"'
        )


async def test_owners_that_were_deleted_are_no_event() -> None:
    async with world() as w:
        a = await w.make("a")
        await w.make("b", owner(a))
        await w.make("c", owner(a, uid="never-was"))
        await w.delete("a")
        await until(lambda: w.names() == [])
        assert w.names(EVENTS) == []


async def test_events_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kapi_controllers.garbage.events.EVENTS_AT_ONCE", 3)
    async with world() as w:
        a = await w.make("a", namespace="other")
        for number in range(10):
            await w.make(f"b{number}", owner(a))
        await until(lambda: w.names() == ["a"])
        assert len(w.names(EVENTS)) == 3


async def test_a_namespace_that_goes_gets_no_events() -> None:
    async with world() as w:
        a = await w.make("a", namespace="other")
        await w.client.create(NAMESPACES, {"metadata": {"name": "going", "finalizers": ["example.com/held"]}})
        await w.client.delete(NAMESPACES, "going")
        for namespace in ("going", "nowhere"):
            await w.make("b", owner(a), namespace=namespace)
        await until(lambda: w.names() == ["a"])
        assert w.names(EVENTS) == []


async def test_an_object_outside_of_namespaces_is_never_collected_for_an_owner_inside() -> None:
    async with world() as w:
        part = await w.make("part", resource=PARTS)
        await w.make("plant", owner(part), resource=PLANTS)
        await until(lambda: len(w.names(EVENTS)) == 1)
        await w.delete("part", resource=PARTS)
        await idle(REST)
        assert w.names(PLANTS) == ["plant"]
        (event,) = await w.client.list(EVENTS, "default")
        assert event["involvedObject"]["kind"] == "Plant"
        assert event["message"].endswith('does not exist in namespace ""')


async def test_an_owner_of_a_kind_that_is_not_served_keeps_its_dependents_until_it_is() -> None:
    async with world(collecting=False) as w:
        part = await w.make("part", resource=PARTS)
        await w.make("a", owner(part))
        await w.make("b", owner(part, uid="gone"))
        await w.make("c", owner(part, uid="gone", apiVersion="example.com/v9"))
        w.serve("")
        async with collecting(w):
            await idle(REST)
            assert w.names() == ["a", "b", "c"]
            w.serve("", "example.com")
            await until(lambda: w.names() == ["a", "c"])
            await w.delete("part", resource=PARTS)
            await until(lambda: w.names() == ["c"])


async def test_a_group_that_goes_away_takes_no_dependents_with_it() -> None:
    async with world() as w:
        part = await w.make("part", resource=PARTS)
        await w.make("a", owner(part))
        await idle(REST)
        w.serve("")
        await idle(REST)
        assert w.names() == ["a"]
        w.serve("", "example.com")
        await idle(REST)
        assert w.names() == ["a"]
        await w.delete("part", resource=PARTS)
        await until(lambda: w.names() == [])


async def test_a_group_that_comes_back_is_followed_anew() -> None:
    async with world() as w:
        part = await w.make("part", resource=PARTS)
        await w.make("a", owner(part))
        await idle(REST)
        w.serve_anew()
        await idle(REST)
        await w.delete("part", resource=PARTS)
        await until(lambda: w.names() == [])


async def test_a_kind_that_is_just_taken_away_has_no_missing_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "REFRESH_SECONDS", 60.0)
    async with world() as w:
        part = await w.make("part", resource=PARTS)
        w.serve("")
        await w.make("a", owner(part))
        await idle(REST)
        assert w.names() == ["a"]


async def test_owners_that_nobody_can_watch_are_asked_for_again() -> None:
    async with world() as w:
        shy = await w.make("shy", resource=SHY)
        await w.make("a", owner(shy))
        await idle(REST)
        assert w.names() == ["a"]
        await w.delete("shy", resource=SHY)
        await until(lambda: w.names() == [])


async def test_what_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as w:
        a = await w.make("a")
        await w.make("b", owner(a))
        delete, errors = w.client.delete, iter([Unavailable("away"), StatusError(500, "InternalError", "broken")])

        async def failing(*args: object, **options: object) -> None:
            for error in errors:
                raise error
            await delete(*args, **options)

        await w.delete("a")
        monkeypatch.setattr(w.client, "delete", failing)
        await until(lambda: w.names() == [])
        assert next(errors, None) is None


async def test_a_decision_on_an_older_state_is_not_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as w:
        a, b = await w.make("a"), await w.make("b")
        await w.make("c", owner(a))
        delete, versions = w.client.delete, []

        async def adopted_first(*args: object, **options: object) -> None:
            if not versions:
                await w.own("c", owner(b))
            versions.append(options["resource_version"])
            await delete(*args, **options)

        await w.delete("a")
        monkeypatch.setattr(w.client, "delete", adopted_first)
        await until(lambda: versions and owners(w.find("c")) == ["b"])
        await idle(REST)
        assert w.names() == ["b", "c"]


async def test_a_deletion_that_something_came_in_between_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as w:
        a = await w.make("a")
        await w.make("b", owner(a))
        delete, tried = w.client.delete, []

        def label(obj: Object) -> Object:
            obj["metadata"]["labels"] = {"x": "y"}
            return obj

        async def labelled_first(*args: object, **options: object) -> None:
            if not tried:
                await w.client.update(CONFIG_MAPS, "b", label, "ns")
            tried.append(args)
            await delete(*args, **options)

        await w.delete("a")
        monkeypatch.setattr(w.client, "delete", labelled_first)
        await until(lambda: w.names() == [])
        assert len(tried) > 1


async def test_what_is_being_deleted_is_not_deleted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as w:
        a = await w.make("a")
        await w.make("b", owner(a), finalizers=["example.com/held"])
        await w.delete("b")
        await w.delete("a")
        tried: list[object] = []

        async def noted(*args: object, **options: object) -> None:
            tried.append(args)

        monkeypatch.setattr(w.client, "delete", noted)
        await idle(REST)
        assert (w.names(), tried) == (["b"], [])


async def test_references_that_say_nothing_do_no_harm() -> None:
    async with world() as w:
        value = b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"odd","namespace":"ns",%s}}'
        await w.backend.create("/registry/configmaps/ns/odd", value % b'"uid":"1","ownerReferences":[{}]')
        await w.backend.create("/registry/configmaps/ns/old", value % b'"ownerReferences":[{"uid":"2"}]')
        a = await w.make("a")
        await w.make("b", owner(a))
        await w.delete("a")
        await until(lambda: w.names() == ["odd", "odd"])


async def test_nothing_is_kept_of_objects_without_owners() -> None:
    async with world() as w:
        for number in range(10):
            await w.make(f"a{number}")
        a = await w.make("a")
        await w.make("b", owner(a))
        await idle(REST)
        graph = w.collector._graph
        assert len(graph.nodes) == len(graph.owners) == 1
        await w.delete("a")
        await until(lambda: not graph.nodes and not graph.owners)


async def test_many_dependents_are_deleted_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as w:
        a = await w.make("a")
        for number in range(500):
            await w.make(str(number), owner(a, block=True))
        await idle(REST)
        deleted, delete = [], w.client.delete

        async def counted(*args: object, **options: object) -> None:
            deleted.append(args[1])
            await delete(*args, **options)

        async def asked(*args: object) -> None:
            raise AssertionError("the owner is known: nobody need ask for it")

        await w.delete("a", "Foreground")
        monkeypatch.setattr(w.client, "delete", counted)
        monkeypatch.setattr(w.client, "get", asked)
        await until(lambda: w.names() == [])
        assert sorted(deleted) == sorted(map(str, range(500)))


async def test_references_that_are_removed_are_nobodys_fields_any_more() -> None:
    async with world() as it:
        boss = await it.make("boss")
        kept = await it.make("kept", owner(boss))

        def own(obj: Object) -> Object:
            reference = {f'k:{{"uid":"{boss["metadata"]["uid"]}"}}': {}}
            obj["metadata"]["managedFields"] = [
                {"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                 "fieldsV1": {"f:data": {"f:a": {}}, "f:metadata": {"f:ownerReferences": reference}},
                 "time": "2026-01-01T00:00:00Z"},
            ]  # fmt: skip
            return {**obj, "data": {"a": "b"}}

        await it.client.update(CONFIG_MAPS, kept["metadata"]["name"], own, "ns")
        await it.delete("boss", "Orphan")
        await until(lambda: it.find("boss") is None)
        (entry,) = (await it.client.get(CONFIG_MAPS, "kept", "ns"))["metadata"]["managedFields"]
        assert entry["fieldsV1"] == {"f:data": {"f:a": {}}}
        assert entry["manager"] == "m"
