from kapi.contracts.client import Object, ServedResource
from kapi.meta.gvk import GroupVersionResource
from kapi_controllers.garbage import graph as graphs
from kapi_controllers.garbage.graph import Coordinates, OwnerGraph

PARTS = ServedResource(GroupVersionResource("example.com", "v1", "parts"), "Part", True, ())
TOOLS = ServedResource(GroupVersionResource("example.com", "v1", "tools"), "Tool", True, ())


def metadata(uid: str, *owners: str, block: bool = True, waits: bool = False) -> Object:
    references = [{"apiVersion": "v1", "kind": "X", "name": o, "uid": o, "blockOwnerDeletion": block} for o in owners]
    found = {"name": uid, "namespace": "ns", "uid": uid, "resourceVersion": "1", "ownerReferences": references}
    return {**found, "deletionTimestamp": "now", "finalizers": ["foregroundDeletion"]} if waits else found


def at(resource: ServedResource, name: str) -> Coordinates:
    return Coordinates(resource.gvr.group_resource, "ns", name)


def test_an_owner_is_there_until_it_is_removed_and_then_missing_for_ever() -> None:
    attended: list[str] = []
    graph = OwnerGraph(attended.append)
    graph.put(PARTS, metadata("b", "a"))
    graph.learn_there("a", at(PARTS, "a"))
    assert graph.is_there("a", at(PARTS, "a"))
    assert not graph.is_there("a", at(TOOLS, "a"))
    graph.remove(PARTS, metadata("a"))
    assert not graph.is_there("a", at(PARTS, "a"))
    assert graph.missing("a", at(PARTS, "a")) == "absent"
    assert graph.missing("a", at(TOOLS, "a")) is None
    assert attended == ["b", "b"]


def test_what_is_known_of_a_resource_is_forgotten_with_it() -> None:
    attended: list[str] = []
    graph = OwnerGraph(attended.append)
    graph.put(PARTS, metadata("b", "a"))
    graph.put(TOOLS, metadata("c", "b"))
    graph.learn_there("a", at(PARTS, "a"))
    graph.learn_there("b", at(PARTS, "b"))
    attended.clear()
    graph.forget(PARTS.gvr.group_resource)
    assert list(graph.nodes) == ["c"]
    assert list(graph.owners) == ["b"]
    assert not graph.is_there("b", at(PARTS, "b"))
    assert attended == ["c"]


def test_only_so_many_missing_owners_are_remembered(monkeypatch) -> None:
    monkeypatch.setattr(graphs, "MISSING_OWNERS_KEPT", 2)
    graph = OwnerGraph(print)
    for name in "abc":
        graph.learn_missing(name, at(PARTS, name), "absent")
    assert [graph.missing(name, at(PARTS, name)) for name in "abc"] == [None, "absent", "absent"]


def test_a_change_that_is_not_about_owners_attends_to_nobody() -> None:
    attended: list[str] = []
    graph = OwnerGraph(attended.append)
    graph.put(PARTS, metadata("b", "a"))
    attended.clear()
    graph.put(PARTS, {**metadata("b", "a"), "resourceVersion": "2"})
    assert attended == []
    assert graph.nodes["b"].version == "2"
    assert graph.owners["a"].dependents["b"] is graph.nodes["b"]


def test_a_circle_is_one_of_blocking_references_among_those_that_wait(monkeypatch) -> None:
    graph = OwnerGraph(lambda uid: None)
    for uid, owner in ("ab", "bc", "ca"):
        graph.put(PARTS, metadata(uid, owner, waits=True))
    assert all(graph.in_circle(graph.nodes[uid]) for uid in "abc")
    monkeypatch.setattr(graphs, "CIRCLE_LIMIT", 2)
    assert not graph.in_circle(graph.nodes["a"])
    monkeypatch.undo()
    graph.put(PARTS, metadata("b", "c", waits=True, block=False))
    assert not graph.in_circle(graph.nodes["a"])
    graph.put(PARTS, metadata("b", "c", waits=True))
    graph.put(PARTS, metadata("c", "a"))
    assert not graph.in_circle(graph.nodes["a"])
