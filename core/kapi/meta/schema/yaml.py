"""Reading YAML as ``sigs.k8s.io/yaml`` does: YAML 1.1 in Go's dialect, turned into JSON values.

Differences from PyYAML's own loaders: no dates, no sexagesimal numbers, no sets; integers and floats in
Go's notations; keys become strings (``true: x`` gives ``{"true": "x"}``); members are sorted, because the
reference goes through a sorted map; duplicate keys are reported; and documents that would grow without bound
(aliases), nest too deep or have too many nodes are refused.
"""

import math
import re
from typing import Any, NamedTuple

import yaml

from kapi.meta.errors import go_quote
from kapi.meta.schema.parse import MAX_DEPTH, TOO_DEEP, ParseError

MAX_WEIGHT = 1_000_000

_TAG = "tag:yaml.org,2002:"
_BOOLEANS = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
_NULLS = ("", "~", "null", "Null", "NULL")
_SPECIAL_FLOATS = re.compile(r"[+-]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INTEGER = re.compile(r"[+-]?(?:0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_MAX_NUMBER_LENGTH = 400
_CHARACTERS_PER_NODE = 16
_MAX_DUPLICATES = 100
_PARSER_TOO_DEEP = "exceeded maximum nesting depth"  # libyaml has a limit of its own from 0.2.6 on


class YAMLValue(NamedTuple):
    """A value, and the message about duplicate keys ("" when there are none)."""

    value: Any
    duplicates: str


class _Anchored(NamedTuple):
    """A value with an anchor, and what every alias of it adds."""

    value: Any
    weight: int
    height: int


class _Reader(yaml.CSafeLoader):
    """PyYAML's parser; the values are made by :class:`_Builder`."""

    yaml_implicit_resolvers: dict[str, Any] = {}


def read_yaml(data: bytes) -> YAMLValue:
    """Return the first document of a text; raises ParseError. An empty text is None."""
    try:
        reader = _Reader(data)
        try:
            builder = _Builder(reader)
            return YAMLValue(builder.document(), builder.duplicates())
        finally:
            reader.dispose()
    except yaml.MarkedYAMLError as error:
        raise ParseError(_message(error)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParseError(f"yaml: {str(error).splitlines()[0]}") from None


class _Builder:
    """Makes values from parser events, without recursion into the parser's own composer."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._anchors: dict[str, _Anchored] = {}
        self._open: set[str] = set()
        self._weight = 0
        self._deepest = 0
        self._duplicates: list[str] = []

    def document(self) -> Any:
        """Return the value of the first document."""
        for event in iter(self._reader.get_event, None):
            if isinstance(event, yaml.DocumentStartEvent):
                return self._value(self._reader.get_event(), 0)
            if isinstance(event, yaml.StreamEndEvent):
                break
        return None

    def duplicates(self) -> str:
        """Return the message about duplicate keys."""
        if not self._duplicates:
            return ""
        return "yaml: unmarshal errors:\n" + "\n".join(f"  {line}" for line in self._duplicates)

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        return self._anchored(event, depth) if event.anchor else self._node(event, depth)

    def _node(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            self._add_weight(1 + len(event.value) // _CHARACTERS_PER_NODE)
            return _scalar(event)
        self._add_weight(1)
        self._reach(depth + 1)
        return self._sequence(depth) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(depth)

    def _anchored(self, event: Any, depth: int) -> Any:
        weight, deepest = self._weight, self._deepest
        self._deepest = depth
        self._open.add(event.anchor)
        value = self._node(event, depth)
        self._open.discard(event.anchor)
        self._anchors[event.anchor] = _Anchored(value, self._weight - weight, self._deepest - depth)
        self._deepest = max(deepest, self._deepest)
        return value

    def _alias(self, event: Any, depth: int) -> Any:
        if event.anchor in self._open:
            raise ParseError(f"yaml: anchor '{event.anchor}' value contains itself")
        if event.anchor not in self._anchors:
            raise ParseError(f"yaml: unknown anchor '{event.anchor}' referenced")
        value, weight, height = self._anchors[event.anchor]
        self._reach(depth + height)
        self._add_weight(weight)
        return value

    def _reach(self, depth: int) -> None:
        self._deepest = max(self._deepest, depth)
        if depth > MAX_DEPTH:
            raise ParseError(TOO_DEEP)

    def _add_weight(self, weight: int) -> None:
        self._weight += weight
        if self._weight > MAX_WEIGHT:
            raise ParseError("yaml: document contains excessive aliasing")

    def _next(self) -> Any:
        return self._reader.get_event()

    def _note_duplicate(self, event: Any, key: str) -> None:
        if len(self._duplicates) < _MAX_DUPLICATES:
            self._duplicates.append(f"line {event.start_mark.line + 1}: key {key} already set in map")

    def _sequence(self, depth: int) -> list[Any]:
        values = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            values.append(self._value(event, depth + 1))
        return values

    def _mapping(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
                _merge(merged, self._value(self._next(), depth + 1))
                continue
            found = self._value(event, depth + 1)
            key = _key(found)
            if key in members:
                self._note_duplicate(event, go_quote(key) if found.__class__ is str else key)
            members[key] = self._value(self._next(), depth + 1)
        members = {**merged, **members}
        return {key: members[key] for key in sorted(members)}


def _merge(merged: dict[str, Any], value: Any) -> None:
    for source in value if isinstance(value, list) else [value]:
        if not isinstance(source, dict):
            raise ParseError("yaml: map merge requires map or sequence of maps as the value")
        for key, inner in source.items():
            merged.setdefault(key, inner)


def _key(value: Any) -> str:
    """Return a key as the reference turns it into a JSON member name."""
    if value.__class__ is str:
        return str(value)
    if value.__class__ is bool:
        return "true" if value else "false"
    if value is None:
        return "null"
    if value.__class__ in (int, float):
        return str(value)
    raise ParseError("error converting YAML to JSON: unsupported map key of type: " + type(value).__name__)


def _shortest(number: float) -> int | float:
    """Return whole numbers as integers, which they are once they have been written as JSON."""
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.tag is None or event.tag == "!":
        return text if event.style or event.tag == "!" else _plain(text)
    return _tagged(event.tag, text)


def _tagged(tag: str, text: str) -> Any:
    short = tag.removeprefix(_TAG)
    if short == "str" or not tag.startswith(_TAG):
        return text
    if short == "binary":
        raise ParseError("yaml: !!binary is not supported")
    return _plain(text)


def _plain(text: str) -> Any:
    if not text or text[0] in "~nN" and text in _NULLS:
        return None
    if text[0] in "0123456789+-.":
        return _number(text)
    return _BOOLEANS.get(text, text)


def _number(text: str) -> Any:
    if _SPECIAL_FLOATS.fullmatch(text):
        raise ParseError(f"error converting YAML to JSON: json: unsupported value: {_special(text)}")
    digits = text.replace("_", "") if text[-1] != "_" else text
    if len(digits) > _MAX_NUMBER_LENGTH:
        return text
    if _INTEGER.fullmatch(digits):
        return _integer(digits)
    if _FLOAT.fullmatch(digits):
        number = float(digits)
        return _shortest(number) if math.isfinite(number) else text
    return text


def _integer(digits: str) -> int | float:
    sign = -1 if digits[0] == "-" else 1
    bare = digits.lstrip("+-")
    base = {"0b": 2, "0o": 8, "0x": 16}.get(bare[:2], 8 if bare[0] == "0" else 10)
    number = sign * int(bare, base)
    return number if -(2**63) <= number < 2**64 else float(number)


def _special(text: str) -> str:
    if text[-1] in "nN":
        return "NaN"
    return "-Inf" if text[0] == "-" else "+Inf"


def _message(error: yaml.MarkedYAMLError) -> str:
    """Return a syntax error in the words of Go's parser, which shares its roots with PyYAML's."""
    problem = error.problem or "did not find expected node content"
    if problem == _PARSER_TOO_DEEP:
        return TOO_DEEP
    line = error.problem_mark.line if error.problem_mark else 0
    if line:
        line += isinstance(error, yaml.scanner.ScannerError)
    elif error.context_mark:
        line = error.context_mark.line
    return f"yaml: line {line}: {problem}" if line else f"yaml: {problem}"
