import pytest

from kapi.contracts.resources import Column
from kapi.meta.errors import StatusError
from kapi.meta.table import (
    build_table,
    parse_include,
    partial_object_metadata,
    partial_object_metadata_list,
)

POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}, "spec": {}}


class Names:
    columns = (Column("Name", "string", "name", "its name"), Column("Extra", "string", priority=1))

    def cells(self, obj):
        return [obj["metadata"]["name"], "x"]

    def conditions(self, obj):
        return [{"type": "Done"}] if obj["metadata"]["name"] == "done" else []


def test_tables_have_columns_and_rows():
    table = build_table(Names(), [POD], {"resourceVersion": "5"})
    assert (table["kind"], table["apiVersion"], table["metadata"]) == (
        "Table",
        "meta.k8s.io/v1",
        {"resourceVersion": "5"},
    )
    assert table["columnDefinitions"][0] == {
        "name": "Name",
        "type": "string",
        "format": "name",
        "description": "its name",
        "priority": 0,
    }
    assert table["rows"] == [{"cells": ["a", "x"], "object": partial_object_metadata(POD)}]


def test_rows_carry_what_was_asked_for():
    assert build_table(Names(), [POD], {}, "None")["rows"][0]["object"] is None
    assert build_table(Names(), [POD], {}, "Object")["rows"][0]["object"] is POD
    row = build_table(Names(), [POD], {}, "Metadata", "meta.k8s.io/v1beta1")["rows"][0]
    assert row["object"]["apiVersion"] == "meta.k8s.io/v1beta1"


def test_later_events_have_no_columns():
    table = build_table(Names(), [{**POD, "metadata": {"name": "done"}}], {}, with_columns=False)
    assert table["columnDefinitions"] is None
    assert table["rows"][0]["conditions"] == [{"type": "Done"}]


def test_includes():
    assert [parse_include(v) for v in ("", "Metadata", "Object", "None")] == ["Metadata", "Metadata", "Object", "None"]
    with pytest.raises(StatusError) as caught:
        parse_include("Nope")
    assert caught.value.message == (
        'Unable to convert to Table as requested: includeObject: Invalid value: "Nope": '
        "must be 'Metadata', 'Object', 'None', or empty"
    )


def test_metadata_alone():
    assert partial_object_metadata(POD) == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"name": "a"},
    }
    assert partial_object_metadata_list([], {"resourceVersion": "1"})["items"] is None
    assert len(partial_object_metadata_list([POD, POD], {})["items"]) == 2
