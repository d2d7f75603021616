"""Laws of server-side apply that hold for any configurations."""

import json

from apply_kinds import WORKLOAD, applied, entries, owned, workload
from hypothesis import given, settings
from hypothesis import strategies as st

from kapi.meta.apply.fieldset import difference, from_paths, has, intersection, members
from kapi.meta.apply.merge import remove
from kapi.meta.apply.owned import owned_fields
from kapi.meta.apply.path import path_text
from kapi.meta.errors import StatusError

NAMES = st.sampled_from("abc")
WORDS = st.sampled_from(["x", "y"])
LABELS = st.dictionaries(NAMES, WORDS, min_size=1, max_size=3)
CONTAINER = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "image": WORDS,
        "args": st.lists(WORDS, min_size=1, max_size=2),
        "ports": st.lists(
            st.fixed_dictionaries({"port": st.integers(1, 3)}, optional={"protocol": st.sampled_from(["TCP", "UDP"])}),
            unique_by=lambda port: (port["port"], port.get("protocol", "TCP")),
            min_size=1,
            max_size=2,
        ),
    },
)
SPEC = st.fixed_dictionaries(
    {"replicas": st.integers(1, 2)},
    optional={
        "selector": st.fixed_dictionaries({"app": WORDS}),
        "nodeSelector": st.dictionaries(NAMES, WORDS, min_size=1, max_size=2),
        "free": st.dictionaries(NAMES, WORDS | st.lists(WORDS, max_size=1), min_size=1, max_size=2),
        "containers": st.lists(CONTAINER, unique_by=lambda item: item["name"], min_size=1, max_size=3),
    },
)
FINALIZERS = st.lists(WORDS, unique=True, min_size=1, max_size=2)
CONFIGS = st.builds(
    lambda spec, labels, finalizers: {
        **workload(spec=spec),
        "metadata": {"name": "w", "labels": labels, "finalizers": finalizers},
    },
    SPEC,
    LABELS,
    FINALIZERS,
)


def do(live, wanted, manager, force=True):
    return applied(live, wanted, manager, kind=WORKLOAD, force=force)


def leaf_paths(obj):
    return set(members(owned_fields(WORKLOAD, obj)))


def content(obj):
    """Return an object without owners and without what is empty, and with lists in no order."""
    if isinstance(obj, dict):
        pairs = {key: content(value) for key, value in obj.items() if key != "managedFields"}
        return {key: value for key, value in pairs.items() if value not in ({}, [], None)}
    return (
        sorted(map(content, obj), key=lambda item: json.dumps(item, sort_keys=True)) if isinstance(obj, list) else obj
    )


@given(CONFIGS)
def test_what_is_applied_is_there_and_owned(wanted):
    result = do(None, wanted, "a")
    assert content(result) == content(wanted)
    unowned = {("f:apiVersion",), ("f:kind",), ("f:metadata", "f:name")}
    assert set(members(owned(result)["a"])) == leaf_paths(wanted) - unowned


@given(CONFIGS, CONFIGS)
def test_applying_twice_is_applying_once(first, second):
    once = do(do(None, first, "a"), second, "b")
    assert do(once, second, "b") == once


@given(CONFIGS, CONFIGS)
def test_a_manager_alone_gets_exactly_what_it_applied_last(first, second):
    assert content(do(do(None, first, "a"), second, "a")) == content(second)


@given(CONFIGS, CONFIGS)
def test_without_force_nobody_loses_a_field(first, second):
    live = do(None, first, "a")
    try:
        result = do(live, second, "b", force=False)
    except StatusError as error:
        assert error.code == 409  # noqa: PT017 - either outcome is right
        return
    assert owned(result)["a"] == owned(live)["a"]
    everything = owned_fields(WORKLOAD, result)
    assert difference(owned(live)["a"], everything) == {}


