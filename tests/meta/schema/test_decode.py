import copy
import json
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.schema.decode import (
    DecodeError,
    decode_but_owners,
    decode_json,
    decode_unstructured,
    decode_value,
    decode_yaml,
    normalize,
)
from kapi.meta.schema.parse import ParseError

EMPTY = {"metadata": {}, "spec": {"name": ""}, "rules": None, "status": {"ready": False, "count": 0, "changed": None}}


def decoded(obj, struct):
    return decode_json(json.dumps(obj).encode(), struct).object


def spec_of(spec, struct):
    return decoded({"spec": spec}, struct)["spec"]


def test_members_that_go_always_writes_are_added(thing):
    assert decoded({}, thing) == EMPTY
    assert decode_json(b"null", thing).object == EMPTY


@pytest.mark.parametrize(
    ("given_spec", "expected"),
    [
        ({"note": "", "paused": False, "seconds": 0, "ratio": 0.0, "limits": {}, "ports": []}, {}),
        ({"note": None, "replicas": None, "selector": None, "ports": None, "since": None, "port": None}, {}),
        ({"replicas": 0}, {"replicas": 0}),
        ({"selector": {}}, {"selector": {}}),
        ({"port": 0}, {"port": 0}),
        ({"port": ""}, {"port": ""}),
        ({"ratio": 2.0}, {"ratio": 2}),
        ({"limits": {"cpu": "1000m", "memory": None, "n": 1.5}}, {"limits": {"cpu": "1", "memory": "0", "n": "1500m"}}),
        ({"ports": [None, {"port": 1, "host": 0}]}, {"ports": [{"port": 0}, {"port": 1}]}),
        ({"since": "2024-01-01T01:00:00.9+01:00"}, {"since": "2024-01-01T00:00:00Z"}),
        ({"free": {"a": None, "b": {}}}, {"free": {"a": None, "b": {}}}),
        ({"child": {"child": {"name": "x"}}}, {"child": {"name": "", "child": {"name": "x"}}}),
    ],
)
def test_normal_form(given_spec, expected, thing):
    assert spec_of(given_spec, thing) == {"name": "", **expected}


def test_null_in_a_map_is_the_zero_value(thing):
    assert decoded({"data": {"a": None, "b": "x"}}, thing)["data"] == {"a": "", "b": "x"}


def test_empty_list_that_go_writes_as_null(thing):
    assert decoded({"rules": []}, thing)["rules"] is None


def test_base64_is_made_canonical(thing):
    assert decoded({"binary": {"k": "aG\nk=", "l": "aGl="}}, thing)["binary"] == {"k": "aGk=", "l": "aGk="}


def test_problems_are_in_document_order_with_paths(thing):
    text = (
        b'{"bar":1,"spec":{"x":{"y":1},"ports":[{"port":1},{"nope":1,"port":2,"port":3}],"child":{"z":1}},'
        b'"data":{"k.x":"1","k.x":"2"},"metadata":{"name":"a","foo":1,"name":"b"},"bar":2,"data":{}}'
    )
    assert decode_json(text, thing).problems == [
        'unknown field "bar"',
        'unknown field "spec.x"',
        'unknown field "spec.ports[1].nope"',
        'duplicate field "spec.ports[1].port"',
        'unknown field "spec.child.z"',
        'duplicate field "data.k.x"',
        'unknown field "metadata.foo"',
        'duplicate field "metadata.name"',
        'duplicate field "data"',
    ]
    assert decode_json(text, thing, strict=False).problems == []


def test_at_most_a_hundred_problems(thing):
    assert len(decode_value({f"x{i}": 1 for i in range(200)}, thing).problems) == 100


def test_the_last_duplicate_wins_but_objects_are_united(thing):
    text = (
        b'{"metadata":{"name":"a","uid":"u"},"metadata":{"name":"b"},'
        b'"data":{"k":"1"},"data":{"l":"2"},"rules":["a"],"rules":["b"]}'
    )
    found = decode_json(text, thing).object
    assert found["metadata"] == {"name": "b", "uid": "u"}
    assert found["data"] == {"k": "1", "l": "2"}
    assert found["rules"] == ["b"]


