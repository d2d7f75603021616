"""Defaults of structural schemas, compiled once."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from kapi_apigroups.apiextensions.structural.shape import EMBEDDED, RESOURCE_MEMBERS, Schema

Fill = Callable[[Any], None]
"""Fills in what is absent, in place. Values of another type than the schema's are left alone."""


def defaulter(schema: Schema, *, resource: bool = False) -> Fill | None:
    """Return what fills in the defaults of a schema and of all below it; None when there are none.

    Objects must have been pruned: a null that is still there is one that the schema allows.
    """
    skipped = RESOURCE_MEMBERS if resource or schema.get(EMBEDDED) else ()
    members = {name: sub for name, sub in (schema.get("properties") or {}).items() if name not in skipped}
    own = [(name, sub["default"]) for name, sub in members.items() if sub.get("default") is not None]
    below = {name: fill for name, sub in members.items() if (fill := defaulter(sub)) is not None}
    others = _other_values(schema)
    if own or below or others:
        return _object_defaulter(own, below, frozenset(members), others)
    items = schema.get("items")
    of_items = defaulter(items) if items else None
    return None if of_items is None else _list_defaulter(of_items)


def _other_values(schema: Schema) -> Fill | None:
    additional = schema.get("additionalProperties")
    return defaulter(additional) if isinstance(additional, dict) else None


def _object_defaulter(
    own: list[tuple[str, Any]], below: dict[str, Fill], members: frozenset[str], others: Fill | None
) -> Fill:
    def fill(value: Any) -> None:
        if value.__class__ is not dict:
            return
        for name, default in own:
            if name not in value:
                value[name] = deepcopy(default) if isinstance(default, dict | list) else default
        for name, fill_member in below.items():
            if name in value:
                fill_member(value[name])
        if others is not None:
            for name, inner in value.items():
                if name not in members:
                    others(inner)

    return fill


def _list_defaulter(fill_item: Fill) -> Fill:
    def fill(value: Any) -> None:
        if value.__class__ is list:
            for each in value:
                fill_item(each)

    return fill
