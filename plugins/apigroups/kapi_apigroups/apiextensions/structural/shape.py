"""From a structural schema to types: how objects are merged, and who owns what.

The types are those of built-in kinds (:mod:`kapi.meta.schema.types`). The attributes come from
``x-kubernetes-list-type``, ``x-kubernetes-list-map-keys`` and ``x-kubernetes-map-type``; what a schema leaves free is
merged as it looks.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from kapi.meta.schema.tables import object_meta
from kapi.meta.schema.types import MISSING, Field, List, Map, Rules, Scalar, ScalarKind, Struct, Type

Schema = Mapping[str, Any]

PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE = "x-kubernetes-list-type"
LIST_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"
RESOURCE_MEMBERS = ("apiVersion", "kind", "metadata")

_SCALARS: dict[str, tuple[ScalarKind, str]] = {
    "string": ("string", "string"),
    "integer": ("int64", "int64"),
    "number": ("number", "float64"),
    "boolean": ("boolean", "bool"),
}
_FREE = Scalar("any", "interface {}")


def root_type(schema: Schema, name: str, kind: str, rules: Rules) -> Struct:
    """Return the type of a custom resource; ``name`` is that of its definition in OpenAPI documents."""
    return Struct(
        name,
        f"unstructured.{kind}",
        partial(_members, schema, resource=True),
        preserve_unknown=bool(schema.get(PRESERVE)),
        rules=rules,
    )


def type_of(schema: Schema) -> Type:
    """Return the type of the values that a schema describes."""
    if schema.get(INT_OR_STRING):
        return Scalar("int-or-string", "intstr.IntOrString")
    kind = schema.get("type", "")
    if kind == "array":
        return _list(schema)
    if kind == "object":
        return _object(schema)
    if kind in _SCALARS:
        return Scalar(*_SCALARS[kind])
    return _FREE


def _list(schema: Schema) -> Type:
    items = schema.get("items")
    list_type = cast("Any", schema.get(LIST_TYPE) or "atomic")
    of = type_of(items) if items else _FREE
    if list_type == "set" and not isinstance(of, Scalar):
        list_type = "atomic"  # upstream, too, merges sets of scalars only
    return List(of, "[]interface {}", list_type, tuple(schema.get(LIST_KEYS) or ()))


def _object(schema: Schema) -> Type:
    atomic = schema.get(MAP_TYPE) == "atomic"
    others = schema.get("additionalProperties")
    embedded = bool(schema.get(EMBEDDED))
    if not schema.get("properties") and not embedded:
        if others is not None and others is not False:
            values = type_of(others) if isinstance(others, Mapping) else _FREE
            return Map(values, "map[string]interface {}", atomic)
        if schema.get(PRESERVE):
            return Map(_FREE, "map[string]interface {}", True) if atomic else _FREE
    return Struct(
        "",
        "map[string]interface {}",
        partial(_members, schema, resource=embedded),
        atomic=atomic,
        preserve_unknown=bool(schema.get(PRESERVE)),
    )


def _members(schema: Schema, *, resource: bool) -> Mapping[str, Field]:
    required = frozenset(schema.get("required") or ())
    members = {
        name: Field(name, type_of(member), required=name in required, default=_default(member), keep_zero=True)
        for name, member in (schema.get("properties") or {}).items()
    }
    if resource:
        text = Scalar("string", "string")
        members |= {
            "apiVersion": Field("apiVersion", text),
            "kind": Field("kind", text),
            "metadata": Field("metadata", object_meta()),
        }
    return members


def _default(schema: Schema) -> Any:
    default = schema.get("default")
    return MISSING if default is None else default


def fits(type_: Type, value: Any) -> bool:
    """Tell whether a value has lists and objects where the type expects them."""
    if value is None or isinstance(type_, Scalar):
        return True
    if isinstance(type_, List):
        return value.__class__ is list and (isinstance(type_.items, Scalar) or all(fits(type_.items, v) for v in value))
    if value.__class__ is not dict:
        return False
    if isinstance(type_, Map):
        return isinstance(type_.values, Scalar) or all(fits(type_.values, v) for v in value.values())
    return not isinstance(type_, Struct) or all(
        fits(member, value[name]) for name, member in _containers(type_) if name in value
    )


def _containers(struct: Struct) -> list[tuple[str, Type]]:
    """Return the members of a struct that are no leaves."""
    found: list[tuple[str, Type]] | None = struct.compiled.get("containers")
    if found is None:
        pairs = ((name, field.type) for name, field in struct.fields.items() if name != "metadata")
        found = struct.compiled["containers"] = [pair for pair in pairs if not isinstance(pair[1], Scalar)]
    return found
