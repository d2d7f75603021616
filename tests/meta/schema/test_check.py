import pytest

from kapi.meta.schema.check import check
from kapi.meta.schema.tables import Definitions


@pytest.fixture(scope="module")
def shirt():
    color = {"type": "string", "enum": ["red", "blue"]}
    properties = {
        "size": {"type": "integer"},
        "color": color,
        "stripes": {"type": "array", "items": color},
        "byPart": {"type": "object", "additionalProperties": color},
        "lining": {"$ref": "#/components/schemas/a.Shirt"},
        "pockets": {"type": "array", "items": {"$ref": "#/components/schemas/a.Shirt"}},
        "note": {"type": "string"},
    }
    schema = {"type": "object", "required": ["size"], "properties": properties}
    return Definitions.from_openapi({"components": {"schemas": {"a.Shirt": schema}}}).struct("a.Shirt")


def found(struct, obj, **options):
    return [str(finding) for finding in check(struct, obj, **options)]


UNSUPPORTED = 'Unsupported value: "green": supported values: "red", "blue"'


def test_nothing_is_wrong(shirt):
    assert found(shirt, {"size": 0, "color": "red", "stripes": ["blue"], "byPart": {"arm": "red"}}) == []


def test_findings_come_in_the_order_of_the_schema(shirt):
    obj = {
        "pockets": [{"size": 1}, {"color": "green"}],
        "lining": {},
        "byPart": {"arm": "green"},
        "stripes": ["red", "green"],
        "color": "green",
    }
    assert found(shirt, obj) == [
        "size: Required value",
        f"color: {UNSUPPORTED}",
        f"stripes[1]: {UNSUPPORTED}",
        f"byPart[arm]: {UNSUPPORTED}",
        "lining.size: Required value",
        "pockets[1].size: Required value",
        f"pockets[1].color: {UNSUPPORTED}",
    ]


def test_paths_can_be_excluded(shirt):
    obj = {
        "size": 1,
        "color": "green",
        "stripes": ["green"],
        "pockets": [{"color": "green"}, {"size": 1, "color": "green"}],
    }
    assert found(shirt, obj, exclude=["stripes", "pockets[].color", "col"]) == [
        f"color: {UNSUPPORTED}",
        "pockets[0].size: Required value",
    ]


def test_types_of_the_reference_are_left_to_their_rules(thing):
    assert found(thing, {"spec": {"ports": [{"protocol": "X"}]}}) == []
