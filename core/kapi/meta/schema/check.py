"""Findings that follow from a schema alone: values outside an enumeration, and required members that are missing.

Only types with ``schema_checks`` are checked, which are those that third parties describe. The reference validates its
own kinds by hand: many members that their schemas call required may be empty, and what it says about a value
outside an enumeration differs from member to member, so for built-in kinds all is left to the kind's rules.
"""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

from kapi.meta.errors import FieldError, field_not_supported, field_required
from kapi.meta.schema.types import Field, List, Map, Scalar, Struct, Type

Check = Callable[[Any, str, list[FieldError]], None]
"""Takes a value, its path, and the list to which it adds what it finds."""

_SUBSCRIPT = re.compile(r"\[[^\]]*\]")


def check(
    struct: Struct, obj: dict[str, Any], exclude: Collection[str] = (), old: dict[str, Any] | None = None
) -> list[FieldError]:
    """Return what is wrong with an object in normal form, in the order of the schema; ``old`` is what it was before.

    Findings at or below a path in ``exclude`` (with ``[]`` for any index or key: ``spec.containers[].name``) are left
    out: for kinds that say it in other words.
    """
    if struct.rules is not None:
        return struct.rules.check(obj, old)
    findings: list[FieldError] = []
    run = _struct_check(struct)
    if run is not None:
        run(obj, "", findings)
    if exclude and findings:
        return [finding for finding in findings if not _is_below(_SUBSCRIPT.sub("[]", finding.field), exclude)]
    return findings


def _is_below(path: str, exclude: Collection[str]) -> bool:
    return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in exclude)


def _struct_check(struct: Struct) -> Check | None:
    """Return the check of a struct; None when there is nothing to check in it or below."""
    if "check" not in struct.compiled:
        struct.compiled["check"] = _compile(struct) if _needs_check(struct, set()) else None
    found: Check | None = struct.compiled["check"]
    return found


def _needs_check(type_: Type, seen: set[int]) -> bool:
    if isinstance(type_, List):
        return _needs_check(type_.items, seen)
    if isinstance(type_, Map):
        return _needs_check(type_.values, seen)
    if isinstance(type_, Scalar):
        return bool(type_.enum)
    if not isinstance(type_, Struct) or not type_.schema_checks or id(type_) in seen:
        return False
    seen.add(id(type_))
    fields = type_.fields.values()
    return any(field.required for field in fields) or any(_needs_check(field.type, seen) for field in fields)


def _compile(struct: Struct) -> Check:
    members = tuple(
        (name, field.required, _value_check(field.type)) for name, field in struct.fields.items() if _is_checked(field)
    )

    def run(obj: Any, path: str, findings: list[FieldError]) -> None:
        for name, required, inner in members:
            value = obj.get(name)
            place = f"{path}.{name}" if path else name
            if value is None:
                if required:
                    findings.append(field_required(place))
            elif inner is not None:
                inner(value, place, findings)

    return run


def _is_checked(field: Field) -> bool:
    return field.required or _needs_check(field.type, set())


def _value_check(type_: Type) -> Check | None:
    if not _needs_check(type_, set()):
        return None
    if isinstance(type_, Struct):
        return _struct_by_reference(type_)
    if isinstance(type_, List):
        return _each(_value_check(type_.items), enumerate)
    if isinstance(type_, Map):
        return _each(_value_check(type_.values), lambda values: values.items())
    return _enum_check(type_)


def _struct_by_reference(struct: Struct) -> Check:
    """Return a check that compiles the struct on first use: types may be recursive."""

    def run(value: Any, path: str, findings: list[FieldError]) -> None:
        inner = _struct_check(struct)
        if inner is not None:
            inner(value, path, findings)

    return run


def _each(inner: Check | None, pairs: Callable[[Any], Iterable[tuple[Any, Any]]]) -> Check:
    def run(values: Any, path: str, findings: list[FieldError]) -> None:
        if inner is None:
            return
        for key, value in pairs(values):
            if value is not None:
                inner(value, f"{path}[{key}]", findings)

    return run


def _enum_check(type_: Type) -> Check:
    allowed = type_.enum if isinstance(type_, Scalar) else ()
    names = [str(each) for each in allowed]

    def run(value: Any, path: str, findings: list[FieldError]) -> None:
        if value not in allowed:
            findings.append(field_not_supported(path, value, names))

    return run
