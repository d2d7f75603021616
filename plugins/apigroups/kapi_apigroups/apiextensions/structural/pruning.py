"""Pruning: what a structural schema does not know is dropped, as are nulls where it allows none.

:func:`pruner` compiles a schema; :func:`unknown_members` walks it again, slowly, for the names of what was dropped.
"""

from collections.abc import Callable, Iterator
from typing import Any

from kapi.meta.schema.compiled import struct_decoder
from kapi.meta.schema.scalars import Mismatch, read_any
from kapi.meta.schema.tables import object_meta
from kapi_apigroups.apiextensions.structural.shape import EMBEDDED, PRESERVE, RESOURCE_MEMBERS, Schema

Prune = Callable[[Any, list[str]], Any]
"""Returns a new value without what is unknown, whose names it adds to the list. Raises Mismatch and BadText for
``metadata`` that is none."""

_Member = tuple[Prune, bool]
"""How the values of a member are pruned, and whether it may be null."""


def pruner(schema: Schema, *, resource: bool = False) -> Prune:
    """Return the pruning of the values of a schema; ``resource``: of objects with kind, version and metadata."""
    resource = resource or bool(schema.get(EMBEDDED))
    find = {name: _member(sub) for name, sub in (schema.get("properties") or {}).items()}
    if resource:
        find |= {"apiVersion": (_keep, False), "kind": (_keep, False), "metadata": (_prune_metadata, False)}
    others, items = _others(schema), schema.get("items")
    prune_item = pruner(items) if items else _keep if schema.get(PRESERVE) else _strip
    if not find and others is None and not items:
        return _strip
    if not find and others is not None and others[0] is _keep and not items:
        return _keep
    look_up = find.get

    def prune(value: Any, unknown: list[str]) -> Any:
        if value.__class__ is list:
            return [None if each is None else prune_item(each, unknown) for each in value]
        if value.__class__ is not dict:
            return value
        out = {}
        for name, inner in value.items():
            found = look_up(name) or others
            if found is None:
                unknown.append(name)
            elif inner is not None:
                out[name] = found[0](inner, unknown)
            elif found[1]:
                out[name] = None
        return out

    return prune


def _member(schema: Schema) -> _Member:
    return pruner(schema), bool(schema.get("nullable"))


def _others(schema: Schema) -> _Member | None:
    """Return how members are pruned that the schema does not name; None: they are dropped."""
    additional = schema.get("additionalProperties")
    if isinstance(additional, dict):
        return _member(additional)
    return (_keep, True) if additional or schema.get(PRESERVE) else None


def _keep(value: Any, unknown: list[str]) -> Any:
    return read_any(value)


def _strip(value: Any, unknown: list[str]) -> Any:
    """Return a leaf as it is; of objects, none of whose members is known, what is left."""
    if value.__class__ is list:
        return [_strip(each, unknown) for each in value]
    if value.__class__ is not dict:
        return value
    unknown.extend(value)
    return {}


def _prune_metadata(value: Any, unknown: list[str]) -> Any:
    if value.__class__ is not dict:
        raise Mismatch
    return struct_decoder(object_meta())(value, unknown)


def unknown_members(schema: Schema, value: Any, path: str = "", *, resource: bool = False) -> Iterator[str]:
    """Yield the paths of the members that pruning drops because nobody knows them (``spec.list[0].x``)."""
    if value.__class__ is list:
        items = schema.get("items")
        for index, each in enumerate(value):
            if items or not schema.get(PRESERVE):
                yield from unknown_members(items or {}, each, f"{path}[{index}]")
    elif value.__class__ is dict:
        yield from _unknown_in_object(schema, value, path, resource or bool(schema.get(EMBEDDED)))


def _unknown_in_object(schema: Schema, value: dict[str, Any], path: str, resource: bool) -> Iterator[str]:
    properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
    for name, inner in value.items():
        there = f"{path}.{name}" if path else name
        if resource and name in RESOURCE_MEMBERS:
            yield from _unknown_in_metadata(inner, there) if name == "metadata" else ()
        elif name in properties:
            yield from unknown_members(properties[name], inner, there)
        elif isinstance(additional, dict):
            yield from unknown_members(additional, inner, there)
        elif not additional and not schema.get(PRESERVE):
            yield there


def _unknown_in_metadata(value: Any, path: str) -> Iterator[str]:
    from kapi.meta.schema.explain import explain

    for problem in explain(value, object_meta()).problems:
        if problem.startswith("unknown field "):
            yield f"{path}.{problem.removeprefix('unknown field ')[1:-1]}"
