import struct
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.meta import protobuf
from kapi.meta.protobuf import MAGIC, ProtobufError, decode_envelope, decode_object, go_duration
from kapi.meta.schema.tables import Definitions
from kapi.meta.schema.types import Field, List, Map, Scalar, ScalarKind, Struct


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def wrapped(message, kind="Widget", api_version="example.com/v1"):
    return MAGIC + field(1, field(1, api_version) + field(2, kind)) + field(2, message)


def scalar(kind):
    return Scalar(kind, kind)


def widget_type():
    part = Struct("part", "v1.Part", lambda: {"size": Field("size", scalar("int32"))})
    fields = {
        "name": scalar("string"),
        "count": scalar("int64"),
        "ready": scalar("boolean"),
        "ratio": scalar("number"),
        "blob": scalar("bytes"),
        "cpu": scalar("quantity"),
        "port": scalar("int-or-string"),
        "at": scalar("time"),
        "exactly": scalar("micro-time"),
        "wait": scalar("duration"),
        "free": scalar("any"),
        "part": part,
        "parts": List(part, "[]Part"),
        "limits": Map(scalar("quantity"), "map"),
        "extra": Map(List(scalar("string"), "[]string"), "map"),
        "inner": scalar("string"),
    }
    return Struct("widget", "v1.Widget", lambda: {name: Field(name, type_) for name, type_ in fields.items()})


NUMBERS = {
    "widget": "name 1 count 2 ready 3 ratio 4 blob 5 cpu 6 port 7 at 8 exactly 9 wait 10 free 11 part 12 parts 13 "
    "limits 14 extra 15 inner 16.2.1 gone 17",
    "part": "size 1",
}


def decode(message):
    obj = decode_object(wrapped(message), widget_type(), NUMBERS)
    assert (obj.pop("kind"), obj.pop("apiVersion")) == ("Widget", "example.com/v1")
    return obj


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (field(1, "é"), {"name": "é"}),
        (field(1, ""), {"name": ""}),
        (field(2, -5), {"count": -5}),
        (field(3, 1), {"ready": True}),
        (varint(4 << 3 | 1) + struct.pack("<d", 0.5), {"ratio": 0.5}),
        (field(5, b"\0\xff"), {"blob": "AP8="}),
        (field(6, field(1, "100m")), {"cpu": "100m"}),
        (field(7, field(1, 0) + field(2, 80) + field(3, "")), {"port": 80}),
        (field(7, field(1, 1) + field(2, 0) + field(3, "http")), {"port": "http"}),
        (field(8, field(1, 1767323045) + field(2, 0)), {"at": "2026-01-02T03:04:05Z"}),
        (field(8, b""), {"at": None}),
        (field(9, field(1, 1767323045) + field(2, 250_000_999)), {"exactly": "2026-01-02T03:04:05.250000Z"}),
        (field(10, field(1, 90_000_000_000)), {"wait": "1m30s"}),
        (field(11, field(1, '{"a":[1]}')), {"free": {"a": [1]}}),
        (field(12, field(1, 7)), {"part": {"size": 7}}),
        (field(13, field(1, 1)) + field(13, b""), {"parts": [{"size": 1}, {}]}),
        (field(14, field(1, "cpu") + field(2, field(1, "1"))), {"limits": {"cpu": "1"}}),
        (field(15, field(1, "k") + field(2, field(1, "a") + field(1, "b"))), {"extra": {"k": ["a", "b"]}}),
        (field(16, field(2, field(1, "deep"))), {"inner": "deep"}),
        (field(17, "no such member") + field(99, 5) + field(1, "n"), {"name": "n"}),
    ],
)
def test_values_take_their_json_form(message, expected):
    assert decode(message) == expected


def test_every_kind_of_value_can_be_read():
    assert set(get_args(ScalarKind)) == set(protobuf._SCALARS)


def test_recursive_and_variant_schemas():
    schema = {
        "type": "object",
        "properties": {"of": {"$ref": "#/components/schemas/x"}, "name": {"type": "string"}},
    }
    types = Definitions.from_openapi({"components": {"schemas": {"x": schema}}})
    message = field(2, "leaf")
    for _ in range(3):
        message = field(1, message)
    obj = decode_object(wrapped(message), types.struct("x"), {"x": "of 1 name 2"})
    assert obj["of"]["of"]["of"]["name"] == "leaf"


def test_deep_nesting_is_refused():
    types = Definitions.from_openapi(
        {"components": {"schemas": {"x": {"type": "object", "properties": {"of": {"$ref": "#/components/schemas/x"}}}}}}
    )
    message = b""
    for _ in range(2000):
        message = field(1, message)
    with pytest.raises(ProtobufError, match="nested too deeply"):
        decode_object(wrapped(message), types.struct("x"), {"x": "of 1"})


def test_the_envelope_comes_first():
    assert decode_envelope(wrapped(b"m")) == ("example.com/v1", "Widget", b"m")
    with pytest.raises(
        ProtobufError, match=r"^provided data does not appear to be a protobuf message, expected prefix "
    ):
        decode_envelope(b"junk")


@pytest.mark.parametrize(
    "message",
    [
        b"\x0a",
        b"\x0a\x05ab",
        b"\x80" * 11,
        varint(1 << 3 | 3),
        field(1, 5),
        field(2, "x"),
        field(8, field(1, 1 << 60)),
        field(11, field(1, "{bad")),
    ],
)
def test_malformed_messages_are_refused(message):
    with pytest.raises(ProtobufError):
        decode(message)


@given(st.binary(max_size=80))
def test_any_bytes_decode_or_are_refused(message):
    try:
        obj = decode(message)
    except ProtobufError:
        return
    assert set(obj) <= set(widget_type().fields)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1500, "1.5µs"),
        (20_000_000, "20ms"),
        (1_500_000_000, "1.5s"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_000, "1h0m0s"),
        (-90_000_000_000, "-1m30s"),
    ],
)
def test_durations_print_as_go_does(nanoseconds, text):
    assert go_duration(nanoseconds) == text
