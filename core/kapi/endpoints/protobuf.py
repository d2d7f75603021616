"""Request bodies in protobuf, the form that typed Go clients use by default."""

from collections import ChainMap
from collections.abc import Iterable, MutableMapping
from typing import cast

from kapi.contracts.resources import APIGroup, Object
from kapi.endpoints.negotiation import JSON, YAML
from kapi.meta.errors import unsupported_media_type
from kapi.meta.protobuf import Numbers, decode_object
from kapi.meta.schema.types import Struct


def decode_body(data: bytes, struct: Struct, groups: Iterable[APIGroup]) -> Object:
    """Return the object in a body, in JSON form but not yet in normal form.

    Raises ProtobufError for data that is malformed, and a 415 StatusError for types whose numbers no group knows.
    """
    numbers = _numbers(groups)
    if struct.name not in numbers:
        raise unsupported_media_type((JSON, YAML))
    return decode_object(data, struct, numbers)


def _numbers(groups: Iterable[APIGroup]) -> Numbers:
    sources = dict.fromkeys(group.protobuf for group in groups if group.protobuf is not None)
    tables = [source() for source in sources]
    return tables[0] if len(tables) == 1 else ChainMap(*(cast(MutableMapping[str, str], table) for table in tables))
