"""The type model as server-side apply sees it: every value is a leaf, a list with items or a map with members."""

from typing import Any, Final

from kapi.meta.schema.types import List, Map, Scalar, Struct, Type

ANY: Final = Scalar("any", "interface {}")
"""The type of values that no schema describes."""

_FREE_MAP: Final = Map(ANY, "map[string]interface {}")
_OPAQUE_MAP: Final = Map(ANY, "map[string]interface {}", atomic=True)
_FREE_LIST: Final = List(ANY, "[]interface {}")
_UNTYPED: Final = Scalar("int-or-string", "interface {}")


def resolve(type_: Type, value: Any) -> Type:
    """Return the type to use for ``value``: what ``any`` may hold depends on what it does hold.

    Maps of free form are merged member by member, their lists are replaced whole; embedded objects
    (RawExtension) are replaced whole.
    """
    if not isinstance(type_, Scalar) or type_.kind != "any":
        return type_
    if isinstance(value, list):
        return _FREE_LIST
    if value is None or isinstance(value, dict):
        return _OPAQUE_MAP if is_opaque(type_) else _FREE_MAP
    return _UNTYPED


def is_opaque(type_: Scalar) -> bool:
    """Tell whether values of the free-form type are always replaced whole."""
    return type_.go_type.endswith("RawExtension")


def is_atomic(type_: Type) -> bool:
    """Tell whether a value of the type is owned as a whole."""
    match type_:
        case List():
            return type_.list_type == "atomic"
        case Map() | Struct():
            return type_.atomic
    return True


def member_type(type_: Type, name: str) -> Type | None:
    """Return the type of a member of a map or struct; None when the schema has no such member."""
    if isinstance(type_, Map):
        return type_.values
    if isinstance(type_, Struct):
        field = type_.fields.get(name)
        if field is not None:
            return field.type
        return ANY if type_.preserve_unknown else None
    return None


def is_declared(type_: Type, name: str) -> bool:
    """Tell whether the schema names the member (of a struct, as opposed to a key of a map)."""
    return isinstance(type_, Struct) and name in type_.fields
