"""Does an apply configuration fit the type of its kind? Refusals as structured-merge-diff words them."""

from collections.abc import Iterator
from typing import Any

from kapi.meta.apply.elements import BadItem, ElementOf, element_of
from kapi.meta.apply.path import element_text
from kapi.meta.apply.shape import is_atomic, member_type, resolve
from kapi.meta.patch.gotext import go_syntax, go_type, go_value
from kapi.meta.schema.types import List, Scalar, Struct, Type

_STRINGS = ("string", "bytes", "duration")
_NUMBERS = ("int32", "int64", "number")


class IllTyped(Exception):
    """The configuration does not fit; the message lists every finding."""


def check_type(struct: Struct, config: Any) -> None:
    """Raise IllTyped when ``config`` is no (partial) object of the kind, or a list has an item twice."""
    findings = [f"{path}: {text}" if path else text for path, text in _check(struct, config, "")]
    if len(findings) == 1:
        raise IllTyped(findings[0])
    if findings:
        raise IllTyped("\n".join(["errors:", *("  " + finding for finding in findings)]))


_Findings = Iterator[tuple[str, str]]


def _check(type_: Type, value: Any, path: str) -> _Findings:
    if value is None:
        return
    type_ = resolve(type_, value)
    if isinstance(type_, Scalar):
        if text := _scalar_mismatch(type_, value):
            yield path, text
    elif isinstance(type_, List):
        if isinstance(value, list):
            yield from _check_items(type_, value, path)
        else:
            yield path, f"expected list, got {_shown(value)}"
    elif isinstance(value, dict):
        yield from _check_members(type_, value, path)
    else:
        yield path, f"expected map, got {_shown(value)}"


def accepts(type_: Scalar, value: Any) -> bool:
    """Tell whether a value other than null is one of a scalar type that is not of free form."""
    if type_.kind in _STRINGS:
        return isinstance(value, str)
    if type_.kind in _NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if type_.kind == "boolean":
        return isinstance(value, bool)
    return not isinstance(value, dict | list)


def _scalar_mismatch(type_: Scalar, value: Any) -> str:
    if accepts(type_, value):
        return ""
    if type_.kind in _NUMBERS:
        return f"expected numeric (int or float), got {go_type(value, as_float=True)}"
    if type_.kind in _STRINGS:
        return f"expected string, got &value.valueUnstructured{{Value:{go_syntax(value, as_float=True)}}}"
    what = "boolean" if type_.kind == "boolean" else "any scalar"
    return f"expected {what}, got {_shown(value)}"


def _shown(value: Any) -> str:
    return "&{" + go_value(value, as_float=True) + "}"


def _check_members(type_: Type, value: dict[str, Any], path: str) -> _Findings:
    for name, member in value.items():
        expected = member_type(type_, name)
        if expected is None:
            yield f"{path}.{name}", "field not declared in schema"
            return
        yield from _check(expected, member, f"{path}.{name}")


def _check_items(type_: List, value: list[Any], path: str) -> _Findings:
    name_of: ElementOf | None = None if is_atomic(type_) else element_of(type_)
    seen: set[str] = set()
    for index, item in enumerate(value):
        shown = f"[{index}]"
        if name_of is not None:
            try:
                element = name_of(item)
            except BadItem as error:
                yield path, f"element {index}: {error}"
                return
            shown = element_text(element)
            if element in seen:
                yield path, f"duplicate entries for key {shown}"
            seen.add(element)
        yield from _check(type_.items, item, path + shown)
