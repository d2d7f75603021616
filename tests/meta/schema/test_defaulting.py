import pytest
from thing_schemas import CORE

from kapi.meta.schema.defaulting import apply_defaults
from kapi.meta.schema.tables import Definitions


def test_defaults_are_filled_in_everywhere(thing):
    obj = {"spec": {"ports": [{"port": 1}, {"port": 2, "protocol": "UDP"}], "child": {"ports": [{"port": 3}]}}}
    apply_defaults(thing, obj)
    assert obj["spec"]["ports"] == [{"port": 1, "protocol": "TCP"}, {"port": 2, "protocol": "UDP"}]
    assert obj["spec"]["child"]["ports"] == [{"port": 3, "protocol": "TCP"}]


def test_types_without_defaults_are_skipped(definitions):
    struct = definitions.struct(CORE + "ThingStatus")
    apply_defaults(struct, {"ready": False})
    assert struct.compiled["defaults"] is None


@pytest.fixture(scope="module")
def options():
    properties = {
        "list": {"type": "array", "items": {"type": "integer"}, "default": [1]},
        "on": {"type": "boolean", "default": True},
        "name": {"type": "string", "default": ""},
        "inner": {"type": "object", "default": {}, "properties": {"x": {"type": "integer", "default": 5}}},
        "byName": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/a.Options"}},
    }
    document = {"components": {"schemas": {"a.Options": {"type": "object", "properties": properties}}}}
    return Definitions.from_openapi(document).struct("a.Options")


def test_mutable_defaults_are_not_shared(options):
    first, second = {}, {}
    apply_defaults(options, first)
    apply_defaults(options, second)
    first["list"].append(2)
    assert second["list"] == [1]


def test_maps_and_nested_defaults(options):
    obj = {"byName": {"a": {"on": False}}}
    apply_defaults(options, obj)
    assert obj["byName"]["a"] == {"list": [1], "on": False, "name": ""} | obj["byName"]["a"]
    assert obj["on"] is True


def test_null_counts_as_absent(options):
    obj = {"name": None}
    apply_defaults(options, obj)
    assert obj["name"] == ""
