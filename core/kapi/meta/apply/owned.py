"""The field set of an object: what somebody who applies it owns."""

from typing import Any

from kapi.meta.apply.elements import element_of
from kapi.meta.apply.fieldset import SELF, FieldSet, in_order
from kapi.meta.apply.shape import is_atomic, is_declared, member_type, resolve
from kapi.meta.schema.types import MISSING, List, Scalar, Type


def owned_fields(type_: Type, value: Any) -> FieldSet:
    """Return the leaves of ``value``, the items of its lists and the members of its maps; raises BadItem.

    Members of structs are not in the set themselves, unless they are null or empty maps.
    """
    if value is MISSING:
        return {}
    type_ = resolve(type_, value)
    if isinstance(type_, Scalar) or is_atomic(type_) or value is None:
        return {}
    if isinstance(type_, List):
        return _owned_items(type_, value) if isinstance(value, list) else {}
    return _owned_members(type_, value) if isinstance(value, dict) else {}


def _is_leaf(type_: Type, value: Any) -> bool:
    """Tell whether a member is owned as a whole."""
    return value is None or value == {} or is_atomic(resolve(type_, value))


def _owned_members(type_: Type, value: dict[str, Any]) -> FieldSet:
    fields: FieldSet = {}
    for name, member in value.items():
        expected = member_type(type_, name)
        if expected is None:
            continue
        if _is_leaf(expected, member):
            fields["f:" + name] = {}
            continue
        below = owned_fields(expected, member)
        if not is_declared(type_, name):
            fields["f:" + name] = {SELF: {}, **below} if below else {}
        elif below:
            fields["f:" + name] = below
    return in_order(fields)


def _owned_items(type_: List, value: list[Any]) -> FieldSet:
    name_of = element_of(type_)
    fields: FieldSet = {}
    for item in value:
        element = name_of(item)
        below = {} if element in fields else owned_fields(type_.items, item)
        fields[element] = {SELF: {}, **below} if below else {}
    return in_order(fields)


def with_declared_members(fields: FieldSet, type_: Type | None) -> FieldSet:
    """Return the set with every declared member that has children in it; such are not in sets otherwise."""
    named: FieldSet = {}
    for element, node in fields.items():
        if not node:
            named[element] = node
            continue
        below = with_declared_members(node, _type_of(type_, element))
        declared = type_ is not None and element[:2] == "f:" and is_declared(type_, element[2:])
        named[element] = {SELF: {}, **below} if declared and SELF not in below else below
    return named


def _type_of(type_: Type | None, element: str) -> Type | None:
    if isinstance(type_, List):
        return type_.items
    if element[:2] != "f:" or type_ is None:
        return None
    return member_type(resolve(type_, {}), element[2:])


def reconcile(fields: FieldSet, type_: Type | None) -> FieldSet:
    """Return a set that may have been written under an older schema as it is under this one.

    Whoever owned parts of what is replaced whole by now, owns it whole. The other way round nothing changes.
    """
    changed: FieldSet = {}
    for element, node in fields.items():
        member = _type_of(type_, element) if node else None
        if member is None or isinstance(member, Scalar):
            continue
        now = {} if is_atomic(member) else reconcile(node, member)
        if now is not node:
            changed[element] = now
    return {**fields, **changed} if changed else fields
