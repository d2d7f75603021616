"""Defaults that a schema states, filled in where a member is absent."""

import copy
from collections.abc import Callable
from typing import Any

from kapi.meta.schema.types import MISSING, Field, List, Map, Struct, Type

Defaulter = Callable[[Any], None]


def apply_defaults(struct: Struct, obj: dict[str, Any]) -> None:
    """Fill in the schema's defaults, in place. ``obj`` is in normal form."""
    if struct.rules is not None:
        struct.rules.default(obj)
        return
    fill = _struct_defaulter(struct)
    if fill is not None:
        fill(obj)


def _struct_defaulter(struct: Struct) -> Defaulter | None:
    """Return what fills in the defaults of a struct and of all below it; None when there are none."""
    if "defaults" not in struct.compiled:
        reachable = _has_defaults(struct, set())
        struct.compiled["defaults"] = _compile(struct) if reachable else None
    found: Defaulter | None = struct.compiled["defaults"]
    return found


def _has_defaults(type_: Type, seen: set[int]) -> bool:
    if isinstance(type_, List):
        return _has_defaults(type_.items, seen)
    if isinstance(type_, Map):
        return _has_defaults(type_.values, seen)
    if not isinstance(type_, Struct) or id(type_) in seen:
        return False
    seen.add(id(type_))
    fields = type_.fields.values()
    return any(_has_default(field) for field in fields) or any(_has_defaults(field.type, seen) for field in fields)


def _has_default(field: Field) -> bool:
    return field.default is not MISSING


def _compile(struct: Struct) -> Defaulter:
    defaults = tuple((name, field.default) for name, field in struct.fields.items() if _has_default(field))
    below = tuple(
        (name, _member_defaulter(field.type))
        for name, field in struct.fields.items()
        if _has_defaults(field.type, set())
    )

    def fill(obj: dict[str, Any]) -> None:
        for name, default in defaults:
            if obj.get(name) is None:
                obj[name] = default if isinstance(default, str | int) else copy.deepcopy(default)
        for name, fill_member in below:
            value = obj.get(name)
            if value is not None:
                fill_member(value)

    return fill


def _member_defaulter(type_: Type) -> Defaulter:
    if isinstance(type_, List):
        return _each(_member_defaulter(type_.items), lambda values: values)
    if isinstance(type_, Map):
        return _each(_member_defaulter(type_.values), lambda values: values.values())
    return _struct_by_reference(type_)


def _each(fill: Defaulter, values_of: Callable[[Any], Any]) -> Defaulter:
    def fill_each(values: Any) -> None:
        for value in values_of(values):
            if value is not None:
                fill(value)

    return fill_each


def _struct_by_reference(type_: Type) -> Defaulter:
    """Return a defaulter that compiles the struct on first use: types may be recursive."""

    def fill(obj: dict[str, Any]) -> None:
        if isinstance(type_, Struct):
            apply_defaults(type_, obj)

    return fill
