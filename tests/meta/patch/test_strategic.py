import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.errors import StatusError
from kapi.meta.patch.strategic import apply_strategic_merge_patch
from kapi.meta.schema.types import Field, List, Map, Scalar, Struct

STRING = Scalar("string", "string")


def struct(name, *fields):
    return Struct(name, f"v1.{name}", lambda: {field.name: field for field in fields})


def merged(name, type_, key="", *more):
    return Field(name, type_, patch_strategies=("merge", *more), merge_key=key)


STRINGS = List(STRING, "[]string")
PORT = struct("Port", Field("port", Scalar("int32", "int32")), Field("name", STRING))
CONTAINER = struct(
    "Container",
    Field("name", STRING),
    Field("image", STRING),
    Field("args", STRINGS),
    merged("ports", List(PORT, "[]Port"), "port"),
)
VOLUME = struct("Volume", Field("name", STRING), Field("emptyDir", struct("E")), Field("hostPath", struct("H")))
KIND = struct(
    "Thing",
    merged("containers", List(CONTAINER, "[]Container"), "name"),
    merged("volumes", List(VOLUME, "[]Volume"), "name", "retainKeys"),
    merged("finalizers", STRINGS),
    Field("args", STRINGS),
    Field("data", Map(STRING, "map[string]string")),
    Field("selector", struct("S", Field("a", STRING), Field("b", STRING)), patch_strategies=("replace",)),
    merged("broken", List(CONTAINER, "[]Container")),
)


def patched(document, patch):
    arguments = copy.deepcopy((document, patch))
    result = apply_strategic_merge_patch(document, patch, KIND)
    assert (document, patch) == arguments
    return result


def refusal(document, patch):
    with pytest.raises(StatusError) as caught:
        apply_strategic_merge_patch(document, patch, KIND)
    return caught.value.code, caught.value.message


def containers(*names):
    return {"containers": [{"name": name, "image": "i"} for name in names]}


def names(document):
    return [item["name"] for item in document["containers"]]


def test_items_are_merged_by_key_and_new_ones_come_first():
    result = patched(containers("a", "b"), {"containers": [{"name": "b", "image": "x"}, {"name": "n", "image": "y"}]})
    assert result["containers"] == [
        {"name": "a", "image": "i"},
        {"name": "b", "image": "x"},
        {"name": "n", "image": "y"},
    ]
    assert names(patched(containers("a", "b"), {"containers": [{"name": "n"}]})) == ["n", "a", "b"]


def test_nested_lists_are_merged_too():
    live = {"containers": [{"name": "a", "ports": [{"port": 1, "name": "x"}, {"port": 2}]}]}
    result = patched(live, {"containers": [{"name": "a", "ports": [{"port": 1, "name": "y"}]}]})
    assert result["containers"][0]["ports"] == [{"port": 1, "name": "y"}, {"port": 2}]


def test_merge_keys_tell_types_apart():
    live = {"containers": [{"name": "a", "ports": [{"port": 1}]}]}
    result = patched(live, {"containers": [{"name": "a", "ports": [{"port": 1.0}]}]})
    assert result["containers"][0]["ports"] == [{"port": 1.0}, {"port": 1}]


def test_lists_without_merge_strategy_are_replaced():
    assert patched({"args": ["a", "b"]}, {"args": ["c"]}) == {"args": ["c"]}


def test_scalars_are_united():
    assert patched({"finalizers": ["a", "b"]}, {"finalizers": ["c", "a"]}) == {"finalizers": ["c", "a", "b"]}


def test_nulls_delete_and_do_not_stay():
    assert patched({"data": {"a": "1", "b": "2"}}, {"data": {"a": None, "c": None}}) == {"data": {"b": "2"}}
    assert patched({}, {"data": {"a": None}, "args": None}) == {"data": {}}


def test_a_field_with_replace_strategy():
    assert patched({"selector": {"a": "1"}}, {"selector": {"b": "2"}}) == {"selector": {"b": "2"}}


@pytest.mark.parametrize(
    ("patch", "data"),
    [
        ({"$patch": "replace", "c": "3"}, {"c": "3"}),
        ({"$patch": "delete"}, {}),
        ({"$retainKeys": ["b", "d"], "d": "5"}, {"b": "2", "d": "5"}),
    ],
)
def test_directives_in_maps(patch, data):
    assert patched({"data": {"a": "1", "b": "2"}}, {"data": patch}) == {"data": data}


def test_a_directive_without_anything_to_direct_is_dropped():
    assert patched({}, {"data": {"$patch": 5}}) == {}
    assert patched({}, {"containers": [{"$patch": "delete", "name": "a"}, {"name": "b"}]}) == {
        "containers": [{"name": "b"}]
    }


@pytest.mark.parametrize("directive", ["merge", "bogus"])
def test_unknown_directives(directive):
    code, message = refusal({"data": {"a": "1"}}, {"data": {"$patch": directive, "e": "5"}})
    assert (code, message) == (500, f"unknown patch type: {directive} in map: map[$patch:{directive} e:5]")


