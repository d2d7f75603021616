"""Kubernetes' protobuf form of objects, read into their JSON form.

Typed Go clients send their objects so by default. Which number a member has on the wire is not in the OpenAPI
documents; tables of numbers say it: by definition name a text such as ``metadata 1 spec 2``, where ``3.1`` is member 1
of the embedded message 3, whose members stand in the definition itself. All else (which members there are, and how
their values look in JSON) comes from the type model.
"""

import base64
import struct as binary
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import orjson

from kapi.meta.schema.types import List, Map, Scalar, Struct, Type, Variant
from kapi.meta.times import format_micro, format_seconds

MAGIC: Final = b"k8s\x00"
"""What every object begins with, before an envelope that names its kind."""

Numbers = Mapping[str, str]

_MAX_DEPTH: Final = 100
_YEAR_1: Final = -62135596800
_YEAR_10000: Final = 253402300800
_PLAN: Final = "protobuf"


class ProtobufError(ValueError):
    """The data is not what it should be."""


class Envelope(NamedTuple):
    """The kind of an object, and its message."""

    api_version: str
    kind: str
    message: bytes


def decode_object(data: bytes, type: Struct, numbers: Numbers) -> dict[str, Any]:
    """Return the object that ``data`` (with its envelope) holds, in JSON form, with kind and apiVersion.

    Zero values are there as the sender wrote them. Members that the type does not know are skipped. Raises
    ProtobufError.
    """
    envelope = decode_envelope(data)
    out: dict[str, Any] = {}
    if envelope.kind:
        out["kind"] = envelope.kind
    if envelope.api_version:
        out["apiVersion"] = envelope.api_version
    out.update(_message(envelope.message, type, numbers, 0))
    return out


def decode_envelope(data: bytes) -> Envelope:
    """Return the parts of an envelope (``runtime.Unknown``); raises ProtobufError."""
    if not data.startswith(MAGIC):
        prefix = " ".join(str(byte) for byte in MAGIC)
        raise ProtobufError(f"provided data does not appear to be a protobuf message, expected prefix [{prefix}]")
    api_version = kind = message = b""
    for number, value in _fields(data[len(MAGIC) :]):
        if number == 1:
            for inner, text in _fields(_bytes(value)):
                api_version = _bytes(text) if inner == 1 else api_version
                kind = _bytes(text) if inner == 2 else kind
        elif number == 2:
            message = _bytes(value)
        elif number == 3 and value:
            raise ProtobufError("compressed messages are not supported")
    return Envelope(_text(api_version), _text(kind), message)


Value = int | bytes
Reader = Callable[[Value, int], Any]
"""Takes a value from the wire and the depth of its message, returns its JSON form."""


class _Member(NamedTuple):
    """What a number stands for: a member, or (``inner``) an embedded message."""

    name: str
    read: Reader | None
    repeated: bool = False
    keyed: bool = False
    inner: "dict[int, _Member] | None" = None


def _message(data: Value, type: Struct, numbers: Numbers, depth: int) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise ProtobufError("message is nested too deeply")
    plan = type.compiled.get(_PLAN)
    if plan is None:
        plan = type.compiled[_PLAN] = _plan(type, numbers)
    out: dict[str, Any] = {}
    _fill(out, _bytes(data), plan, depth)
    return out


def _fill(out: dict[str, Any], data: bytes, plan: dict[int, _Member], depth: int) -> None:
    for number, value in _fields(data):
        member = plan.get(number)
        if member is None:
            continue
        if member.inner is not None:
            _fill(out, _bytes(value), member.inner, depth)
        elif member.read is None:
            continue
        elif member.keyed:
            key, item = _entry(value)
            out.setdefault(member.name, {})[key] = member.read(item, depth + 1)
        elif member.repeated:
            out.setdefault(member.name, []).append(member.read(value, depth + 1))
        else:
            out[member.name] = member.read(value, depth + 1)


def _plan(type: Struct, numbers: Numbers) -> dict[int, _Member]:
    plan: dict[int, _Member] = {}
    words = numbers.get(type.name, "").split()
    for name, path in zip(words[::2], words[1::2], strict=True):
        field = type.fields.get(name)
        if field is None:
            continue
        *outer, last = map(int, path.split("."))
        holder = plan
        for number in outer:
            embedded = holder.setdefault(number, _Member("", None, inner={}))
            holder = embedded.inner if embedded.inner is not None else holder
        holder[last] = _member(name, field.type, numbers)
    return plan


def _member(name: str, type: Type, numbers: Numbers) -> _Member:
    if isinstance(type, List):
        return _Member(name, _reader(type.items, numbers), repeated=True)
    if isinstance(type, Map):
        return _Member(name, _reader(type.values, numbers), keyed=True)
    return _Member(name, _reader(type, numbers))


def _reader(type: Type, numbers: Numbers) -> Reader:
    if isinstance(type, Struct):
        return lambda value, depth: _message(value, type, numbers, depth)
    if isinstance(type, List):
        return partial(_wrapped_list, _reader(type.items, numbers))
    if isinstance(type, Variant):
        return partial(_variant, type, numbers)
    if isinstance(type, Scalar):
        return _SCALARS[type.kind]
    raise ProtobufError(f"{type.go_type} has no protobuf form")


