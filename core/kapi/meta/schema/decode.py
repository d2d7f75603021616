"""Decoding: from a text, or a parsed value, to an object in normal form.

The fast way is a tree of functions compiled from the type (:mod:`kapi.meta.schema.compiled`), which neither keeps paths
nor words. Only when they meet something irregular does :mod:`kapi.meta.schema.explain` walk the value again to say
what Go's decoder would say.
"""

from typing import Any, NamedTuple

from kapi.meta.schema.compiled import struct_decoder
from kapi.meta.schema.explain import explain, merge_duplicates
from kapi.meta.schema.parse import Document, parse_document
from kapi.meta.schema.scalars import BadText, Mismatch, describe
from kapi.meta.schema.types import Struct
from kapi.meta.schema.unstructured import duplicate_problems


class DecodeError(Exception):
    """A value has the wrong type, or a text in it cannot be read; the message is the one that Go's decoder gives."""


class Decoded(NamedTuple):
    """An object in normal form, and the problems that strict decoding reports, in document order.

    Problems are ``unknown field "spec.x"``, ``duplicate field "data.k"`` and, of YAML, all duplicate keys in one text.
    """

    object: dict[str, Any]
    problems: list[str]


def decode_json(data: bytes, struct: Struct, strict: bool = True) -> Decoded:
    """Decode a JSON text. Without ``strict`` no problems are collected. Raises ParseError, DecodeError."""
    return decode_document(parse_document(data), struct, strict)


def decode_yaml(data: bytes, struct: Struct, strict: bool = True) -> Decoded:
    """Decode a YAML text. Without ``strict`` no problems are collected. Raises ParseError, DecodeError."""
    from kapi.meta.schema.yaml import read_yaml

    value, duplicates = read_yaml(data)
    decoded = decode_document(Document(value, None), struct, strict)
    if strict and duplicates:
        decoded.problems.insert(0, duplicates)
    return decoded


def decode_value(value: Any, struct: Struct, strict: bool = True) -> Decoded:
    """Decode a value that has been parsed already; it is not changed. Raises DecodeError."""
    return decode_document(Document(value, None), struct, strict)


def decode_but_owners(obj: Any, struct: Struct) -> Decoded:
    """Decode a value whose ``metadata.managedFields`` is in normal form and not to be copied. Raises DecodeError."""
    metadata = obj.get("metadata")
    if metadata.__class__ is not dict or not metadata.get("managedFields"):
        return decode_value(obj, struct)
    rest = {**metadata}
    owners = rest.pop("managedFields")
    decoded = decode_value({**obj, "metadata": rest}, struct)
    decoded.object["metadata"]["managedFields"] = owners
    return decoded


def decode_document(document: Document, struct: Struct, strict: bool = True) -> Decoded:
    """Decode a parsed document. Raises DecodeError."""
    value = document.value
    if struct.rules is not None:
        return Decoded(*struct.rules.read(value, document.tree, strict))
    if document.tree is not None:
        value = merge_duplicates(document.tree, struct)
    unknown: list[str] = []
    try:
        decoded = struct_decoder(struct)({} if value is None else value, unknown)
    except (Mismatch, BadText):
        raise DecodeError(explain(value, struct).error) from None
    if not strict or (document.tree is None and not unknown):
        return Decoded(decoded, [])
    return Decoded(decoded, explain(value if document.tree is None else document.tree, struct).problems)


def decode_unstructured(data: bytes) -> Decoded:
    """Decode a JSON text whose members are not known here; the problems are duplicate members.

    Raises ParseError, and DecodeError when the text is not an object.
    """
    value, tree = parse_document(data)
    if value.__class__ is not dict:
        raise DecodeError(
            f"json: cannot unmarshal {describe(value).split(' ')[0]} into Go value of type map[string]interface {{}}"
        )
    return Decoded(value, duplicate_problems(tree))


def normalize(struct: Struct, obj: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of ``obj`` in normal form, without what the type does not know. Raises DecodeError."""
    return decode_value(obj, struct, strict=False).object
