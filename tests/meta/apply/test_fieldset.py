import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.apply.fieldset import (
    below,
    canonical_element,
    counted,
    decode,
    difference,
    element_order,
    from_paths,
    has,
    in_order,
    intersection,
    leaves,
    members,
    recursive_difference,
    union,
)
from kapi.meta.apply.path import path_text

ELEMENTS = st.sampled_from(["f:a", "f:b", 'k:{"n":1}', 'k:{"n":10}', 'v:"x"', "v:2", "i:0"])
PATHS = st.lists(ELEMENTS, min_size=1, max_size=3).map(tuple)
PATH_SETS = st.sets(PATHS, max_size=8)


def paths_of(fields):
    return set(members(fields))


@given(PATH_SETS)
def test_paths_make_a_set_and_a_set_has_paths(paths):
    fields = from_paths(*paths)
    assert paths_of(fields) == paths
    assert all(has(fields, path) for path in paths)
    assert decode(fields) == fields
    assert list(decode(fields)) == list(fields)


@given(PATH_SETS, PATH_SETS)
def test_set_operations_are_those_of_sets(left, right):
    a, b = from_paths(*left), from_paths(*right)
    assert paths_of(union(a, b)) == left | right
    assert paths_of(difference(a, b)) == left - right
    assert paths_of(intersection(a, b)) == left & right
    assert union(a, b) == union(b, a) == from_paths(*(left | right))
    assert difference(a, b) == from_paths(*(left - right))
    assert intersection(a, b) == from_paths(*(left & right))
    below = {path for path in left if not any(path[: len(gone)] == gone for gone in right)}
    assert recursive_difference(a, b) == from_paths(*below)
    assert a == from_paths(*left)
    assert b == from_paths(*right)


@given(PATH_SETS, st.lists(ELEMENTS | st.just("*"), max_size=2).map(tuple))
def test_what_is_below_a_pattern(paths, pattern):
    def matches(path):
        return len(path) >= len(pattern) and all(
            wanted in ("*", part) for wanted, part in zip(pattern, path, strict=False)
        )

    fields = from_paths(*paths)
    assert below(fields, pattern) == from_paths(*filter(matches, paths))
    assert counted(fields, lambda given: below(given, pattern)) == below(fields, pattern)
    assert counted(fields, None) is fields


@given(PATH_SETS)
def test_leaves_have_nothing_below(paths):
    expected = {path for path in paths if not any(other != path and other[: len(path)] == path for other in paths)}
    assert paths_of(leaves(from_paths(*paths))) == expected


@given(PATH_SETS, PATH_SETS)
def test_the_order_of_keys_does_not_depend_on_how_a_set_came_about(left, right):
    joined = union(from_paths(*left), from_paths(*right))
    levels = [joined]
    while levels:
        level = levels.pop()
        assert list(level) == list(in_order(level))
        levels.extend(level.values())


def test_a_difference_that_takes_nothing_is_the_set_itself():
    fields = from_paths(("f:a", "f:b"))
    assert difference(fields, from_paths(("f:a",))) is fields


def test_elements_are_ordered_by_value():
    elements = ["i:0", 'v:"a"', "v:10", "v:9", 'k:{"p":80}', 'k:{"p":9}', 'k:{"n":"a!"}', 'k:{"n":"a"}', "f:z", "."]
    assert sorted(elements, key=element_order) == elements[::-1]


def test_decoding_makes_canonical():
    raw = {
        "f:b": {},
        "f:a": {".": {}, 'k:{"b":1.0,"a":"<"}': {}, 'v:"\\u0041"': {".": {}}, "x:unknown": {}},
        "f:c": {"x:unknown": {}},
        "x:y": {},
    }
    expected = {"f:a": {".": {}, 'k:{"a":"\\u003c","b":1}': {}, 'v:"A"': {}}, "f:b": {}, "f:c": {}}
    assert decode(raw) == expected
    assert list(decode(raw)) == ["f:a", "f:b", "f:c"]


@pytest.mark.parametrize("raw", [[], "x", {"f:a": 1}, {"nocolon": {}}, {"k:[]": {}}, {"v:{": {}}, {'i:"x"': {}}])
def test_what_is_no_field_set(raw):
    with pytest.raises(ValueError, match="."):
        decode(raw)


def test_unknown_kinds_of_elements():
    assert canonical_element("x:1") is None


def test_paths_are_printed():
    path = ("f:spec", 'k:{"containerPort":90,"protocol":"TCP"}', 'v:"x"', "i:3", "v:1.5", "v:true", "v:null")
    assert path_text(path) == '.spec[containerPort=90,protocol="TCP"][="x"][3][=1.5][=true][=null]'