def _wrapped_list(read: Reader, value: Value, depth: int) -> list[Any]:
    """Read a list in a place where the wire allows only one value: a message whose first member is the list."""
    return [read(item, depth + 1) for number, item in _fields(_bytes(value)) if number == 1]


def _variant(type: Variant, numbers: Numbers, value: Value, depth: int) -> Any:
    """Read a value of several JSON forms: an object, a list or a boolean, each with a number of its own."""
    boolean, items, found = False, [], None
    for number, item in _fields(_bytes(value)):
        if number == (2 if type.boolean else 1):
            found = _reader(type.object, numbers)(item, depth + 1)
        elif type.boolean and number == 1:
            boolean = bool(item)
        elif isinstance(type.array, List) and number == 2:
            items.append(_reader(type.array.items, numbers)(item, depth + 1))
    if found is not None:
        return found
    return boolean if type.boolean else items


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Yield the number and value of each field of a message."""
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ProtobufError(f"proto: illegal wireType {kind}")
        if size > end - at:
            raise ProtobufError("unexpected EOF")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
        if shift > 63:
            raise ProtobufError("proto: integer overflow")
    raise ProtobufError("unexpected EOF")


def _entry(value: Value) -> tuple[str, Value]:
    """Return key and value of a map's entry."""
    key, item = b"", b""
    for number, part in _fields(_bytes(value)):
        if number == 1:
            key = _bytes(part)
        elif number == 2:
            item = part  # type: ignore[assignment]  # an entry's value may be a number
    return _text(key), item


def _bytes(value: Value) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("proto: wrong wireType")
    return value


def _integer(value: Value, depth: int = 0) -> int:
    if not isinstance(value, int):
        raise ProtobufError("proto: wrong wireType")
    return value - (1 << 64) if value >= 1 << 63 else value


def _text(value: Value, depth: int = 0) -> str:
    return _bytes(value).decode("utf-8", "replace")


def _numbered(value: Value) -> dict[int, Value]:
    return dict(_fields(_bytes(value)))


def _number(value: Value, depth: int) -> float:
    data = _bytes(value)
    if len(data) != 8:
        raise ProtobufError("proto: wrong wireType")
    return float(binary.unpack("<d", data)[0])


def _any(value: Value, depth: int) -> Any:
    """Read free-form JSON, which a message holds as text."""
    raw = _bytes(_numbered(value).get(1, b""))
    try:
        return orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError as ex:
        raise ProtobufError(f"embedded JSON: {ex}") from None


def _quantity(value: Value, depth: int) -> str:
    return _text(_numbered(value).get(1, b"")) or "0"


def _int_or_string(value: Value, depth: int) -> int | str:
    fields = _numbered(value)
    if _integer(fields.get(1, 0)) == 1:
        return _text(fields.get(3, b""))
    return _integer(fields.get(2, 0))


def _timestamp(value: Value) -> tuple[int, int] | None:
    """Return seconds and nanoseconds, None for the zero time."""
    fields = _numbered(value)
    if not fields:
        return None
    seconds, nanos = _integer(fields.get(1, 0)), _integer(fields.get(2, 0))
    if not _YEAR_1 <= seconds < _YEAR_10000 or not 0 <= nanos < 1_000_000_000:
        raise ProtobufError("timestamp out of range")
    return seconds, nanos


def _time(value: Value, depth: int) -> str | None:
    found = _timestamp(value)
    return None if found is None else format_seconds(found[0])


def _micro_time(value: Value, depth: int) -> str | None:
    found = _timestamp(value)
    if found is None:
        return None
    return f"{format_micro(found[0])[:-7]}{found[1] // 1000:06d}Z"


def _duration(value: Value, depth: int) -> str:
    return go_duration(_integer(_numbered(value).get(1, 0)))


def go_duration(nanoseconds: int) -> str:
    """Return a length of time as Go prints it: ``1h0m30s``, ``1.5s``, ``20ms``, ``0s``."""
    sign, rest = ("-" if nanoseconds < 0 else ""), abs(nanoseconds)
    if rest < 1_000_000_000:
        for unit, size in (("ms", 1_000_000), ("µs", 1_000), ("ns", 1)):
            if rest >= size:
                return f"{sign}{_decimal(rest, size)}{unit}"
        return "0s"
    minutes, rest = divmod(rest, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest, 1_000_000_000)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else sign + seconds


def _decimal(value: int, size: int) -> str:
    whole, part = divmod(value, size)
    if not part:
        return str(whole)
    digits = len(str(size)) - 1
    return f"{whole}.{part:0{digits}d}".rstrip("0")


_SCALARS: Final[Mapping[str, Reader]] = {
    "string": _text,
    "int32": _integer,
    "int64": _integer,
    "number": _number,
    "boolean": lambda value, depth: bool(value),
    "bytes": lambda value, depth: base64.b64encode(_bytes(value)).decode(),
    "quantity": _quantity,
    "milli-quantity": _quantity,
    "int-or-string": _int_or_string,
    "time": _time,
    "micro-time": _micro_time,
    "duration": _duration,
    "any": _any,
}