@given(CONFIGS, CONFIGS)
def test_with_force_the_last_one_has_its_way(first, second):
    result = do(do(None, first, "a"), second, "b")
    assert leaf_paths(second) <= leaf_paths(result)
    kept = owned_fields(WORKLOAD, result)
    assert all(has(kept, path) for path in members(owned(result).get("a", {})))


@given(CONFIGS, CONFIGS)
def test_a_manager_that_omits_all_leaves_what_is_the_others(first, second):
    result = do(do(do(None, first, "a"), second, "b"), workload(), "a")
    assert "a" not in owned(result)
    assert content(result)["metadata"]["finalizers"] == sorted(second["metadata"]["finalizers"])
    wanted = do(None, second, "b")
    assert owned(result)["b"] == owned(wanted)["b"]
    assert content(result) == content(wanted)


@given(LABELS, LABELS)
def test_the_order_of_disjoint_applies_does_not_matter(left, right):
    one = workload(spec={"free": {f"l{key}": value for key, value in left.items()}})
    other = workload(spec={"free": {f"r{key}": value for key, value in right.items()}, "replicas": 1})
    forth = do(do(None, one, "a", force=False), other, "b", force=False)
    back = do(do(None, other, "b", force=False), one, "a", force=False)
    assert content(forth) == content(back)
    assert owned(forth) == owned(back)


@given(CONFIGS, CONFIGS)
def test_owners_are_in_order_and_own_something(first, second):
    result = do(do(None, first, "b"), second, "a")
    managers = [entry["manager"] for entry in entries(result)]
    assert managers == sorted(managers)
    assert all(entry["fieldsV1"] for entry in entries(result))


@settings(max_examples=50)
@given(CONFIGS)
def test_removing_all_fields_leaves_nothing_and_none_leaves_all(obj):
    assert remove(WORKLOAD, obj, {}) == obj
    rest = remove(WORKLOAD, obj, owned_fields(WORKLOAD, obj))
    assert intersection(owned_fields(WORKLOAD, rest), from_paths(("f:spec", "f:replicas"))) == {}
    assert not content(rest)


@given(CONFIGS, st.sampled_from(["abc", "ab", "a"]))
def test_the_order_of_applies_of_different_items_does_not_matter(whole, mine):
    """Two managers share a workload: one has some of its containers and labels, the other has the rest."""

    def half(wanted):
        spec = {**whole["spec"]}
        containers = [item for item in spec.pop("containers", ()) if wanted(item["name"])]
        labels = {key: value for key, value in whole["metadata"]["labels"].items() if wanted(key)}
        shared = {"containers": containers} if containers else {}
        return {**workload(spec=shared), "metadata": {"name": "w", "labels": labels}}

    one, other = half(lambda name: name in mine), half(lambda name: name not in mine)
    forth = do(do(None, one, "a", force=False), other, "b", force=False)
    back = do(do(None, other, "b", force=False), one, "a", force=False)
    assert content(forth) == content(back)
    assert owned(forth) == owned(back)
    assert content(do(forth, workload(), "a")) == content(do(None, other, "b"))


@given(CONFIGS, CONFIGS, CONFIGS)
def test_what_two_managers_share_stays_when_one_leaves(first, second, third):
    live = do(do(do(None, first, "a"), second, "b"), third, "c")
    left = do(live, workload(), "c")
    kept = owned_fields(WORKLOAD, left)
    for manager in ("a", "b"):
        assert owned(left).get(manager) == owned(live).get(manager)
        assert all(has(kept, path) for path in members(owned(left).get(manager, {})))
    assert "c" not in owned(left)


@given(CONFIGS, CONFIGS)
def test_force_takes_what_conflicts_and_nothing_else(first, second):
    live = do(None, first, "a")
    result = do(live, second, "b")
    lost = difference(owned(live)["a"], owned(result).get("a", {}))
    try:
        do(live, second, "b", force=False)
        conflicts = set()
    except StatusError as error:
        conflicts = {cause["field"] for cause in error.details["causes"]}
    assert {path_text(path) for path in members(lost)} == conflicts
