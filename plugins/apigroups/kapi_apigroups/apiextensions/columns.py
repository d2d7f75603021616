"""The rows of custom resources: ``additionalPrinterColumns``."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import orjson

from kapi.contracts.resources import Column, Object
from kapi.meta.times import age, parse
from kapi_apigroups.apiextensions.jsonpath import JSONPath

_AGE: Object = {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
    "description": "CreationTimestamp is a timestamp representing the server time when this object was created.",
}
_INVALID = "<invalid>"


class CustomTable:
    """Prints the objects of a custom resource (a TableConvertor)."""

    def __init__(self, columns: Sequence[Object]) -> None:
        """Take the definitions of the columns; without any there is an Age."""
        self._columns = list(columns) or [_AGE]

    @cached_property
    def columns(self) -> Sequence[Column]:
        """The columns, the name first."""
        from kapi_apigroups.printing.descriptions import describe
        from kapi_apigroups.printing.printer import NAME

        return (Column("Name", "string", "name", describe(NAME)), *map(_column, self._columns))

    @cached_property
    def _cells(self) -> list[tuple[str, JSONPath]]:
        return [(column.get("type", ""), JSONPath(column.get("jsonPath", ""))) for column in self._columns]

    def cells(self, obj: Object) -> list[Any]:
        """Return the name, and the first value that each column's path leads to."""
        return [obj["metadata"].get("name", ""), *(_cell(kind, path.first(obj)) for kind, path in self._cells)]

    def conditions(self, obj: Object) -> list[Object]:
        """Return no conditions."""
        return []


def _column(definition: Object) -> Column:
    path = definition.get("jsonPath", "")
    description = definition.get("description") or f"Custom resource definition column (in JSONPath format): {path}"
    return Column(
        definition.get("name", ""),
        definition.get("type", ""),
        definition.get("format", ""),
        description,
        definition.get("priority", 0),
    )


def _cell(kind: str, value: Any) -> Any:
    """Return a value as the cell of a column of some type; None for one of another type."""
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "string":
        return value if isinstance(value, str) else orjson.dumps(value).decode()
    if kind == "integer":
        return int(value) if is_number else None
    if kind == "number":
        return value if is_number else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    return _date(value) if kind == "date" and isinstance(value, str) else None


def _date(text: str) -> str:
    try:
        parse(text)
    except ValueError:
        return _INVALID
    return age(text)
