"""The table of kinds that bring none of their own."""

from collections.abc import Sequence
from typing import Any, Final

from kapi.contracts.resources import Column, Object

_NEVER: Final = "0001-01-01T00:00:00Z"  # how Go prints a time that was not set, e.g. of a bookmark


class DefaultTable:
    """Prints objects of kinds that have no columns of their own: name and age."""

    def __init__(self) -> None:
        """Make the two columns."""
        self.columns: Sequence[Column] = (Column("Name", "string", "name"), Column("Created At", "date"))

    def cells(self, obj: Object) -> list[Any]:
        """Return the name and the time of creation."""
        meta = obj.get("metadata", {})
        return [meta.get("name", ""), meta.get("creationTimestamp") or _NEVER]

    def conditions(self, obj: Object) -> list[Object]:
        """Return no conditions."""
        return []
