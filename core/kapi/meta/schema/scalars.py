"""The JSON forms of leaves: what each accepts, and the canonical text of it.

A *reader* takes a parsed JSON value other than null and returns the value in normal form; it raises
:class:`Mismatch` for a value of the wrong JSON type and :class:`BadText` for a text that cannot be read.
"""

import binascii
import math
import re
from collections.abc import Callable
from typing import Any

from kapi.meta.quantity import FORMAT_MESSAGE, QuantityError, canonical, canonical_milli
from kapi.meta.schema.gotime import TimeError, canonical_micro_time, canonical_time

Reader = Callable[[Any], Any]

_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_BASE64_TEXT = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


class Mismatch(Exception):
    """A value has the wrong JSON type. ``go_type`` is the type that Go would name, if not the member's own."""

    def __init__(self, go_type: str = "") -> None:
        """Take the name of the type."""
        super().__init__(go_type)
        self.go_type = go_type


class BadText(Exception):
    """A text is of the right JSON type but cannot be read; the message is the whole error.

    ``fatal`` errors come from a type's own decoder, which ends decoding at once; others come after type mismatches.
    """

    def __init__(self, message: str, fatal: bool = True) -> None:
        """Take the message."""
        super().__init__(message)
        self.fatal = fatal


def read_string(value: Any) -> str:
    """Read a string."""
    if value.__class__ is str:
        return value
    raise Mismatch


def read_boolean(value: Any) -> bool:
    """Read a boolean."""
    if value.__class__ is bool:
        return value
    raise Mismatch


def read_int32(value: Any) -> int:
    """Read an integer of 32 bits."""
    if value.__class__ is int and value in _INT32:
        return value
    raise Mismatch


def read_int64(value: Any) -> int:
    """Read an integer of 64 bits."""
    if value.__class__ is int and value in _INT64:
        return value
    raise Mismatch


def read_number(value: Any) -> int | float:
    """Read a number; whole ones come back as integers, as Go prints them."""
    if value.__class__ is float:
        return int(value) if value.is_integer() and abs(value) < 1e21 else value
    if value.__class__ is int:
        return value
    raise Mismatch


def read_bytes(value: Any) -> str:
    """Read base64 text; the canonical form has padding and no line breaks."""
    if value.__class__ is not str:
        raise Mismatch
    text: str = value.translate(_NO_LINE_BREAKS) if "\n" in value or "\r" in value else value
    if not _BASE64_TEXT.fullmatch(text):
        raise BadText(f"illegal base64 data at input byte {_corrupt_byte(value)}", fatal=False)
    return binascii.b2a_base64(binascii.a2b_base64(text), newline=False).decode() if text.endswith("=") else text


_NO_LINE_BREAKS = {10: None, 13: None}


def read_quantity(value: Any) -> str:
    """Read a quantity, which may be a number."""
    return _quantity(value, canonical)


def read_milli_quantity(value: Any) -> str:
    """Read a quantity that is stored in whole thousandths."""
    return _quantity(value, canonical_milli)


def _quantity(value: Any, canonical_form: Callable[[str], str]) -> str:
    if value.__class__ is str:
        text = value.strip()
    elif value.__class__ in (int, float):
        text = repr(value)
    else:
        raise BadText(FORMAT_MESSAGE)
    try:
        return canonical_form(text)
    except QuantityError as error:
        raise BadText(str(error)) from None


def read_int_or_string(value: Any) -> int | str:
    """Read an integer of 32 bits or a string."""
    if value.__class__ is str or (value.__class__ is int and value in _INT32):
        return value
    raise Mismatch("int32")


def read_time(value: Any) -> str | None:
    """Read an RFC 3339 time; the zero time is None."""
    return _time(value, canonical_time)


def read_micro_time(value: Any) -> str | None:
    """Read an RFC 3339 time with six digits of the second; the zero time is None."""
    return _time(value, canonical_micro_time)


def _time(value: Any, canonical_form: Callable[[str], str | None]) -> str | None:
    if value.__class__ is not str:
        raise Mismatch("string")
    try:
        return canonical_form(value)
    except TimeError as error:
        raise BadText(str(error)) from None


def read_any(value: Any) -> Any:
    """Return a copy of any value."""
    if value.__class__ is dict:
        return {name: read_any(inner) for name, inner in value.items()}
    return [read_any(inner) for inner in value] if value.__class__ is list else value


READERS: dict[str, Reader] = {
    "string": read_string,
    "duration": read_string,
    "boolean": read_boolean,
    "int32": read_int32,
    "int64": read_int64,
    "number": read_number,
    "bytes": read_bytes,
    "quantity": read_quantity,
    "milli-quantity": read_milli_quantity,
    "int-or-string": read_int_or_string,
    "time": read_time,
    "micro-time": read_micro_time,
    "any": read_any,
}


def describe(value: Any) -> str:
    """Return the words with which Go names the JSON value that it cannot use (``number 1.5``)."""
    if value.__class__ is float and math.isfinite(value):
        whole = value.is_integer() and abs(value) < 1e21
        return f"number {int(value)}" if whole else f"number {value!r}"
    names = {str: "string", bool: "bool", dict: "object", list: "array"}
    return f"number {value}" if value.__class__ is int else names.get(value.__class__, "object")


def _corrupt_byte(text: str) -> int:
    """Return the place of the first byte that Go's base64 decoder rejects."""
    quantum = start = 0
    place = 0
    for place, character in enumerate(text.encode("utf-8", "surrogatepass").decode("latin-1")):
        if character in "\r\n":
            continue
        if character == "=":
            return _bad_padding(text, place, quantum)
        if character not in _BASE64:
            return place
        start = place if quantum == 0 else start
        quantum = (quantum + 1) % 4
    return len(text) - quantum


def _bad_padding(text: str, place: int, quantum: int) -> int:
    if quantum < 2:
        return place
    rest = place + 1
    if quantum == 2:
        while rest < len(text) and text[rest] in "\r\n":
            rest += 1
        if rest == len(text):
            return rest
        if text[rest] != "=":
            return rest - 1
        rest += 1
    while rest < len(text) and text[rest] in "\r\n":
        rest += 1
    return rest