def test_members_are_case_sensitive(thing):
    found = decode_json(b'{"Spec":{"name":"x"}}', thing)
    assert found.object == EMPTY
    assert found.problems == ['unknown field "Spec"']


def test_yaml_reports_duplicates_first(thing):
    found = decode_yaml(b"foo: bar\ndata:\n  k: a\n  k: b\n", thing)
    assert found.problems == [
        'yaml: unmarshal errors:\n  line 4: key "k" already set in map',
        'unknown field "foo"',
    ]
    assert found.object["data"] == {"k": "b"}


def test_the_value_given_is_neither_changed_nor_shared(thing):
    value = {"spec": {"free": {"a": [1]}, "name": "", "note": ""}, "data": {"a": "b"}, "rules": ["x"]}
    before = copy.deepcopy(value)
    found = decode_value(value, thing).object
    found["spec"]["free"]["a"].append(2)
    found["data"]["c"] = "d"
    found["rules"].append("y")
    assert value == before


TEXTS = st.text(max_size=3)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXTS,
        "note": TEXTS,
        "replicas": st.integers(-5, 5),
        "paused": st.booleans(),
        "ratio": st.floats(allow_nan=False, allow_infinity=False),
        "limits": st.dictionaries(TEXTS, st.sampled_from(["1", "1000m", "1Gi", "0.5"]), max_size=2),
        "port": st.integers(0, 9) | TEXTS,
        "ports": st.lists(
            st.fixed_dictionaries({}, optional={"port": st.integers(0, 3), "host": st.integers(0, 1)}), max_size=3
        ),
        "unknown": TEXTS,
    },
)


def containers(value):
    """Yield all dicts and lists in a value."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


@given(SPECS)
def test_nothing_that_can_change_is_shared_with_what_was_decoded(thing, spec):
    given_value = normalize(
        thing, {"metadata": {"labels": {"a": "b"}, "managedFields": [{"time": None}]}, "spec": spec}
    )
    again = decode_value(given_value, thing).object
    assert again == given_value
    assert not {id(each) for each in containers(again)} & {id(each) for each in containers(given_value)}


@given(SPECS)
def test_owners_can_be_left_as_they_are(thing, spec):
    owners = [{"manager": "m", "operation": "Update", "fieldsV1": {"f:spec": {}}}]
    value = normalize(thing, {"metadata": {"name": "a", "managedFields": owners}, "spec": spec})
    decoded = decode_but_owners(value, thing)
    assert decoded == decode_value(value, thing)
    assert decoded.object["metadata"]["managedFields"] is value["metadata"]["managedFields"]
    with pytest.raises(DecodeError):
        decode_but_owners({**value, "spec": 1}, thing)


@given(SPECS)
def test_normal_form_is_a_fixed_point(thing, spec):
    once = normalize(thing, {"spec": spec})
    assert normalize(thing, once) == once
    assert decode_json(orjson.dumps(once), thing).problems == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXTS,
        lambda v: (
            st.lists(v, max_size=3)
            | st.dictionaries(
                st.sampled_from(["spec", "name", "ports", "data", "metadata", "limits", "x"]), v, max_size=4
            )
        ),
        max_leaves=8,
    )
)
def test_any_value_decodes_or_is_refused(thing, value):
    with suppress(DecodeError):
        assert set(decode_value(value, thing).object) >= {"metadata", "spec", "rules", "status"}


def test_unstructured_objects(thing):
    found = decode_unstructured(b'{"spec":{"a":[{"x":1,"x":2}],"a":[]},"kind":"K"}')
    assert found.object == {"spec": {"a": []}, "kind": "K"}
    assert found.problems == ['duplicate field "spec.a[0].x"', 'duplicate field "spec.a"']
    with pytest.raises(DecodeError, match="cannot unmarshal array into Go value"):
        decode_unstructured(b"[]")


def test_malformed_text_is_a_parse_error(thing):
    with pytest.raises(ParseError):
        decode_json(b"{", thing)
    with pytest.raises(ParseError):
        decode_yaml(b"a: b: c", thing)
