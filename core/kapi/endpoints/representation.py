"""How objects look to a client: as themselves, as their metadata only, or as rows of a Table.

Negotiation (``as=…`` in the Accept header, "Receiving resources as Tables" in the Kubernetes API concepts) chooses one
per request. The plain form only joins ready bytes; the others parse.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import orjson

from kapi.contracts.resources import Column, Object, TableConvertor
from kapi.meta.errors import bad_request, go_quote
from kapi.meta.schema.decode import decode_value
from kapi.registry.store import Store
from kapi.storage.entry import Entry

META_GROUP = "meta.k8s.io"
_INCLUDE = ("Metadata", "Object", "None")


class ListMeta:
    """The metadata of a list: revision, and where it goes on."""

    __slots__ = ("continue_token", "remaining", "revision")

    def __init__(self, revision: int, continue_token: str = "", remaining: int | None = None) -> None:
        """``remaining`` is None when it is not known (lists by selector)."""
        self.revision = revision
        self.continue_token = continue_token
        self.remaining = remaining

    def object(self) -> Object:
        """Return the ListMeta object."""
        meta: Object = {"resourceVersion": str(self.revision)}
        if self.continue_token:
            meta["continue"] = self.continue_token
            if self.remaining:
                meta["remainingItemCount"] = self.remaining
        return meta


class Representation(Protocol):
    """One of the forms. ``shared`` forms render an event once for all watchers."""

    shared: bool

    def object(self, entry: Entry) -> bytes:
        """Return a stored object."""

    def encode(self, obj: Object) -> bytes:
        """Return an object of the served version that need not be stored."""

    def list(self, entries: Iterable[Entry], meta: ListMeta) -> Iterator[bytes]:
        """Yield the pieces of a list."""

    def bookmark(self, revision: int, annotations: dict[str, str]) -> bytes:
        """Return the object of a BOOKMARK event."""


class PlainRepresentation:
    """Objects as they are."""

    shared = True

    def __init__(self, store: Store) -> None:
        """Take the store of the objects."""
        kind = store.resource.kind
        self._store = store
        self._head = b'{"kind":%b,"apiVersion":%b,' % (orjson.dumps(kind.kind), orjson.dumps(kind.api_version))
        self._list_head = b'{"kind":%b,"apiVersion":%b,"metadata":' % (
            orjson.dumps(kind.kind + "List"),
            orjson.dumps(kind.api_version),
        )

    def object(self, entry: Entry) -> bytes:
        """Return a stored object: two joined byte strings, unless its version differs from the stored one."""
        if self._store.converted:
            return orjson.dumps(self._store.object(entry))
        return self._head + entry.item[1:]

    def encode(self, obj: Object) -> bytes:
        """Return an object that is at hand."""
        return orjson.dumps(obj)

    def item(self, entry: Entry) -> bytes:
        """Return a stored object as an item of a typed list, without kind and apiVersion."""
        if not self._store.converted:
            return entry.item
        obj = self._store.object(entry)
        return orjson.dumps({k: v for k, v in obj.items() if k not in ("kind", "apiVersion")})

    def list(self, entries: Iterable[Entry], meta: ListMeta) -> Iterator[bytes]:
        """Yield the list in one piece."""
        items = (self.item(e) for e in entries) if self._store.converted else (e.item for e in entries)
        yield b'%b%b,"items":[%b]}' % (self._list_head, orjson.dumps(meta.object()), b",".join(items))

    def bookmark(self, revision: int, annotations: dict[str, str]) -> bytes:
        """Return an object of the kind with nothing but a resourceVersion."""
        kind = self._store.resource.kind
        meta = {"resourceVersion": str(revision), **({"annotations": annotations} if annotations else {})}
        bare = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta}
        return orjson.dumps(decode_value(bare, self._store.resource.schema()).object)


class PartialRepresentation:
    """Only the metadata of objects (PartialObjectMetadata)."""

    shared = False

    def __init__(self, version: str) -> None:
        """Take the version of meta.k8s.io that the client asked for."""
        self._api_version = f"{META_GROUP}/{version}"

    def _partial(self, meta: Any) -> Object:
        return {"kind": "PartialObjectMetadata", "apiVersion": self._api_version, "metadata": meta}

    def object(self, entry: Entry) -> bytes:
        """Return the metadata of a stored object."""
        return orjson.dumps(self._partial(orjson.loads(entry.item)["metadata"]))

    def encode(self, obj: Object) -> bytes:
        """Return the metadata of an object that is at hand."""
        return orjson.dumps(self._partial(obj.get("metadata", {})))

    def list(self, entries: Iterable[Entry], meta: ListMeta) -> Iterator[bytes]:
        """Yield the list in one piece; an empty one has null items, as the reference's does."""
        items = [self._partial(orjson.loads(entry.item)["metadata"]) for entry in entries]
        yield orjson.dumps(
            {
                "kind": "PartialObjectMetadataList",
                "apiVersion": self._api_version,
                "metadata": meta.object(),
                "items": items or None,
            }
        )

    def bookmark(self, revision: int, annotations: dict[str, str]) -> bytes:
        """Return metadata with nothing but a resourceVersion."""
        meta = {"resourceVersion": str(revision), **({"annotations": annotations} if annotations else {})}
        return orjson.dumps(self._partial(meta))


