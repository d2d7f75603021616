"""Checks of single fields that many kinds share."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_invalid, field_not_supported, field_required
from kapi.meta.names import NameCheck

IMMUTABLE = "field is immutable"
NOT_NEGATIVE = "must be greater than or equal to 0"
_PERCENT = re.compile(r"[0-9]{1,9}%")
_PERCENT_SYNTAX = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', "
    "regex used for validation is '[0-9]+%')"
)


def immutable(obj: Object, old: Object, member: str, path: str) -> Iterator[FieldError]:
    """Yield an error when a member differs from its stored value."""
    if obj.get(member) != old.get(member):
        yield field_invalid(f"{path}{member}", obj.get(member), IMMUTABLE)


def not_negative(obj: Object, members: Iterable[str], path: str) -> Iterator[FieldError]:
    """Yield an error for each of the members that is a negative number."""
    for member in members:
        value = obj.get(member)
        if value is not None and value < 0:
            yield field_invalid(f"{path}.{member}", value, NOT_NEGATIVE)


def one_of(value: str, path: str, supported: tuple[str, ...]) -> Iterator[FieldError]:
    """Yield an error when a value is none of the supported ones."""
    if value not in supported:
        yield field_not_supported(path, value, supported)


def count_or_percent(value: Any, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a number that may be given as a percentage."""
    if isinstance(value, str):
        if not _PERCENT.fullmatch(value):
            yield field_invalid(path, value, _PERCENT_SYNTAX)
    elif value < 0:
        yield field_invalid(path, value, NOT_NEGATIVE)


def at_most_all(value: Any, path: str) -> Iterator[FieldError]:
    """Yield an error when a percentage exceeds 100%."""
    if isinstance(value, str) and _PERCENT.fullmatch(value) and int(value[:-1]) > 100:
        yield field_invalid(path, value, "must not be greater than 100%")


def count_of(value: Any) -> int:
    """Return the number in a number or percentage; 0 for one that is malformed or absent."""
    if isinstance(value, str):
        return int(value[:-1]) if _PERCENT.fullmatch(value) else 0
    return int(value or 0)


def named(obj: Object, member: str, path: str, check: NameCheck) -> Iterator[FieldError]:
    """Yield an error when a required name is missing, or what ``check`` finds wrong with it."""
    value = obj.get(member, "")
    if not value:
        yield field_required(f"{path}.{member}")
    else:
        yield from checked(value, f"{path}.{member}", check)


def checked(value: str, path: str, check: NameCheck) -> Iterator[FieldError]:
    """Yield what ``check`` finds wrong with a name."""
    for problem in check(value):
        yield field_invalid(path, value, problem)
