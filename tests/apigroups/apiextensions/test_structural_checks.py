"""What is wrong with values, in kube-apiserver's words; and what an update need not put right."""

import pytest

from kapi_apigroups.apiextensions.structural.formats import FORMATS
from kapi_apigroups.apiextensions.structural.rules import StructuralRules


def findings(schema, value, old=None):
    rules = StructuralRules({"type": "object", "properties": {"v": schema}}, "io.x.v1.Thing", "Thing")
    found = rules.check({"v": value}, None if old is None else {"v": old})
    return [(each.field, each.message) for each in found]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "string"}, 1, 'Invalid value: "integer": v in body must be of type string: "integer"'),
        ({"type": "string"}, None, 'Invalid value: "null": v in body must be of type string: "null"'),
        ({"type": "integer"}, "1", 'Invalid value: "string": v in body must be of type integer: "string"'),
        ({"type": "number"}, True, 'Invalid value: "boolean": v in body must be of type number: "boolean"'),
        ({"x-kubernetes-int-or-string": True}, 1.5,
         'Invalid value: "number": v in body must be of type integer,string: "number"'),
        ({"type": "string", "minLength": 2}, "ä", 'Invalid value: "ä": v in body should be at least 2 chars long'),
        ({"type": "string", "maxLength": 1}, "äb", "Too long: may not be more than 1 bytes"),
        ({"type": "string", "pattern": "^a+$"}, "b", "Invalid value: \"b\": v in body should match '^a+$'"),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'Unsupported value: "c": supported values: "a", "b"'),
        ({"type": "integer", "enum": [1]}, 2, 'Unsupported value: 2: supported values: "1"'),
        ({"type": "string", "format": "uuid"}, "x", 'Invalid value: "x": v in body must be of type uuid: "x"'),
        ({"type": "integer", "minimum": 1}, 0, "Invalid value: 0: v in body should be greater than or equal to 1"),
        ({"type": "integer", "maximum": 1, "exclusiveMaximum": True}, 1,
         "Invalid value: 1: v in body should be less than 1"),
        ({"type": "number", "multipleOf": 0.1}, 0.25, "Invalid value: 0.25: v in body should be a multiple of 0.1"),
        ({"type": "array", "items": {}, "minItems": 1}, [], "Invalid value: 0: v in body should have at least 1 items"),
        ({"type": "array", "items": {}, "maxItems": 1}, [1, 2], "Too many: 2: must have at most 1 items"),
        ({"type": "object", "minProperties": 1}, {}, "Invalid value: 0: v in body should have at least 1 properties"),
        ({"type": "object", "maxProperties": 1}, {"a": 1, "b": 2}, "Too many: 2: must have at most 1 items"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_value(schema, value, message):
    assert findings(schema, value) == [("v", message)]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 2.0),
        ({"type": "number"}, 1),
        ({"type": "string", "nullable": True, "minLength": 2}, None),
        ({"type": "string", "format": "nobody-knows"}, "x"),
        ({"type": "number", "multipleOf": 0.1}, 0.3),
        ({"type": "boolean", "enum": [True]}, True),
        ({"anyOf": [{"minimum": 3}, {"maximum": 1}]}, 1),
        ({"oneOf": [{"minimum": 3}, {"maximum": 1}]}, 1),
        ({"not": {"minimum": 3}}, 1),
    ],
)
def test_what_is_right(schema, value):
    assert findings(schema, value) == []


def test_places_below():
    schema = {"type": "object", "properties": {"l": {"type": "array", "items": {"type": "object", "required": ["k"]}}},
              "additionalProperties": {"type": "string"}}  # fmt: skip
    assert findings(schema, {"l": [{"k": 1}, {}]}) == [("v.l[1].k", "Required value")]
    other = {"type": "object", "additionalProperties": {"type": "string"}}
    assert [field for field, _ in findings(other, {"a": 1})] == ["v.a"]


def test_alternatives_tell_what_the_closest_lacks():
    schema = {"oneOf": [{"required": ["a", "b"]}, {"required": ["c"]}]}
    assert findings(schema, {}) == [
        ("<nil>", 'Invalid value: "": "v" must validate one and only one schema (oneOf). Found none valid'),
        ("v.c", "Required value"),
    ]


def test_repeated_items():
    assert findings(
        {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}, ["a", "b", "a"]
    ) == [("v[2]", 'Duplicate value: "a"')]
    keyed = {
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
        "items": {"type": "object", "properties": {"k": {"type": "string"}}},
    }  # fmt: skip
    assert findings(keyed, [{"k": "1", "x": 1}, {"k": "1"}]) == [("v[1]", 'Duplicate value: {"k":"1"}')]


def test_embedded_objects_need_kind_and_version():
    schema = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    assert findings(schema, {}) == [("v.apiVersion", "Required value"), ("v.kind", "Required value")]
    assert findings(schema, {"apiVersion": "a/b/c", "kind": "K!"}) != []
    assert findings(schema, {"apiVersion": "v1", "kind": "K", "metadata": {"labels": {"bad key": "x"}}}) != []


def test_an_update_need_not_put_right_what_it_leaves_alone():
    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 1}, "b": {"type": "string"}},
              "required": ["c"]}  # fmt: skip
    old = {"a": "long"}
    assert findings(schema, old, old) == []
    assert findings(schema, {"a": "long", "b": "x"}, old) == [("v.c", "Required value")]
    assert [field for field, _ in findings(schema, {"a": "longer"}, old)] == ["v.a", "v.c"]


def test_items_of_keyed_lists_are_told_apart_in_updates():
    schema = {
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
        "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "string", "maxLength": 1}}},
    }  # fmt: skip
    old = [{"k": "1", "v": "long"}]
    assert findings(schema, [{"k": "0"}, *old], old) == []
    assert [field for field, _ in findings(schema, [{"k": "1", "v": "new"}], old)] == ["v[0].v"]


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("date-time", "2026-01-02T03:04:05Z", "2026-01-02"),
        ("date", "2026-01-02", "2026-1-2"),
        ("duration", "1h30m", "soon"),
        ("email", "a@example.com", "a@"),
        ("hostname", "a.example.com", "-a"),
        ("ipv4", "10.0.0.1", "10.0.0"),
        ("ipv6", "::1", "10.0.0.1"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("mac", "00:11:22:33:44:55", "00:11"),
        ("uri", "https://a/b", "a b"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123"),
        ("uuid4", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
        ("byte", "aGVsbG8=", "!"),
        ("isbn", "978-3-16-148410-0", "978-3-16-148410-1"),
        ("isbn10", "0-306-40615-2", "0-306-40615-3"),
        ("creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112"),
        ("hexcolor", "#fff", "#ff"),
        ("rgbcolor", "rgb(1, 2, 255)", "rgb(1,2,256)"),
        ("ssn", "111-22-3333", "111"),
        ("bsonobjectid", "507f1f77bcf86cd799439011", "507f"),
        ("k8s-short-name", "abc", "a.b"),
        ("k8s-long-name", "a.b", "A"),
    ],
)
def test_formats(form, good, bad):
    assert FORMATS[form](good)
    assert not FORMATS[form](bad)
