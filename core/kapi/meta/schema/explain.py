"""Says what Go's strict decoder would say about a value: the first error, or all unknown and duplicate members.

This walk is slow and only taken for values that the compiled decoders found irregular. It sees objects with
their duplicate members (:class:`kapi.meta.schema.parse.Pairs`) and follows the order of the document, as Go does: the
error of a type's own decoder ends decoding at once, the first type mismatch is reported at the end.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from kapi.meta.errors import go_quote
from kapi.meta.schema.parse import Pairs
from kapi.meta.schema.scalars import READERS, BadText, Mismatch, describe
from kapi.meta.schema.types import Field, List, Map, Scalar, Struct, Type, Variant

MAX_PROBLEMS = 100

_INTEGERS = ("int32", "int64", "int-or-string", "number")


class Explanation(NamedTuple):
    """``error`` is "" when all values have the right type."""

    error: str
    problems: list[str]


class _Place(NamedTuple):
    """Where the walk is: ``path`` as problems name it; the struct and member names as Go's errors do."""

    path: str
    struct: str
    members: tuple[str, ...]

    def member(self, struct: str, name: str) -> "_Place":
        return _Place(f"{self.path}.{name}" if self.path else name, struct, (*self.members, name))

    def key(self, name: str) -> "_Place":
        return self._replace(path=f"{self.path}.{name}" if self.path else name)

    def item(self, index: int) -> "_Place":
        return self._replace(path=f"{self.path}[{index}]")


class _Fatal(Exception):
    """Carries an error that ends decoding."""


class _Walk:
    def __init__(self) -> None:
        self.saved = ""
        self.problems: dict[str, None] = {}

    def value(self, type_: Type, value: Any, place: _Place) -> None:
        if value is None:
            return
        if isinstance(type_, Struct):
            self._struct(type_, value, place)
        elif isinstance(type_, List):
            self._list(type_, value, place)
        elif isinstance(type_, Map):
            self._map(type_, value, place)
        elif isinstance(type_, Variant):
            self._variant(type_, value)
        else:
            self._scalar(type_, value, place)

    def _struct(self, struct: Struct, value: Any, place: _Place) -> None:
        if not _is_object(value):
            self._mismatch(struct.go_type, value, place)
            return
        seen: set[str] = set()
        for name, inner in _members(value):
            field: Field | None = struct.fields.get(name)
            if field is not None:
                there = place.member(struct.go_name, name)
                self._note_duplicate(name in seen, there)
                self.value(field.type, inner, there)
                seen.add(name)
            elif not struct.preserve_unknown:
                self._problem("unknown", place.key(name))

    def _map(self, type_: Map, value: Any, place: _Place) -> None:
        if not _is_object(value):
            self._mismatch(type_.go_type, value, place)
            return
        seen: set[str] = set()
        for key, inner in _members(value):
            there = place.key(key)
            self._note_duplicate(key in seen, there)
            self.value(type_.values, inner, there)
            seen.add(key)

    def _list(self, type_: List, value: Any, place: _Place) -> None:
        if value.__class__ is not list:
            self._mismatch(type_.go_type, value, place)
            return
        for index, inner in enumerate(value):
            self.value(type_.items, inner, place.item(index))

    def _variant(self, type_: Variant, value: Any) -> None:
        inner = _Walk()
        nowhere = _Place("", "", ())
        if _is_object(value):
            inner.value(type_.object, value, nowhere)
        elif value.__class__ is list and type_.array is not None:
            inner.value(type_.array, value, nowhere)
        elif type_.boolean and value.__class__ is not bool:
            raise _Fatal("boolean or JSON schema expected")
        if inner.saved:
            raise _Fatal(inner.saved)

    def _scalar(self, type_: Type, value: Any, place: _Place) -> None:
        kind = type_.kind if isinstance(type_, Scalar) else "any"
        try:
            READERS[kind](value)
        except Mismatch as mismatch:
            self._scalar_mismatch(kind, mismatch.go_type or type_.go_type, value, place)
        except BadText as error:
            if error.fatal:
                raise _Fatal(str(error)) from None
            self.saved = self.saved or str(error)

    def _scalar_mismatch(self, kind: str, go_type: str, value: Any, place: _Place) -> None:
        word = describe(value)
        if kind not in _INTEGERS:
            word = word.partition(" ")[0]
        message = _mismatch_text(word, go_type, place)
        if kind in ("int-or-string", "time", "micro-time"):
            raise _Fatal(message)
        self.saved = self.saved or message

    def _mismatch(self, go_type: str, value: Any, place: _Place) -> None:
        self.saved = self.saved or _mismatch_text(describe(value).partition(" ")[0], go_type, place)

    def _note_duplicate(self, duplicate: bool, place: _Place) -> None:
        if duplicate:
            self._problem("duplicate", place)

    def _problem(self, what: str, place: _Place) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems[f"{what} field {go_quote(place.path)}"] = None


def explain(value: Any, struct: Struct) -> Explanation:
    """Return what Go's strict decoder says about a value, which may hold Pairs for objects."""
    walk = _Walk()
    try:
        walk.value(struct, value, _Place("", "", ()))
    except _Fatal as fatal:
        return Explanation(str(fatal), [])
    return Explanation(walk.saved, list(walk.problems))


def merge_duplicates(value: Any, type_: Type | None) -> Any:
    """Return a value with Pairs as one with dicts, in which duplicate members are united as Go does.

    A later object is read into the struct or map that an earlier one left behind; any other value replaces it.
    """
    if value.__class__ is list:
        items = type_.items if isinstance(type_, List) else None
        return [merge_duplicates(each, items) for each in value]
    if value.__class__ is not Pairs:
        return value
    merged: dict[str, Any] = {}
    for name, inner in value:
        inner_type = _member_type(type_, name)
        new = merge_duplicates(inner, inner_type)
        old = merged.get(name)
        if (
            isinstance(type_, Struct)
            and isinstance(inner_type, Struct | Map)
            and old.__class__ is dict is new.__class__
        ):
            new = _united(old, new, inner_type)
        merged[name] = new
    return merged


def _united(old: dict[str, Any], new: dict[str, Any], type_: Type) -> dict[str, Any]:
    united = dict(old)
    for name, value in new.items():
        inner_type = _member_type(type_, name)
        before = united.get(name)
        if (
            isinstance(type_, Struct)
            and isinstance(inner_type, Struct | Map)
            and before.__class__ is dict is value.__class__
        ):
            value = _united(before, value, inner_type)
        united[name] = value
    return united


def _member_type(type_: Type | None, name: str) -> Type | None:
    if isinstance(type_, Struct):
        field = type_.fields.get(name)
        return field.type if field is not None else None
    return type_.values if isinstance(type_, Map) else None


def _is_object(value: Any) -> bool:
    return value.__class__ is dict or value.__class__ is Pairs


def _members(value: Any) -> Iterable[tuple[str, Any]]:
    return value if value.__class__ is Pairs else value.items()


def _mismatch_text(word: str, go_type: str, place: _Place) -> str:
    if not place.members:
        return f"json: cannot unmarshal {word} into Go value of type {go_type}"
    field = f"{place.struct}.{'.'.join(place.members)}"
    return f"json: cannot unmarshal {word} into Go struct field {field} of type {go_type}"
