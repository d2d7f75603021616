import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.errors import StatusError
from kapi.meta.patch.merge_patch import apply_merge_patch, create_merge_patch


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"a": "foo"}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({"a": {"b": 1}}, {"a": [{"c": None}]}, {"a": [{"c": None}]}),
        ({"a": [1]}, {"a": [{"c": None, "d": [None]}]}, {"a": [{"d": [None]}]}),
        ({"a": None}, {"a": {"b": None}}, {"a": {}}),
    ],
)
def test_merging(document, patch, result):
    arguments = copy.deepcopy((document, patch))
    assert apply_merge_patch(document, patch) == result
    assert (document, patch) == arguments


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (None, "Invalid JSON Patch"),
        (b"null", "Invalid JSON Patch"),
        ([1], "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"),
        ("x", "error decoding patch: json: cannot unmarshal string into Go value of type map[string]interface {}"),
        (b"", "error decoding patch: unexpected end of JSON input"),
        (b'data: {b: "4"}', "error decoding patch: invalid character 'd' looking for beginning of value"),
    ],
)
def test_malformed_patches(patch, message):
    with pytest.raises(StatusError) as caught:
        apply_merge_patch({"a": 1}, patch)
    assert (caught.value.code, caught.value.reason, caught.value.message) == (400, "BadRequest", message)


def test_a_patch_that_is_nested_too_deeply():
    patch = {}
    for _ in range(5000):
        patch = {"a": patch}
    with pytest.raises(StatusError) as caught:
        apply_merge_patch({}, patch)
    assert caught.value.code == 400


SCALARS = st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2)
VALUES = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=2) | st.dictionaries(st.text("abc", max_size=1), children, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abc", max_size=1), VALUES, max_size=4)
PATCHES = st.dictionaries(
    st.text("abc", max_size=1), st.none() | VALUES | st.dictionaries(st.text("abc", max_size=1), st.none(), max_size=2)
)


@given(OBJECTS, OBJECTS)
def test_a_created_patch_turns_one_object_into_the_other(original, modified):
    assert apply_merge_patch(original, create_merge_patch(original, modified)) == modified


@given(OBJECTS, PATCHES)
def test_applying_twice_is_applying_once(document, patch):
    once = apply_merge_patch(document, patch)
    assert apply_merge_patch(once, patch) == once


@given(OBJECTS)
def test_the_difference_to_itself_is_empty(document):
    assert create_merge_patch(document, document) == {}
