import dataclasses

import pytest
from groups_for_documents import definitions, group

from kapi.endpoints.negotiation import PROTOBUF, body_media_type
from kapi.endpoints.protobuf import decode_body
from kapi.meta.errors import StatusError
from kapi.meta.protobuf import MAGIC

WIDGET = definitions().struct("com.example.v1.Widget")
BODY = MAGIC + b"\x12\x05\x0a\x03big"


def test_bodies_are_read_with_the_numbers_of_the_groups():
    numbered = dataclasses.replace(group(), protobuf=lambda: {"com.example.v1.Widget": "size 1"})
    other = dataclasses.replace(group("other.io"), protobuf=lambda: {"other": "x 1"})
    assert decode_body(BODY, WIDGET, [other, numbered]) == {"size": "big"}


def test_types_without_numbers_take_no_protobuf():
    with pytest.raises(StatusError) as caught:
        decode_body(BODY, WIDGET, [group()])
    assert caught.value.code == 415
    assert caught.value.message.endswith("accepted media types include: application/json, application/yaml")


def test_the_media_type_is_known():
    assert body_media_type(PROTOBUF) == PROTOBUF