def test_directives_in_items():
    live = containers("a", "b", "c")
    assert names(patched(live, {"containers": [{"name": "b", "$patch": "delete"}]})) == ["a", "c"]
    assert names(patched(live, {"containers": [{"$patch": "replace"}, {"name": "z"}]})) == ["z"]
    assert refusal(live, {"containers": [{"name": "b", "$patch": "merge"}]})[1] == (
        "merging lists cannot yet be specified in the patch"
    )
    assert refusal(live, {"containers": [{"name": "b", "$patch": "x"}]})[1] == (
        "unknown patch type: x in map: map[$patch:x name:b]"
    )


def test_retain_keys():
    live = {"volumes": [{"name": "v", "emptyDir": {}}]}
    patch = {"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {}}]}
    assert patched(live, patch) == {"volumes": [{"name": "v", "hostPath": {}}]}
    for listed in (["hostPath"], "name"):
        broken = {"volumes": [{"name": "v", "$retainKeys": listed, "hostPath": {}}]}
        assert refusal(live, broken) == (400, "invalid patch format of retainKeys")


def test_deleting_scalars():
    live = {"finalizers": ["a", "b", "c"]}
    assert patched(live, {"$deleteFromPrimitiveList/finalizers": ["b", "z"]}) == {"finalizers": ["a", "c"]}
    assert patched(live, {"$deleteFromPrimitiveList/args": ["b"]}) == live
    assert refusal(live, {"$deleteFromPrimitiveList": ["b"]}) == (400, "invalid patch format of primitive list")


def test_ordering():
    live = containers("a", "b", "c")
    order = [{"name": "c"}, {"name": "a"}]
    assert names(patched(live, {"$setElementOrder/containers": order})) == ["b", "c", "a"]
    with_item = {"$setElementOrder/containers": [{"name": "c"}, {"name": "n"}], "containers": [{"name": "n"}]}
    assert names(patched(live, with_item)) == ["a", "b", "c", "n"]
    scalars = {"$setElementOrder/finalizers": ["z", "x"], "finalizers": ["z"]}
    assert patched({"finalizers": ["x", "y"]}, scalars) == {"finalizers": ["z", "x", "y"]}


def test_an_order_that_does_not_hold_the_items_of_the_patch():
    patch = {"$setElementOrder/finalizers": ["c"], "finalizers": ["e"]}
    message = "The order in patch list:\n[e]\n doesn't match $setElementOrder list:\n[c]\n"
    assert refusal({"finalizers": ["c"]}, patch) == (500, message)


@pytest.mark.parametrize(
    ("patch", "code", "message"),
    [
        ({"containers": [{"image": "x"}]}, 500, "map: map[image:x] does not contain declared merge key: name"),
        (
            {"containers": [{"name": "a"}, 5]},
            500,
            "list element types are not identical: [[map[image:i name:a]] [map[name:a] 5]]",
        ),
        ({"broken": [{"name": "a"}]}, 500, "cannot merge lists without merge key for struct"),
        ({"$setElementOrder/nope": ["a"]}, 500, 'unable to find api field in struct Thing for the json field "nope"'),
        ({"$setElementOrder/data": ["a"]}, 500, "expected a []interface {}, but received a map[string]interface {}"),
        ({"$setElementOrder/finalizers": {}}, 500, "expected a []interface {}, but received a map[string]interface {}"),
        ([1], 400, "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (b"", 400, "unexpected end of JSON input"),
    ],
)
def test_refusals(patch, code, message):
    live = {**containers("a"), "broken": [{"name": "b"}], "data": {"k": "v"}}
    assert refusal(live, patch) == (code, message)


def test_null_changes_nothing():
    assert patched(containers("a"), None) == containers("a")


def test_large_lists_take_linear_time():
    live = {"finalizers": [f"f{number}" for number in range(20_000)], **containers(*map(str, range(10_000)))}
    patch = {
        "finalizers": [f"g{number}" for number in range(20_000)],
        "containers": [{"name": str(number), "image": "x"} for number in range(5_000, 15_000)],
    }
    result = patched(live, patch)
    assert len(result["finalizers"]) == 40_000
    assert len(result["containers"]) == 15_000


KEYS = st.sampled_from("abcd")
ITEMS = st.lists(KEYS, unique=True, max_size=4)


@given(ITEMS, ITEMS)
def test_merging_keeps_every_item_once(live, patch):
    result = patched({"finalizers": live, **containers(*live)}, {"finalizers": patch, **containers(*patch)})
    assert sorted(result["finalizers"]) == sorted({*live, *patch})
    assert sorted(names(result)) == sorted({*live, *patch})
    assert [name for name in names(result) if name in patch] == patch
    assert [name for name in names(result) if name not in patch] == [name for name in live if name not in patch]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "delete", "replace"]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "containers", "finalizers", "data", "$patch", "$retainKeys", "$setElementOrder/containers"]
                + ["$deleteFromPrimitiveList/finalizers", "volumes", "ports"]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_hostile_patches_only_raise_status_errors(patch):
    live = {"finalizers": ["a"], "data": {"name": "x"}, "volumes": [], **containers("a", "b")}
    code = 200
    try:
        apply_strategic_merge_patch(live, patch, KIND)
    except StatusError as error:
        code = error.code
    assert code in (200, 400, 422, 500)
