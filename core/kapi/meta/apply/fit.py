"""The fields of an apply configuration that fits its type, found in one walk.

Each apply comes through here, so the type model is compiled, lazily per member. What does not fit is only noticed:
:mod:`kapi.meta.apply.validate` says what is wrong, and :mod:`kapi.meta.apply.owned` is the plain form of what is done
here, for objects that need not fit.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from kapi.meta.apply.elements import BadItem, element_of
from kapi.meta.apply.fieldset import SELF, FieldSet, in_order
from kapi.meta.apply.shape import is_atomic, is_opaque, member_type
from kapi.meta.apply.validate import accepts
from kapi.meta.schema.types import List, Map, Scalar, Struct, Type


class Misfit(Exception):
    """The value does not fit its type."""


Fit = Callable[[Any], FieldSet | None]
"""Returns what is owned below a value that is not null; None if it is owned as a whole. Raises Misfit."""


def fitting_fields(struct: Struct, config: Any) -> FieldSet | None:
    """Return the field set of a configuration; None if it does not fit the type."""
    try:
        return _struct(struct)(config) or {}
    except (Misfit, BadItem):
        return None


class _Member(NamedTuple):
    """A member: its path element, how its value is walked, and whether it is in the set beside its children."""

    element: str
    fit: Fit
    named: bool


def _compile(type_: Type) -> Fit:
    if isinstance(type_, Scalar):
        return _scalar(type_)
    if isinstance(type_, Struct):
        return _by_reference(type_)
    if isinstance(type_, Map):
        return _mapping(_MapMembers(type_), atomic=type_.atomic)
    if isinstance(type_, List):
        return _atomic_list(type_) if is_atomic(type_) else _list(type_)
    return _misfit


def _misfit(value: Any) -> FieldSet | None:
    raise Misfit


def _scalar(type_: Scalar) -> Fit:
    if type_.kind == "any":
        return _opaque if is_opaque(type_) else _free

    def fit(value: Any) -> None:
        if not accepts(type_, value):
            raise Misfit

    return fit


def _opaque(value: Any) -> None:
    """Accept an embedded object."""


def _free(value: Any) -> FieldSet | None:
    """Walk a value that no schema describes: maps by member, everything else is owned as a whole."""
    if value.__class__ is not dict or not value:
        return None
    return in_order({"f:" + name: _with_self(_free(member)) for name, member in value.items()})


def _with_self(below: FieldSet | None) -> FieldSet:
    return {SELF: {}, **below} if below else {}


def _struct(struct: Struct) -> Fit:
    fit: Fit | None = struct.compiled.get("fit")
    if fit is None:
        fit = struct.compiled["fit"] = _mapping(_StructMembers(struct), atomic=struct.atomic)
    return fit


def _by_reference(struct: Struct) -> Fit:
    """Return a walk that compiles the struct on first use: types may be recursive."""
    compiled = struct.compiled

    def fit(value: Any) -> FieldSet | None:
        walk: Fit = compiled.get("fit") or _struct(struct)
        return walk(value)

    return fit


class _StructMembers(dict[str, _Member]):
    """The members of a struct, compiled when first met."""

    def __init__(self, struct: Struct) -> None:
        super().__init__()
        self._struct = struct

    def __missing__(self, name: str) -> _Member:
        type_ = member_type(self._struct, name)
        if type_ is None:
            raise Misfit
        declared = name in self._struct.fields
        member = _Member("f:" + name, _compile(type_), not declared)
        if declared:
            self[name] = member
        return member


class _MapMembers(dict[str, _Member]):
    """The members of a map: any name, one type. Nothing is kept, because names are the clients'."""

    def __init__(self, type_: Map) -> None:
        super().__init__()
        self._fit = _compile(type_.values)

    def __missing__(self, name: str) -> _Member:
        return _Member("f:" + name, self._fit, True)


def _mapping(members: dict[str, _Member], *, atomic: bool) -> Fit:
    def fit(value: Any) -> FieldSet | None:
        if value.__class__ is not dict:
            raise Misfit
        fields: FieldSet = {}
        for name, member in value.items():
            element, walk, named = members[name]
            below = None if member is None else walk(member)
            if below is None:
                fields[element] = {}
            elif named:
                fields[element] = _with_self(below)
            elif below:
                fields[element] = below
        return None if atomic or not value else in_order(fields)

    return fit


def _atomic_list(type_: List) -> Fit:
    items = _compile(type_.items)

    def fit(value: Any) -> None:
        if value.__class__ is not list:
            raise Misfit
        for item in value:
            if item is not None:
                items(item)

    return fit


def _list(type_: List) -> Fit:
    items, name_of = _compile(type_.items), element_of(type_)

    def fit(value: Any) -> FieldSet:
        if value.__class__ is not list:
            raise Misfit
        fields: FieldSet = {}
        for item in value:
            element = name_of(item)
            if element in fields:
                raise Misfit
            fields[element] = _with_self(items(item))
        return in_order(fields)

    return fit
