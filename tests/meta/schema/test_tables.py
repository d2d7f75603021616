import json

import pytest
from thing_schemas import CORE, GO_FACTS, SCHEMAS

from kapi.meta.schema.compact import Compactor
from kapi.meta.schema.decode import decode_value
from kapi.meta.schema.tables import METAV1, Definitions, metav1_definitions, object_meta, zero_value
from kapi.meta.schema.types import MISSING, List, Map, Scalar, Struct

REF = "#/components/schemas/"


def test_schemas_survive_the_table(definitions):
    for name, schema in SCHEMAS.items():
        assert definitions.openapi_schema(name) == schema


def test_tables_survive_json():
    table = Compactor(GO_FACTS).compact(SCHEMAS)
    loaded = Definitions.load(json.dumps(table).encode(), metav1_definitions())
    assert loaded.openapi_schema(CORE + "Thing") == SCHEMAS[CORE + "Thing"]


def test_descriptions_are_left_out():
    schema = {
        "type": "object",
        "description": "x",
        "properties": {"description": {"type": "string", "description": "y"}},
    }
    found = Definitions(Compactor().compact({"a.B": schema})).openapi_schema("a.B")
    assert found == {"type": "object", "properties": {"description": {"type": "string"}}}


def test_presence(definitions):
    fields = definitions.struct(CORE + "ThingSpec").fields
    assert fields["replicas"].keep_zero
    assert not fields["paused"].keep_zero
    assert fields["selector"].keep_zero
    assert fields["name"].emit_zero
    assert fields["name"].zero == ""
    assert fields["name"].default is MISSING
    status = definitions.struct(CORE + "ThingStatus").fields
    assert status["changed"].emit_zero
    assert status["changed"].zero is None
    assert status["seen"].keep_zero
    thing = definitions.struct(CORE + "Thing").fields
    assert thing["rules"].emit_zero
    assert thing["rules"].zero is None
    assert thing["status"].zero == {"ready": False, "count": 0, "changed": None}


def test_types(definitions):
    fields = definitions.struct(CORE + "ThingSpec").fields
    ports = fields["ports"].type
    assert isinstance(ports, List)
    assert (ports.list_type, ports.keys, ports.go_type) == ("map", ("port", "protocol"), "[]v1.Port")
    assert fields["ports"].patch_strategies == ("merge",)
    assert fields["ports"].merge_key == "port"
    port = ports.items
    assert isinstance(port, Struct)
    assert port.atomic
    assert port.fields["protocol"].default == "TCP"
    assert port.fields["protocol"].type.enum == ("SCTP", "TCP", "UDP")
    limits = fields["limits"].type
    assert isinstance(limits, Map)
    assert (limits.go_type, limits.values.kind) == ("v1.ResourceList", "milli-quantity")
    assert fields["free"].type.kind == "any"
    assert fields["child"].type is definitions.struct(CORE + "ThingSpec")


def test_unknown_names(definitions):
    for ask in (definitions.struct, definitions.type, definitions.openapi_schema):
        with pytest.raises(KeyError):
            ask("no.such.Thing")
    with pytest.raises(KeyError):
        definitions.struct(METAV1 + "Time")
    assert definitions.kinds("no.such.Thing") == []


def test_kinds_of_shared_definitions_by_group():
    name = METAV1 + "DeleteOptions"
    everything = metav1_definitions().kinds(name)
    assert ("apps", "v1", "DeleteOptions") in everything
    listed = metav1_definitions().openapi_schema(name, ("apps", "v1"))["x-kubernetes-group-version-kind"]
    assert [(kind["group"], kind["version"]) for kind in listed] == [("", "v1"), ("apps", "v1")]


def test_object_meta():
    meta = object_meta()
    assert meta.fields["ownerReferences"].type.keys == ("uid",)
    assert not meta.fields["creationTimestamp"].emit_zero
    assert zero_value(meta) == {}


WIDGET = {
    "components": {
        "schemas": {
            "com.example.v1.Widget": {
                "type": "object",
                "required": ["spec"],
                "properties": {
                    "metadata": {"$ref": REF + METAV1 + "ObjectMeta"},
                    "spec": {
                        "type": "object",
                        "properties": {
                            "size": {"type": "integer"},
                            "when": {"type": "string", "format": "date-time"},
                            "port": {"x-kubernetes-int-or-string": True},
                            "code": {"type": "string", "format": "color"},
                            "tags": {
                                "type": "array",
                                "items": {"type": "object", "properties": {"k": {"type": "string"}}},
                            },
                            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                            "options": {"type": "object", "additionalProperties": True},
                        },
                    },
                },
            },
            "com.example.v1.Open": {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "x-kubernetes-preserve-unknown-fields": True,
            },
        }
    }
}


@pytest.fixture(scope="module")
def widgets():
    return Definitions.from_openapi(WIDGET)


def test_third_party_schemas_keep_zero_values(widgets):
    spec = {
        "size": 0,
        "when": "2024-01-01T01:00:00+01:00",
        "port": "x",
        "code": "",
        "tags": [{"k": ""}],
        "free": {"a": {}},
    }
    value = {"metadata": {"name": "a", "labels": {}}, "spec": spec | {"options": {}}}
    found = decode_value(value, widgets.struct("com.example.v1.Widget"))
    assert found.object == {"metadata": {"name": "a"}, "spec": {**spec, "when": "2024-01-01T00:00:00Z", "options": {}}}
    assert found.problems == []


def test_third_party_schemas_add_nothing(widgets):
    assert decode_value({}, widgets.struct("com.example.v1.Widget")).object == {}


def test_inner_objects_become_definitions(widgets):
    assert "com.example.v1.Widget.spec.tags" in widgets.names()
    spec = widgets.openapi_schema("com.example.v1.Widget.spec")["properties"]
    inner = WIDGET["components"]["schemas"]["com.example.v1.Widget"]["properties"]["spec"]["properties"]
    for member in ("size", "when", "port", "code", "free", "options"):
        assert spec[member] == inner[member]


def test_schemas_written_by_hand_are_published_as_they_are(widgets):
    assert widgets.openapi_schema("com.example.v1.Widget") == WIDGET["components"]["schemas"]["com.example.v1.Widget"]


def test_unknown_members_can_be_preserved(widgets):
    value = {"a": "x", "b": {"c": [1]}}
    found = decode_value(value, widgets.struct("com.example.v1.Open"))
    assert found.object == value
    assert found.problems == []
    assert found.object["b"] is not value["b"]


def test_leaf_definitions_have_scalar_types():
    kinds = {name: metav1_definitions().type(METAV1 + name) for name in ("Time", "MicroTime", "FieldsV1")}
    assert {name: type_.kind for name, type_ in kinds.items() if isinstance(type_, Scalar)} == {
        "Time": "time",
        "MicroTime": "micro-time",
        "FieldsV1": "any",
    }
