"""What RFC 6902 and RFC 7386 say, on examples of our own; deviations are kube-apiserver's and named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.errors import StatusError
from kapi.meta.patch.json_patch import apply_json_patch
from kapi.meta.patch.merge_patch import apply_merge_patch


def op(name, path, **members):
    return {"op": name, "path": path, **members}


@pytest.mark.parametrize(
    ("document", "operations", "result"),
    [
        # 4.1 add: a member, an item before another, at the end, a member that is there, into nested places
        ({"a": 1}, [op("add", "/b", value=2)], {"a": 1, "b": 2}),
        ({"l": ["x", "z"]}, [op("add", "/l/1", value="y")], {"l": ["x", "y", "z"]}),
        ({"l": [1]}, [op("add", "/l/-", value=[2, 3])], {"l": [1, [2, 3]]}),
        ({"a": 1}, [op("add", "/a", value=None)], {"a": None}),
        ({"a": {"b": [{}]}}, [op("add", "/a/b/0/c", value=1)], {"a": {"b": [{"c": 1}]}}),
        # 4.2 remove, 4.3 replace
        ({"a": 1, "b": 2}, [op("remove", "/b")], {"a": 1}),
        ({"l": [1, 2, 3]}, [op("remove", "/l/1")], {"l": [1, 3]}),
        ({"a": {"b": 1}}, [op("replace", "/a/b", value={"c": 2})], {"a": {"b": {"c": 2}}}),
        # 4.4 move: out of an object into another, within a list
        ({"a": {"x": 1}, "b": {}}, [op("move", "/b/y", **{"from": "/a/x"})], {"a": {}, "b": {"y": 1}}),
        ({"l": [1, 2, 3]}, [op("move", "/l/2", **{"from": "/l/0"})], {"l": [2, 3, 1]}),
        # 4.5 copy is deep: what happens to the copy does not happen to the original
        (
            {"a": {"x": [1]}},
            [op("copy", "/b", **{"from": "/a"}), op("add", "/b/x/-", value=2)],
            {"a": {"x": [1]}, "b": {"x": [1, 2]}},
        ),
        # 4.6 test: objects in any order of members, lists in order, null, a string is not a number
        ({"a": {"x": 1, "y": [2]}}, [op("test", "/a", value={"y": [2], "x": 1})], {"a": {"x": 1, "y": [2]}}),
        ({"a": None}, [op("test", "/a", value=None)], {"a": None}),
        # RFC 6901: "" is the document, "/" its member "", escapes undone in the right order
        ({"": 1}, [op("replace", "/", value=2)], {"": 2}),
        ({"~1": 1}, [op("replace", "/~01", value=2)], {"~1": 2}),
        ({"a/b": 1, "m~n": 2}, [op("remove", "/a~1b"), op("replace", "/m~0n", value=3)], {"m~n": 3}),
        # 3: members that an operation does not have are ignored
        ({"a": 1}, [op("add", "/b", value=2, extra=True)], {"a": 1, "b": 2}),
        # deviations: a member that is not there can be replaced, a position counts from the end
        ({}, [op("replace", "/a", value=1)], {"a": 1}),
        ({"l": [1, 2]}, [op("remove", "/l/-1")], {"l": [1]}),
    ],
)
def test_json_patch(document, operations, result):
    assert apply_json_patch(document, operations) == result


@pytest.mark.parametrize(
    ("document", "operation"),
    [
        ({"a": 1}, op("remove", "/b")),
        ({"a": 1}, op("add", "/b/c", value=1)),
        ({"l": [1]}, op("add", "/l/2", value=1)),
        ({"l": [1]}, op("remove", "/l/1")),
        ({"l": [1]}, op("add", "/l/x", value=1)),
        ({"l": [1]}, op("replace", "/l/-", value=1)),
        ({"a": "1"}, op("test", "/a", value=1)),
        ({"a": [1, 2]}, op("test", "/a", value=[2, 1])),
        ({"a": 1}, op("test", "/a")),
        ({"a": 1}, op("spam", "/a", value=1)),
        ({"a": 1}, {"path": "/a", "value": 1}),
        ({"a": 1}, {"op": "add", "value": 1}),
        ({"a": {}}, op("move", "/b", **{"from": "/a/x"})),
        ({"a": 1}, op("copy", "/b")),
        ({"a": {"b": 1}}, op("move", "/a/b/c", **{"from": "/a"})),
    ],
)
def test_operations_that_cannot_be_carried_out(document, operation):
    with pytest.raises(StatusError) as caught:
        apply_json_patch(document, [op("add", "/new", value=1), operation])
    assert caught.value.code == 422
    assert "new" not in document


SCALARS = st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2)
DOCUMENTS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)
PATCHES = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(st.none() | SCALARS, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_size=3,
)


@given(DOCUMENTS)
def test_the_empty_merge_patch_changes_nothing_and_a_document_patches_nothing_to_itself(document):
    assert apply_merge_patch(document, {}) == document
    assert apply_merge_patch({}, document) == document
    assert apply_merge_patch(document, document) == document


@given(DOCUMENTS, PATCHES)
def test_a_merge_patch_sets_what_it_has_and_removes_what_it_has_as_null(document, patch):
    result = apply_merge_patch(document, patch)
    for key in document.keys() | patch.keys():
        if key not in patch:
            assert result[key] == document[key]
        elif patch[key] is None:
            assert key not in result
        elif isinstance(patch[key], dict):
            below = document.get(key)
            assert result[key] == apply_merge_patch(below if isinstance(below, dict) else {}, patch[key])
        else:
            assert result[key] == patch[key]


@given(DOCUMENTS, PATCHES, PATCHES)
def test_merge_patches_of_different_members_commute(document, left, right):
    other = {key: value for key, value in right.items() if key not in left}
    assert apply_merge_patch(apply_merge_patch(document, left), other) == apply_merge_patch(
        apply_merge_patch(document, other), left
    )
