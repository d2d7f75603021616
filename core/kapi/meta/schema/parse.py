"""Reading JSON and YAML texts from outside, with the refusals that Go's parsers give.

:func:`parse_json` accepts what ``encoding/json`` accepts, as far as it can be represented (nesting of up to
:data:`MAX_DEPTH` levels); :func:`parse_yaml` what ``sigs.k8s.io/yaml`` accepts.
"""

import json
import re
from typing import Any, NamedTuple

import orjson

from kapi.meta.schema.scanner import syntax_error

TOO_DEEP = "exceeded max depth"
MAX_DEPTH = 150
"""Deep enough for any object, and shallow enough for all code that walks objects by recursion."""

_ENCODER_DEPTH = 254

_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\."
)
_BAD_BYTE = re.compile("[\udc80-\udcff]")
_NUMBER = re.compile("[-+.0-9eE]+")


class ParseError(Exception):
    """The text is not JSON or YAML; the message is the one that Go's parser gives."""


class Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in document order, duplicates included."""


class Document(NamedTuple):
    """A parsed text: its value (of duplicate members the last one), and the same with :class:`Pairs` for objects.

    ``tree`` is None when no object has duplicate members.
    """

    value: Any
    tree: Any


def parse_json(data: bytes) -> Any:
    """Return the value of a JSON text; of duplicate members the last one. Raises ParseError."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        data, value = _parse_slowly(data)
    _dump(data, value)
    return value


def parse_document(data: bytes) -> Document:
    """Return the value of a JSON text, and whether objects in it have duplicate members. Raises ParseError."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        data, value = _parse_slowly(data)
    # Every member has a colon, and a duplicate's is missing when the value is written again. Colons that were
    # written as escapes could make up for it, so texts with such escapes are scanned.
    escaped = b"\\u003a" in data or b"\\u003A" in data
    if _dump(data, value).count(b":") == data.count(b":") and not escaped:
        return Document(value, None)
    return _with_duplicates(data, value)


def parse_yaml(data: bytes) -> Any:
    """Return the value of the (first) document of a YAML text as JSON; raises ParseError."""
    from kapi.meta.schema.yaml import read_yaml

    return read_yaml(data).value


def _dump(data: bytes, value: Any) -> bytes:
    """Return the value as JSON; raises ParseError when it is nested too deep."""
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        # The encoder has a limit of its own, which the lists around the value bring down to ours.
        for _ in range(_ENCODER_DEPTH - MAX_DEPTH):
            value = [value]
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise ParseError(TOO_DEEP) from None


def _with_duplicates(data: bytes, value: Any) -> Document:
    found: list[bool] = []

    def pairs(members: list[tuple[str, Any]]) -> Pairs:
        if len(dict(members)) != len(members):
            found.append(True)
        return Pairs(members)

    tree = json.loads(data, object_pairs_hook=pairs, parse_int=_integer)
    return Document(value, tree if found else None)


def _integer(digits: str) -> int | float:
    number = float(digits) if len(digits) > 20 else int(digits)
    return number if isinstance(number, float) or -(2**63) <= number < 2**64 else float(number)


def _parse_slowly(data: bytes) -> tuple[bytes, Any]:
    """Return a text that the fast parser accepts, and its value, for one that only Go accepts."""
    # Both repairs keep every character's place: one character for a bad byte, an escape for an escape.
    text = data.decode("utf-8", "surrogateescape")
    repaired = _SURROGATE.sub(_without_lone_surrogate, _BAD_BYTE.sub("\ufffd", text).encode())
    try:
        return repaired, orjson.loads(repaired)
    except orjson.JSONDecodeError as error:
        raise ParseError(_refusal(text, error)) from None


def _refusal(text: str, error: orjson.JSONDecodeError) -> str:
    if "infinity" in error.msg:
        literal = _NUMBER.match(text, error.pos)
        number = literal[0] if literal else text[error.pos : error.pos + 20]
        return f"json: cannot unmarshal number {number[:64]} into Go value of type float64"
    return syntax_error(text, error.pos) or TOO_DEEP


def _without_lone_surrogate(match: re.Match[bytes]) -> bytes:
    escape = match[0]
    lone = len(escape) == 6
    return rb"\ufffd" if lone else escape
