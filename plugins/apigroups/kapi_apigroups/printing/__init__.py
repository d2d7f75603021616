"""The rows of built-in kinds, as ``kubectl get`` shows them.

A server pays for none of this before somebody asks for a table: printers are modules that are imported by the first
table of their group, and descriptions of columns are read by the first table of their kind.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kapi.contracts.resources import Column, Object, TableConvertor
from kapi.meta.gvk import GroupVersionKind

if TYPE_CHECKING:
    from kapi_apigroups.printing.printer import Printer

_DEFAULT_COLUMNS = (Column("Name", "string", "name"), Column("Created At", "date"))
_SCALE_COLUMNS = (
    Column("Name", "string"),
    Column("Desired", "integer"),
    Column("Available", "integer"),
    Column("Age", "string"),
)


class PrintedTable:
    """Prints the objects of one built-in resource (a TableConvertor)."""

    def __init__(self, group: str, plural: str, columns: Callable[[], Sequence[Column]]) -> None:
        """Take what names the printer, and what gives the columns without their descriptions.

        Resources without columns of their own show name and time of creation.
        """
        self._group = group
        self._plural = plural
        self._bare_columns = columns

    @cached_property
    def _printer(self) -> "Printer":
        from kapi_apigroups.printing.registry import find_printer

        return find_printer(self._group, self._plural)

    @cached_property
    def columns(self) -> Sequence[Column]:
        """The columns, with descriptions where the documentation of the API is installed."""
        from kapi_apigroups.printing.descriptions import describe

        columns = self._bare_columns() or _DEFAULT_COLUMNS
        described = zip(columns, self._printer.descriptions, strict=True)
        return tuple(column._replace(description=describe(text)) for column, text in described)

    def cells(self, obj: Object) -> list[Any]:
        """Return one value per column."""
        return self._printer.cells(obj)

    def conditions(self, obj: Object) -> list[Object]:
        """Return the row's conditions."""
        return self._printer.conditions(obj)


def subresource_table(kind: GroupVersionKind) -> TableConvertor | None:
    """Return the printer of a subresource that shows another kind than its parent, None if it has no table."""
    if kind.group_kind == ("autoscaling", "Scale"):
        return PrintedTable("autoscaling", "scale", lambda: _SCALE_COLUMNS)
    return None
