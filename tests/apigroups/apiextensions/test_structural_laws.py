"""Whatever schema is accepted: any object is read, completed, checked and compared without a stumble."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kapi.meta.apply.changes import BadItem, compare, empty_object
from kapi_apigroups.apiextensions.definition_rules import schema_findings
from kapi_apigroups.apiextensions.structural.rules import StructuralRules

NAMES = st.sampled_from("abk")
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.sampled_from(["", "a", "50%", "ü"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
JUNCTORS = st.lists(
    st.sampled_from([{"required": ["a"]}, {"minimum": 1}, {"properties": {"a": {"minimum": 1}}}, {"maxLength": 1}]),
    min_size=1,
    max_size=2,
)
EXTRAS = st.fixed_dictionaries(
    {},
    optional={
        "nullable": st.booleans(),
        "required": st.lists(NAMES, max_size=2),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "pattern": st.sampled_from(["^a", "(", ""]),
        "minimum": st.integers(-2, 2),
        "multipleOf": st.sampled_from([0, 1, 0.5]),
        "maxLength": st.integers(0, 3),
        "minItems": st.integers(0, 3),
        "maxProperties": st.integers(0, 3),
        "format": st.sampled_from(["uuid", "int32", "byte", "nobody"]),
        "default": VALUES,
        "anyOf": JUNCTORS,
        "oneOf": JUNCTORS,
        "allOf": JUNCTORS,
        "not": st.just({"minimum": 2}),
        "x-kubernetes-list-type": st.sampled_from(["set", "map", "atomic"]),
        "x-kubernetes-list-map-keys": st.just(["k"]),
        "x-kubernetes-map-type": st.sampled_from(["atomic", "granular"]),
        "x-kubernetes-preserve-unknown-fields": st.just(True),
        "x-kubernetes-embedded-resource": st.just(True),
    },
)


def nested(inner):
    objects = st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=3)}
    )
    maps = st.fixed_dictionaries({"type": st.just("object"), "additionalProperties": inner})
    lists = st.fixed_dictionaries({"type": st.just("array"), "items": inner})
    return st.builds(lambda schema, extras: {**extras, **schema}, objects | maps | lists, EXTRAS)


SCALARS = st.builds(
    lambda kind, extras: {**extras, "type": kind}, st.sampled_from(["string", "integer", "number", "boolean"]), EXTRAS
)
SCHEMAS = st.recursive(SCALARS | st.just({"x-kubernetes-int-or-string": True}), nested, max_leaves=5)


@settings(max_examples=150)
@given(SCHEMAS, VALUES, VALUES)
def test_no_accepted_schema_stumbles(schema, value, other):
    root = {"type": "object", "properties": {"a": schema}}
    if list(schema_findings(root, "s")):
        return
    rules = StructuralRules(root, "io.x.v1.Thing", "Thing")
    objects = [rules.read({"a": each, "odd": 1}, None, True)[0] for each in (value, other)]
    for obj in objects:
        rules.default(obj)
    new, old = objects
    rules.check(new, None)
    rules.check(new, old)
    if rules.fits(new) and rules.fits(old):
        try:
            compare(rules.type, empty_object(rules.type), new)
            compare(rules.type, old, new)
        except BadItem:
            pass
