"""What tables and metadata alone show of kinds whose printed form is not the served one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson

from kapi.endpoints.default_table import DefaultTable
from kapi.endpoints.representation import ListMeta, PartialRepresentation, TableRepresentation
from kapi.registry.store import Store, Stored
from kapi.storage.entry import Entry
from widgets import WIDGETS_V2, context, running, widget

V1 = "meta.k8s.io/v1"


def without_notes(stored: dict[str, Any]) -> dict[str, Any]:
    assert "size" in stored["spec"], "the stored form is what is printed"
    return {**stored, "metadata": {k: v for k, v in stored["metadata"].items() if k != "annotations"}}


@asynccontextmanager
async def noted_widget() -> AsyncIterator[tuple[Store, Stored, Entry]]:
    async with running() as rig:
        plain = rig.store(WIDGETS_V2)
        store = Store(replace(plain.resource, internal=without_notes), plain.cache, plain.backend, plain.admission)
        obj = {"kind": "Widget", "apiVersion": "example.com/v2", **widget(width=3)}
        obj["metadata"]["annotations"] = {"note": "x"}
        stored = await store.create(context(verb="create"), obj)
        yield store, stored, await store.live("ns", "a")


async def test_tables_show_the_printed_form() -> None:
    async with noted_widget() as (store, stored, entry):
        for include, shown in (("", None), ("Object", {"width": 3})):
            table = TableRepresentation(DefaultTable(), V1, include, store)
            for text in (table.object(entry), table.encode(stored.object), b"".join(table.list([entry], ListMeta(1)))):
                row = orjson.loads(text)["rows"][0]["object"]
                assert ("annotations" in row["metadata"]) is (include == "Object")
                assert row.get("spec") == shown


async def test_metadata_alone_is_that_of_the_printed_form() -> None:
    async with noted_widget() as (store, stored, entry):
        partial = PartialRepresentation(V1, store)
        listed = orjson.loads(b"".join(partial.list([entry], ListMeta(1))))["items"][0]
        for obj in (orjson.loads(partial.object(entry)), orjson.loads(partial.encode(stored.object)), listed):
            assert obj["metadata"]["name"] == "a"
            assert "annotations" not in obj["metadata"]
