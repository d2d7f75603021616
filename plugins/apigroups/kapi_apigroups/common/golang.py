"""Values as the reference prints them when it shows its internal types: Go's names, every member, ``null`` for none."""

from collections.abc import Mapping
from typing import Any

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, go_quote

Shape = Mapping[str, Any]
"""The members of an internal type: Go name to JSON name, or to (JSON name, default), or (JSON name, default, Shape);
the Shape also holds for the items of a list."""


def go_value(value: Any, shape: Shape) -> Any:
    """Return an object of the API as JSON of the internal type would show it."""
    if isinstance(value, list):
        return [go_value(item, shape) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {name: _member(value, source) for name, source in shape.items()}


def _member(obj: Mapping[str, Any], source: Any) -> Any:
    name, default, shape = (*source, None)[:3] if isinstance(source, tuple) else (source, None, None)
    found = obj.get(name)
    if found is None:
        found = default
    return go_value(found, shape) if shape is not None else found


def show_go(value: Any) -> str:
    """Return compact JSON with the members in the order given (not sorted), as Go prints structs."""
    import json

    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def unsupported(path: str, value: Object, shape: Shape, supported: tuple[str, ...]) -> FieldError:
    """An object holds a value that is not in the enumeration, and the message shows the whole object."""
    names = ", ".join(go_quote(name) for name in supported)
    shown = show_go(go_value(value, shape))
    return FieldError("FieldValueNotSupported", path, f"Unsupported value: {shown}: supported values: {names}")


def invalid_struct(path: str, value: Any, shape: Shape, detail: str) -> FieldError:
    """An object is malformed or out of bounds, and the message shows it as its internal type."""
    return FieldError("FieldValueInvalid", path, f"Invalid value: {show_go(go_value(value, shape))}: {detail}")
