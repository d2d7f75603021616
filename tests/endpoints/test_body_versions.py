"""Versions in which the body of a subresource may come."""

import json

import pytest

from kapi.endpoints.body import BodyDecoder
from kapi.meta.errors import StatusError
from widgets import GROUP, WIDGET, WIDGETS, running


def body(version: str) -> bytes:
    return json.dumps({"apiVersion": version, "kind": "Widget", "metadata": {"name": "a"}}).encode()


async def test_a_further_version_is_read_as_the_own_one() -> None:
    async with running() as rig:
        struct = rig.store(WIDGETS).resource.schema()
        decoder = BodyDecoder(WIDGET, struct, rig.table, accepts=(f"{GROUP}/v0",))
        assert decoder.decode(body(f"{GROUP}/v0"), "application/json", "", [])["apiVersion"] == f"{GROUP}/v1"
        with pytest.raises(StatusError, match="does not match the expected API version"):
            decoder.decode(body(f"{GROUP}/v2"), "application/json", "", [])
        with pytest.raises(StatusError, match="no kind"):
            BodyDecoder(WIDGET, struct, rig.table).decode(body(f"{GROUP}/v0"), "application/json", "", [])
