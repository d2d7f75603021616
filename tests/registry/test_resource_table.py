import pytest

from kapi.admission.chain import AdmissionChain
from kapi.contracts.resources import APIGroup, APIVersion
from kapi.meta.gvk import GroupVersionResource
from kapi.registry.objects import changed, ordered, parse_resource_version, set_generation_on_update
from kapi.registry.table import ResourceConflict, build_table, merge_groups
from kapi_storage.memory import MemoryBackend
from widgets import GADGETS, GROUP, WIDGET, WIDGETS, WIDGETS_V2, Rig, running


async def test_versions_share_a_cache_and_resources_are_found() -> None:
    async with running() as rig:
        assert rig.store(WIDGETS).cache is rig.store(WIDGETS_V2).cache
        assert rig.store(WIDGETS).cache is not rig.store(GADGETS).cache
        nowhere = GroupVersionResource(GROUP, "v3", "widgets")
        assert (rig.table.resource(nowhere), rig.table.store(nowhere)) == (None, None)
        assert [resource.gvr for resource in rig.table.resources()] == [WIDGETS, GADGETS, WIDGETS_V2]
        assert rig.table.group_names == {GROUP}
        assert WIDGET in rig.table.kinds
        assert rig.store(WIDGETS).key("ns", "a") == "/registry/example.com/widgets/ns/a"
        assert rig.store(GADGETS).key("", "g") == "/registry/gadgets/g"


def test_groups_come_by_priority_then_name() -> None:
    groups = [APIGroup("b", (), priority=5), APIGroup("c", (), priority=9), APIGroup("a", (), priority=5)]
    assert [group.name for group in merge_groups(groups)] == ["c", "a", "b"]


def test_a_group_is_registered_once() -> None:
    with pytest.raises(ResourceConflict, match="'a' is registered more than once"):
        merge_groups([APIGroup("a", ()), APIGroup("a", ())])


def test_a_resource_is_registered_once() -> None:
    rig = Rig(MemoryBackend())
    resource = rig.table.resource(GADGETS)
    assert resource is not None
    twice = APIGroup(GROUP, (APIVersion("v1", (resource, resource)),))
    with pytest.raises(ResourceConflict, match="registered twice"):
        build_table([twice], rig.backend, rig.feed, "/registry/", AdmissionChain([]))


@pytest.mark.parametrize(("text", "number"), [("", 0), ("0", 0), ("12", 12)])
def test_resource_versions_are_numbers(text: str, number: int) -> None:
    assert parse_resource_version(text) == number


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "٣", " 1"])
def test_other_resource_versions_are_refused(text: str) -> None:
    with pytest.raises(Exception, match="strconv.ParseUint"):
        parse_resource_version(text)


def test_members_come_in_their_usual_order() -> None:
    obj = {"spec": {}, "metadata": {"finalizers": [], "name": "a", "junk": 1}, "apiVersion": "v1", "kind": "X"}
    made = ordered(obj)
    assert list(made) == ["kind", "apiVersion", "metadata", "spec"]
    assert list(made["metadata"]) == ["name", "finalizers"]


@pytest.mark.parametrize(
    ("new", "old", "differs"),
    [
        ({"spec": {"a": 1}}, {"spec": {"a": 1}}, False),
        ({"spec": {"a": 1}}, {"spec": {"a": 2}}, True),
        ({"spec": {"a": 1}}, {}, True),
        ({"spec": "x"}, {"spec": {"b": 1}}, False),
        ({"status": 1}, {"status": 2}, False),
    ],
)
def test_generations_count_changes_of_their_paths(new: dict, old: dict, differs: bool) -> None:
    assert changed(new, old, ("spec.a",)) is differs
    new["metadata"], old["metadata"] = {}, {"generation": 4}
    set_generation_on_update(new, old, ("spec.a",))
    assert new["metadata"] == ({"generation": 5} if differs else {})
