"""Path elements of list items: what tells one item of a "set" or "map" list from another."""

from collections.abc import Callable
from typing import Any

from kapi.meta.apply.fieldset import value_text
from kapi.meta.errors import go_quote
from kapi.meta.schema.types import MISSING, Field, List, Struct


class BadItem(Exception):
    """An item that cannot be told from others; the message is upstream's."""


ElementOf = Callable[[Any], str]
"""Returns the path element of an item; raises BadItem."""


def element_of(list_type: List) -> ElementOf:
    """Return the function that names the items of a list of type "set" or "map"."""
    if list_type.list_type == "map" and list_type.keys:
        return _keyed(list_type)
    return _set_element


def _set_element(item: Any) -> str:
    if isinstance(item, dict):
        raise BadItem("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise BadItem("not supported: associative list with lists as elements")
    if item is None:
        raise BadItem("associative list without keys has an element that's an explicit null")
    return "v:" + value_text(item)


def _keyed(list_type: List) -> ElementOf:
    fields = list_type.items.fields if isinstance(list_type.items, Struct) else {}
    defaults = {key: _default(fields.get(key)) for key in list_type.keys}
    labels = [(key, f"{value_text(key)}:") for key in sorted(list_type.keys)]
    listed = "[" + " ".join(map(go_quote, list_type.keys)) + "]"

    def keyed_element(item: Any) -> str:
        if type(item) is not dict:
            what = "a null element" if item is None else "non-map elements"
            raise BadItem(f"associative list with keys may not have {what}")
        parts = []
        for key, label in labels:
            value = item.get(key, MISSING)
            if value is MISSING:
                value = defaults[key]
            if value is not MISSING:
                parts.append(label + value_text(value))
        if not parts:
            raise BadItem(
                f"associative list with keys has an element that omits all key fields {listed}"
                " (and doesn't have default values for any key fields)"
            )
        return "k:{" + ",".join(parts) + "}"

    return keyed_element


def _default(field: Field | None) -> Any:
    """Return what stands for a key that an item leaves out; for members that are always on the wire their zero."""
    if field is None:
        return MISSING
    value = field.zero if field.default is MISSING and field.emit_zero else field.default
    return MISSING if value is None else value
