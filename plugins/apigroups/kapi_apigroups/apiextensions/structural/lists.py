"""What schemas may say about the merging of lists."""

from collections.abc import Iterator, Mapping
from typing import Any

from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_not_supported, field_required
from kapi_apigroups.apiextensions.structural.shape import LIST_KEYS, LIST_TYPE, MAP_TYPE, Schema

_Findings = Iterator[FieldError]

_SCALARS = ("string", "number", "integer", "boolean")


def list_findings(schema: Schema, path: str) -> _Findings:
    """Yield what is wrong with list type and keys."""
    list_type, keys = schema.get(LIST_TYPE), schema.get(LIST_KEYS) or []
    if list_type is not None:
        kind = schema.get("type", "")
        if kind != "array":
            detail = f"must be array if {LIST_TYPE} is specified"
            yield field_invalid(f"{path}.type", kind, detail) if kind else field_required(f"{path}.type", detail)
        if list_type not in ("atomic", "set", "map"):
            yield field_not_supported(f"{path}.{LIST_TYPE}", list_type, ("atomic", "set", "map"))
    if keys and list_type != "map":
        detail = f"must be map if {LIST_KEYS} is non-empty"
        place = f"{path}.{LIST_TYPE}"
        yield field_required(place, detail) if list_type is None else field_invalid(place, list_type, detail)
    items: Any = schema.get("items")
    items = items if isinstance(items, Mapping) else None
    if list_type == "map":
        yield from _map_findings(items, keys, path)
    elif list_type == "set" and items is not None:
        yield from _set_findings(items, f"{path}.items")


def _set_findings(items: Schema, path: str) -> _Findings:
    if items.get("nullable"):
        yield field_forbidden(f"{path}.nullable", f"cannot be nullable when {LIST_TYPE} is set")
    detail = f"must be atomic as item of a list with {LIST_TYPE}=set"
    if items.get("type") == "object" and items.get(MAP_TYPE) != "atomic":
        yield _not_atomic(f"{path}.{MAP_TYPE}", items.get(MAP_TYPE), detail)
    if items.get("type") == "array" and items.get(LIST_TYPE, "atomic") != "atomic":
        yield _not_atomic(f"{path}.{LIST_TYPE}", items.get(LIST_TYPE), detail)


def _not_atomic(path: str, value: Any, detail: str) -> FieldError:
    return field_required(path, detail) if value is None else field_invalid(path, value, detail)


def _map_findings(items: Schema | None, keys: list[str], path: str) -> _Findings:
    if not keys:
        yield field_required(f"{path}.{LIST_KEYS}", f"must not be empty if {LIST_TYPE} is map")
    if items is None:
        yield field_required(f"{path}.items", f"must have a schema if {LIST_TYPE} is map")
        return
    if items.get("type") != "object":
        detail = f"must be object if parent array's {LIST_TYPE} is map"
        yield field_invalid(f"{path}.items.type", items.get("type", ""), detail)
    members = items.get("properties") or {}
    if any(key not in members for key in keys):
        yield field_invalid(f"{path}.{LIST_KEYS}", keys, "entries must all be names of item properties")
    if len(set(keys)) != len(keys):
        yield field_invalid(f"{path}.{LIST_KEYS}", keys, "must not contain duplicate entries")
    required = items.get("required") or ()
    for key in (each for each in keys if each in members):
        yield from _key_findings(members[key], key in required, f"{path}.items.properties[{key}]")


def _key_findings(member: Schema, required: bool, path: str) -> _Findings:
    reason = f"this property is in {LIST_KEYS}, so it"
    if member.get("type") not in _SCALARS:
        detail = f"must be a scalar type if parent array's {LIST_TYPE} is map"
        yield field_invalid(f"{path}.type", member.get("type", ""), detail)
    if member.get("default") is None and not required:
        yield field_required(f"{path}.default", f"{reason} must have a default or be a required property")
    if member.get("nullable"):
        yield field_forbidden(f"{path}.nullable", f"{reason} cannot be nullable")
