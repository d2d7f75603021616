import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.errors import StatusError
from kapi.meta.patch.json_patch import MAX_OPERATIONS, apply_json_patch, unknown_members

DOCUMENT = {"kind": "ConfigMap", "metadata": {"finalizers": ["a", "b", "c"]}, "data": {"a": "1"}}


def patched(*operations):
    before = copy.deepcopy(DOCUMENT)
    result = apply_json_patch(DOCUMENT, list(operations))
    assert before == DOCUMENT
    return result


def refusal(patch):
    with pytest.raises(StatusError) as caught:
        apply_json_patch(DOCUMENT, patch)
    return caught.value


@pytest.mark.parametrize(
    ("operation", "data"),
    [
        ({"op": "add", "path": "/data/b", "value": "2"}, {"a": "1", "b": "2"}),
        ({"op": "add", "path": "/data/a", "value": "2"}, {"a": "2"}),
        ({"op": "add", "path": "/data/b"}, {"a": "1", "b": None}),
        ({"op": "replace", "path": "/data/missing", "value": "2"}, {"a": "1", "missing": "2"}),
        ({"op": "remove", "path": "/data/a"}, {}),
        ({"op": "move", "from": "/data/a", "path": "/data/b"}, {"b": "1"}),
        ({"op": "copy", "from": "/data/a", "path": "/data/b"}, {"a": "1", "b": "1"}),
        ({"op": "copy", "from": "/data/none", "path": "/data/b"}, {"a": "1", "b": None}),
        ({"op": "add", "path": "/data/x~1y~0z", "value": "2"}, {"a": "1", "x/y~z": "2"}),
        ({"op": "test", "path": "/data", "value": {"a": "1"}}, {"a": "1"}),
        ({"op": "test", "path": "/data/none", "value": None}, {"a": "1"}),
    ],
)
def test_operations_on_members(operation, data):
    assert patched(operation)["data"] == data


@pytest.mark.parametrize(
    ("operation", "items"),
    [
        ({"op": "add", "path": "/metadata/finalizers/-", "value": "x"}, ["a", "b", "c", "x"]),
        ({"op": "add", "path": "/metadata/finalizers/1", "value": "x"}, ["a", "x", "b", "c"]),
        ({"op": "add", "path": "/metadata/finalizers/3", "value": "x"}, ["a", "b", "c", "x"]),
        ({"op": "add", "path": "/metadata/finalizers/-1", "value": "x"}, ["a", "b", "c", "x"]),
        ({"op": "remove", "path": "/metadata/finalizers/-1"}, ["a", "b"]),
        ({"op": "replace", "path": "/metadata/finalizers/0", "value": "x"}, ["x", "b", "c"]),
        (
            {"op": "move", "from": "/metadata/finalizers/0", "path": "/metadata/finalizers/1"},
            ["b", "a", "c"],
        ),
    ],
)
def test_operations_on_items(operation, items):
    assert patched(operation)["metadata"]["finalizers"] == items


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/data/missing"},
        {"op": "remove", "path": "/metadata/finalizers/3"},
        {"op": "remove", "path": "/metadata/finalizers/-"},
        {"op": "remove", "path": "/metadata/finalizers/1_0"},
        {"op": "remove", "path": "/data/a/b"},
        {"op": "add", "path": "/metadata/finalizers/9", "value": "x"},
        {"op": "add", "path": "/nope/x/y", "value": "1"},
        {"op": "add", "path": "", "value": {}},
        {"op": "add", "value": "1"},
        {"op": "replace", "path": "", "value": "x"},
        {"op": "move", "path": "/data/x"},
        {"op": "move", "from": "/data/none", "path": "/data/x"},
        {"op": "bogus", "path": "/data/a"},
        {"path": "/data/a"},
        None,
        {"op": "test", "path": "/data/a", "value": 1},
        {"op": "test", "path": "/data/a"},
        {"op": "test", "path": "/metadata/finalizers", "value": ["b", "a", "c"]},
    ],
)
def test_what_cannot_be_done_is_refused_without_a_reason(operation):
    error = refusal([operation])
    assert (error.code, error.reason, error.details) == (422, "Invalid", {})
    assert error.message == "the server rejected our request due to an error in our request"


