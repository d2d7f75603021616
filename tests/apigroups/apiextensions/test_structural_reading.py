"""Pruning, defaults, and the laws that both keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta.schema.decode import DecodeError, decode_json
from kapi_apigroups.apiextensions.structural.rules import StructuralRules

SPEC = {
    "type": "object",
    "properties": {
        "s": {"type": "string", "default": "d"},
        "n": {"type": "string", "nullable": True, "default": "n"},
        "o": {"type": "object", "default": {}, "properties": {"p": {"type": "integer", "default": 1}}},
        "l": {"type": "array", "items": {"type": "object", "properties": {"v": {"type": "string", "default": "V"}}}},
        "m": {"type": "object", "additionalProperties": {"type": "object", "properties": {"z": {"type": "integer"}}}},
        "free": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"fixed": {"type": "object", "properties": {"a": {"type": "string"}}}},
        },
        "any": {"x-kubernetes-preserve-unknown-fields": True},
        "emb": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}},
    },
}
SCHEMA = {"type": "object", "properties": {"spec": SPEC}}
RULES = StructuralRules(SCHEMA, "io.x.v1.Thing", "Thing")


def read(spec, **members):
    obj, problems = RULES.read({"kind": "Thing", "apiVersion": "x.io/v1", "spec": spec, **members}, None, True)
    return obj["spec"], problems


def settled(spec):
    obj, _ = RULES.read({"spec": spec}, None, False)
    RULES.default(obj)
    return obj["spec"]


@pytest.mark.parametrize(
    ("sent", "kept", "unknown"),
    [
        ({"x": 1, "s": "a"}, {"s": "a"}, ["spec.x"]),
        ({"l": [{"v": "1", "w": 2}, {"y": 3}]}, {"l": [{"v": "1"}, {}]}, ["spec.l[0].w", "spec.l[1].y"]),
        ({"m": {"k": {"z": 1, "y": 2}}}, {"m": {"k": {"z": 1}}}, ["spec.m.k.y"]),
        ({"free": {"x": {"y": [1]}, "fixed": {"a": "1", "b": "2"}}}, {"free": {"x": {"y": [1]}, "fixed": {"a": "1"}}},
         ["spec.free.fixed.b"]),
        ({"any": [1, {"a": None}]}, {"any": [1, {"a": None}]}, []),
        ({"emb": {"kind": "K", "metadata": {"name": "n", "odd": 1}, "z": 1}},
         {"emb": {"kind": "K", "metadata": {"name": "n"}}}, ["spec.emb.metadata.odd", "spec.emb.z"]),
        ({"s": {"deep": 1}}, {"s": {}}, ["spec.s.deep"]),
    ],
)  # fmt: skip
def test_unknown_members_are_dropped_and_named(sent, kept, unknown):
    found, problems = read(sent)
    assert found == kept
    assert problems == [f'unknown field "{path}"' for path in unknown]


def test_members_at_the_top_and_in_metadata_are_named_too():
    obj, problems = RULES.read({"metadata": {"name": "a", "odd": 1}, "top": 1}, None, True)
    assert obj == {"metadata": {"name": "a"}}
    assert problems == ['unknown field "metadata.odd"', 'unknown field "top"']


def test_repeated_members_are_named_first_and_the_last_one_counts():
    decoded = decode_json(b'{"kind":"Thing","spec":{"s":"1","s":"2","x":1}}', RULES.type)
    assert decoded.object["spec"] == {"s": "2"}
    assert decoded.problems == ['duplicate field "spec.s"', 'unknown field "spec.x"']


def test_nulls_stay_where_they_are_allowed():
    assert read({"s": None, "n": None, "l": [None], "m": {"k": None}})[0] == {"n": None, "l": [None], "m": {}}


def test_defaults():
    assert settled({}) == {"s": "d", "n": "n", "o": {"p": 1}}
    assert settled({"s": None, "n": None, "o": None, "l": [{}], "m": {"k": {}}}) == {
        "s": "d", "n": None, "o": {"p": 1}, "l": [{"v": "V"}], "m": {"k": {}},
    }  # fmt: skip


def test_values_of_the_wrong_type_pass_unread():
    assert settled({"o": "text", "l": {"a": 1}, "m": [1]}) == {"s": "d", "n": "n", "o": "text", "l": {}, "m": [1]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"[]", "json: cannot unmarshal array into Go value"),
        (b'{"metadata":{"labels":{"n":5}}}', "cannot unmarshal number into Go struct field ObjectMeta.labels"),
        (b'{"metadata":5}', "cannot unmarshal number into Go value of type v1.ObjectMeta"),
        (b'{"kind":5}', "cannot unmarshal number 5"),
    ],
)
def test_what_is_no_object_is_refused(text, message):
    with pytest.raises(DecodeError, match=message):
        decode_json(text, RULES.type)


_NAMES = st.sampled_from(
    ["s", "n", "o", "l", "m", "free", "fixed", "any", "emb", "p", "v", "z", "a", "odd", "metadata"]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_NAMES.filter(lambda name: name != "emb"), _VALUES, max_size=5))
def test_settling_twice_changes_nothing(spec):
    once = settled(spec)
    assert settled(once) == once
    stored = {"spec": once}
    assert RULES.settled(stored) is stored
    assert read(once)[1] == []
