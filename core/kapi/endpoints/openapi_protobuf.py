"""The OpenAPI 2.0 document in protobuf, which kubectl before 1.24 asks for and cannot do without.

The messages are those of gnostic (``openapi.v2.Document``). They are the JSON document with numbers for names, but
for a few turns: maps are lists of named values, alternatives are members of a message around them, and what may be
anything is a text in YAML (of which JSON is a part).
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import orjson

Encode = Callable[[Any], bytes]
"""Takes a value of the JSON document, returns the bytes of the message that stands for it."""

MEDIA_TYPE: Final = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
OLD_MEDIA_TYPE: Final = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"

_VARINT, _FIXED64, _BYTES = 0, 1, 2


def encode_document(document: Mapping[str, Any]) -> bytes:
    """Return an OpenAPI 2.0 document as protobuf. Members that its messages do not have are left out."""
    return _message("Document", document)


def _varint(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def _repeated(number: int, messages: Iterable[bytes]) -> bytes:
    return b"".join(_field(number, data) for data in messages)


def _named(number: int, encode: Encode, values: Mapping[str, Any]) -> bytes:
    """Return a map: one message with name and value for each entry."""
    return _repeated(number, (_field(1, name.encode()) + _field(2, encode(value)) for name, value in values.items()))


def _any(value: Any) -> bytes:
    return _field(2, orjson.dumps(value) + b"\n")


def _schema(value: Any) -> bytes:
    return _message("Schema", value)


def _type(value: Any) -> bytes:
    return _repeated(1, (name.encode() for name in ([value] if isinstance(value, str) else value)))


def _items(value: Any) -> bytes:
    return _repeated(1, map(_schema, value if isinstance(value, list) else [value]))


def _additional_properties(value: Any) -> bytes:
    return _varint(2 << 3 | _VARINT) + _varint(value) if isinstance(value, bool) else _field(1, _schema(value))


def _reference(value: Any) -> bytes:
    return _field(1, value["$ref"].encode())


def _parameter(value: Any) -> bytes:
    if value["in"] == "body":
        return _field(1, _message("BodyParameter", value))
    number, name = _PLACES[value["in"]]
    return _field(2, _field(number, _message(name, value)))


def _parameter_or_reference(value: Any) -> bytes:
    return _field(2, _reference(value)) if "$ref" in value else _field(1, _parameter(value))


def _response(value: Any) -> bytes:
    return _field(2, _reference(value)) if "$ref" in value else _field(1, _message("Response", value))


def _strings(value: Any) -> bytes:
    return _repeated(1, (text.encode() for text in value))


def _of(name: str) -> Encode:
    return lambda value: _message(name, value)


def _map_of(encode: Encode, number: int = 1) -> Encode:
    """Return what encodes a message that is nothing but a map."""
    return lambda value: _named(number, encode, value)


_PLACES: Final = {
    "header": (1, "HeaderParameterSubSchema"),
    "formData": (2, "QueryParameterSubSchema"),
    "query": (3, "QueryParameterSubSchema"),
    "path": (4, "HeaderParameterSubSchema"),
}
"""Where a parameter stands: the number of its alternative, and a message with the same numbers."""

_LIST_OF: Final = "list of"

_MESSAGES: Final[dict[str, dict[str, tuple[int, Any]]]] = {
    "Document": {
        "swagger": (1, str),
        "info": (2, _of("Info")),
        "host": (3, str),
        "basePath": (4, str),
        "schemes": (5, (_LIST_OF, str.encode)),
        "consumes": (6, (_LIST_OF, str.encode)),
        "produces": (7, (_LIST_OF, str.encode)),
        "paths": (8, _map_of(_of("PathItem"), 2)),
        "definitions": (9, _map_of(_schema)),
        "parameters": (10, _map_of(_parameter)),
        "responses": (11, _map_of(_of("Response"))),
        "security": (12, (_LIST_OF, _map_of(_strings))),
        "securityDefinitions": (13, _map_of(lambda value: _field(2, _message("ApiKeySecurity", value)))),
    },
    "Info": {"title": (1, str), "version": (2, str), "description": (3, str)},
    "ApiKeySecurity": {"type": (1, str), "name": (2, str), "in": (3, str), "description": (4, str)},
    "PathItem": {
        **{name: (number, _of("Operation")) for number, name in enumerate(("get", "put", "post", "delete"), 2)},
        **{name: (number, _of("Operation")) for number, name in enumerate(("options", "head", "patch"), 6)},
        "parameters": (9, (_LIST_OF, _parameter_or_reference)),
        "x-": (10, None),
    },
    "Operation": {
        "tags": (1, (_LIST_OF, str.encode)),
        "summary": (2, str),
        "description": (3, str),
        "operationId": (5, str),
        "produces": (6, (_LIST_OF, str.encode)),
        "consumes": (7, (_LIST_OF, str.encode)),
        "parameters": (8, (_LIST_OF, _parameter_or_reference)),
        "responses": (9, _map_of(_response)),
        "schemes": (10, (_LIST_OF, str.encode)),
        "deprecated": (11, bool),
        "x-": (13, None),
    },
    "BodyParameter": {
        "description": (1, str),
        "name": (2, str),
        "in": (3, str),
        "required": (4, bool),
        "schema": (5, _schema),
        "x-": (6, None),
    },
    "QueryParameterSubSchema": {
        "required": (1, bool),
        "in": (2, str),
        "description": (3, str),
        "name": (4, str),
        "allowEmptyValue": (5, bool),
        "type": (6, str),
        "format": (7, str),
        "uniqueItems": (20, bool),
    },
    "HeaderParameterSubSchema": {
        "required": (1, bool),
        "in": (2, str),
        "description": (3, str),
        "name": (4, str),
        "type": (5, str),
        "format": (6, str),
        "uniqueItems": (19, bool),
    },
    "Response": {"description": (1, str), "schema": (2, lambda value: _field(1, _schema(value)))},
    "Schema": {
        "$ref": (1, str),
        "format": (2, str),
        "title": (3, str),
        "description": (4, str),
        "default": (5, _any),
        "multipleOf": (6, float),
        "maximum": (7, float),
        "exclusiveMaximum": (8, bool),
        "minimum": (9, float),
        "exclusiveMinimum": (10, bool),
        "maxLength": (11, int),
        "minLength": (12, int),
        "pattern": (13, str),
        "maxItems": (14, int),
        "minItems": (15, int),
        "uniqueItems": (16, bool),
        "maxProperties": (17, int),
        "minProperties": (18, int),
        "required": (19, (_LIST_OF, str.encode)),
        "enum": (20, (_LIST_OF, _any)),
        "additionalProperties": (21, _additional_properties),
        "type": (22, _type),
        "items": (23, _items),
        "allOf": (24, (_LIST_OF, _schema)),
        "properties": (25, _map_of(_schema)),
        "discriminator": (26, str),
        "readOnly": (27, bool),
        "example": (30, _any),
        "x-": (31, None),
    },
}
"""The messages: by member of the JSON document its number, and how its value is written. ``x-`` stands for all
extensions."""


def _message(name: str, value: Mapping[str, Any]) -> bytes:
    members = _MESSAGES[name]
    parts = []
    for member, item in value.items():
        found = members.get(member)
        if found is not None:
            parts.append(_member(*found, item))
        elif member.startswith("x-") and "x-" in members:
            parts.append(_named(members["x-"][0], _any, {member: item}))
    return b"".join(parts)


def _member(number: int, form: Any, value: Any) -> bytes:
    if form is str:
        return _field(number, value.encode())
    if form is bool or form is int:
        return _varint(number << 3 | _VARINT) + _varint(int(value))
    if form is float:
        return _varint(number << 3 | _FIXED64) + struct.pack("<d", value)
    if isinstance(form, tuple):
        return _repeated(number, map(form[1], value))
    return _field(number, form(value))