@pytest.mark.parametrize(
    ("value", "other"), [(1, 1.0), (1, True), (0, False), ("1", 1), ([1], [1, 1]), ({"a": 1}, {"a": 1, "b": 2})]
)
def test_test_tells_types_apart(value, other):
    with pytest.raises(StatusError):
        apply_json_patch({"x": value}, [{"op": "test", "path": "/x", "value": other}])
    assert apply_json_patch({"x": value}, [{"op": "test", "path": "/x", "value": value}]) == {"x": value}


def test_no_operation_takes_effect_when_one_fails():
    refusal([{"op": "add", "path": "/data/b", "value": "2"}, {"op": "test", "path": "/data/a", "value": "2"}])
    assert DOCUMENT["data"] == {"a": "1"}


def test_the_first_part_of_a_pointer_does_not_count():
    assert patched({"op": "add", "path": "data/x", "value": "1"})["x"] == "1"


def test_the_whole_document_can_be_replaced():
    assert patched({"op": "replace", "path": "", "value": {"a": 1}}) == {"a": 1}


@pytest.mark.parametrize("patch", [None, [], b"null", b"[]"])
def test_an_empty_patch_changes_nothing(patch):
    assert apply_json_patch(DOCUMENT, patch) == DOCUMENT


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({}, "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
        (b'"x"', "json: cannot unmarshal string into Go value of type []handlers.jsonPatchOp"),
        ([1], "json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
        ([{"op": 1}], "json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string"),
        (b"", "unexpected end of JSON input"),
        (b'{"a":', "unexpected end of JSON input"),
    ],
)
def test_malformed_patches(patch, message):
    error = refusal(patch)
    assert (error.code, error.message) == (400, "error decoding patch: " + message)


def test_too_many_operations():
    operations = [{"op": "test", "path": "/kind", "value": "ConfigMap"}] * MAX_OPERATIONS
    assert apply_json_patch(DOCUMENT, operations) == DOCUMENT
    error = refusal(operations * 2)
    assert (error.code, error.reason) == (413, "RequestEntityTooLarge")
    assert error.message.endswith("operations in a JSON patch is 10000, got 20000")


def test_copies_cannot_blow_up_the_document():
    doubling = [{"op": "copy", "from": "/data", "path": f"/data/{number}"} for number in range(40)]
    assert refusal(doubling).code == 422


def test_nesting_cannot_grow_without_bound():
    nest = [
        {"op": "copy", "from": "/data", "path": "/metadata/x"},
        {"op": "move", "from": "/metadata", "path": "/data/m"},
        {"op": "move", "from": "/data", "path": "/metadata"},
        {"op": "add", "path": "/data", "value": {}},
    ]
    assert refusal(nest * 400).code == 422
    deep = "/data" + "/x" * 2000
    assert refusal([{"op": "add", "path": deep, "value": {}}]).code == 422


def test_members_that_no_operation_has():
    patch = [{"op": "add", "path": "/data/z", "value": "1", "value2": "1"}, {"op": "test", "path": "/kind", "x": 1}]
    assert unknown_members(patch) == [
        'json patch unknown field "[0].value2"',
        'json patch unknown field "[1].x"',
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab~/", max_size=3),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text("ab~/", max_size=2), children, max_size=3)
    ),
    max_leaves=10,
)
OBJECT = st.dictionaries(st.text("ab~/", max_size=2), JSON, max_size=4)


def escape(part):
    return part.replace("~", "~0").replace("/", "~1")


@given(OBJECT, st.text("ab~/", min_size=1, max_size=3), JSON)
def test_what_is_added_tests_equal_and_can_be_removed(document, name, value):
    document.pop(name, None)
    path = "/" + escape(name)
    add = {"op": "add", "path": path, "value": value}
    added = apply_json_patch(document, [add, {"op": "test", "path": path, "value": value}])
    assert added == {**document, name: value}
    assert apply_json_patch(added, [{"op": "remove", "path": path}]) == document


@given(OBJECT, JSON)
def test_hostile_operations_only_raise_status_errors(document, operation):
    code = 200
    try:
        apply_json_patch(document, [operation])
    except StatusError as error:
        code = error.code
    assert code in (200, 400, 422)