class TableRepresentation:
    """Objects as rows. In a watch only the first event carries the column definitions."""

    shared = False

    def __init__(self, table: TableConvertor, version: str, include: str, store: Store | None) -> None:
        """Take the printer, the version of meta.k8s.io, and what ``includeObject`` says; raises bad_request."""
        if include and include not in _INCLUDE:
            raise bad_request(
                "Unable to convert to Table as requested: includeObject: Invalid value: "
                f"{go_quote(include)}: must be 'Metadata', 'Object', 'None', or empty"
            )
        self._table = table
        self._api_version = f"{META_GROUP}/{version}"
        self._include = include or "Metadata"
        self._store = store
        self._columns_sent = False

    def _row(self, obj: Object) -> Object:
        row: Object = {"cells": self._table.cells(obj)}
        conditions = self._table.conditions(obj)
        if conditions:
            row["conditions"] = conditions
        if self._include == "Object":
            row["object"] = obj
        elif self._include == "None":
            row["object"] = None
        else:
            row["object"] = {
                "kind": "PartialObjectMetadata",
                "apiVersion": self._api_version,
                "metadata": obj.get("metadata", {}),
            }
        return row

    def _rows(self, meta: Object, rows: Sequence[Object]) -> Object:
        return {
            "kind": "Table",
            "apiVersion": self._api_version,
            "metadata": meta,
            "columnDefinitions": [column_definition(column) for column in self._table.columns],
            "rows": rows,
        }

    def _single(self, obj: Object) -> Object:
        version = obj.get("metadata", {}).get("resourceVersion")
        return self._rows({"resourceVersion": version} if version else {}, [self._row(obj)])

    def object(self, entry: Entry) -> bytes:
        """Return a stored object as a table of one row."""
        assert self._store is not None
        table = self._single(self._store.object(entry))
        if self._columns_sent:
            table["columnDefinitions"] = None
        self._columns_sent = True
        return orjson.dumps(table)

    def encode(self, obj: Object) -> bytes:
        """Return an object that is at hand as a table of one row."""
        return orjson.dumps(self._single(obj))

    def list(self, entries: Iterable[Entry], meta: ListMeta) -> Iterator[bytes]:
        """Yield the list in one piece."""
        assert self._store is not None
        rows = [self._row(self._store.object(entry)) for entry in entries]
        yield orjson.dumps(self._rows(meta.object(), rows))

    def bookmark(self, revision: int, annotations: dict[str, str]) -> bytes:
        """Return a table of one row whose object holds only a resourceVersion."""
        meta = {"resourceVersion": str(revision), **({"annotations": annotations} if annotations else {})}
        obj = {"metadata": meta}
        table = self._rows({"resourceVersion": str(revision)}, [self._row(obj)])
        if self._columns_sent:
            table["columnDefinitions"] = None
        self._columns_sent = True
        return orjson.dumps(table)


def column_definition(column: Column) -> Object:
    """Return a TableColumnDefinition."""
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }
