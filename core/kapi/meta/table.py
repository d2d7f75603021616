"""Objects shown as rows (Table) or by their metadata alone (PartialObjectMetadata), kinds of meta.k8s.io."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from kapi.meta.errors import StatusError, bad_request, field_invalid

if TYPE_CHECKING:
    from kapi.contracts.resources import Column, TableConvertor

Object = dict[str, Any]
Include = Literal["None", "Metadata", "Object"]
"""What the rows of a table carry beside their cells."""

META_V1: Final = "meta.k8s.io/v1"
_INCLUDES: Final[Mapping[str, Include]] = {
    "": "Metadata",
    "None": "None",
    "Metadata": "Metadata",
    "Object": "Object",
}


def parse_include(value: str) -> Include:
    """Return what ``includeObject`` asks for; raises a 400 StatusError for anything unknown."""
    include = _INCLUDES.get(value)
    if include is None:
        problem = field_invalid("includeObject", value, "must be 'Metadata', 'Object', 'None', or empty")
        raise bad_request(f"Unable to convert to Table as requested: {problem}")
    return include


def partial_object_metadata(obj: Mapping[str, Any], api_version: str = META_V1) -> Object:
    """Return the PartialObjectMetadata of an object; the metadata is shared with it."""
    return {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": obj.get("metadata", {})}


def partial_object_metadata_list(
    items: Iterable[Mapping[str, Any]], list_meta: Mapping[str, Any], api_version: str = META_V1
) -> Object:
    """Return the PartialObjectMetadataList of some objects; without any, ``items`` is null as in the reference."""
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": api_version,
        "metadata": dict(list_meta),
        "items": [partial_object_metadata(item, api_version) for item in items] or None,
    }


def column_definitions(columns: Sequence["Column"]) -> list[Object]:
    """Return the TableColumnDefinitions of columns."""
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        }
        for column in columns
    ]


def build_row(
    convertor: "TableConvertor",
    obj: Object,
    include: Include,
    api_version: str = META_V1,
    printed: Object | None = None,
) -> Object:
    """Return one object as a TableRow; ``printed`` is the form to print if it is not the served one."""
    printed = obj if printed is None else printed
    row: Object = {"cells": convertor.cells(printed)}
    conditions = convertor.conditions(printed)
    if conditions:
        row["conditions"] = conditions
    if include == "Metadata":
        row["object"] = partial_object_metadata(printed, api_version)
    else:
        row["object"] = obj if include == "Object" else None
    return row


def build_table(
    convertor: "TableConvertor",
    items: Iterable[Object],
    list_meta: Mapping[str, Any],
    include: Include = "Metadata",
    api_version: str = META_V1,
    *,
    with_columns: bool = True,
) -> Object:
    """Return some objects as a Table; see :func:`table_of_rows`."""
    rows = [build_row(convertor, item, include, api_version) for item in items]
    return table_of_rows(convertor, rows, list_meta, api_version, with_columns=with_columns)


def table_of_rows(
    convertor: "TableConvertor",
    rows: list[Object],
    list_meta: Mapping[str, Any],
    api_version: str = META_V1,
    *,
    with_columns: bool = True,
) -> Object:
    """Return rows as a Table.

    ``list_meta`` holds the resourceVersion and the like. Only the first event of a watch has columns
    (``with_columns``).
    """
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": dict(list_meta),
        "columnDefinitions": column_definitions(convertor.columns) if with_columns else None,
        "rows": rows,
    }


def not_a_list(go_type: str) -> StatusError:
    """406: a PartialObjectMetadataList was asked for, but there is one object (``core.ConfigMap``)."""
    return StatusError(
        406,
        "NotAcceptable",
        f"you requested PartialObjectMetadataList, but the requested object is not a list (*{go_type})",
    )


def is_a_list(go_type: str) -> StatusError:
    """406: a PartialObjectMetadata was asked for, but there are many objects (``core.ConfigMapList``)."""
    return StatusError(
        406,
        "NotAcceptable",
        f"you requested PartialObjectMetadata, but the requested object is a list (*{go_type})",
    )
