"""How objects look to a client: as themselves, as their metadata only, or as rows of a Table.

Negotiation (``as=…`` in the Accept header, "Receiving resources as Tables" in the Kubernetes API concepts) chooses one
per request. The plain form only joins ready bytes; the others parse.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import orjson

from kapi.contracts.resources import Object, TableConvertor
from kapi.meta.schema.decode import decode_value
from kapi.meta.table import build_table, parse_include, partial_object_metadata, partial_object_metadata_list
from kapi.registry.store import Store
from kapi.storage.entry import Entry


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
        bare = {
            "kind": kind.kind,
            "apiVersion": kind.api_version,
            "metadata": _bare_meta(revision, annotations),
        }
        return orjson.dumps(decode_value(bare, self._store.resource.schema()).object)


def _bare_meta(revision: int, annotations: dict[str, str]) -> Object:
    """Return the metadata of a bookmark."""
    return {"resourceVersion": str(revision), **({"annotations": annotations} if annotations else {})}


class PartialRepresentation:
    """Only the metadata of objects (PartialObjectMetadata)."""

    shared = False

    def __init__(self, api_version: str) -> None:
        """Take the version of meta.k8s.io that the client asked for."""
        self._api_version = api_version

    def object(self, entry: Entry) -> bytes:
        """Return the metadata of a stored object."""
        return self.encode(orjson.loads(entry.item))

    def encode(self, obj: Object) -> bytes:
        """Return the metadata of an object that is at hand."""
        return orjson.dumps(partial_object_metadata(obj, self._api_version))

    def list(self, entries: Iterable[Entry], meta: ListMeta) -> Iterator[bytes]:
        """Yield the list in one piece."""
        items = (orjson.loads(entry.item) for entry in entries)
        yield orjson.dumps(partial_object_metadata_list(items, meta.object(), self._api_version))

    def bookmark(self, revision: int, annotations: dict[str, str]) -> bytes:
        """Return metadata with nothing but a resourceVersion."""
        return self.encode({"metadata": _bare_meta(revision, annotations)})


class TableRepresentation:
    """Objects as rows. In a watch only the first event carries the column definitions."""

    shared = False

    def __init__(self, table: TableConvertor, api_version: str, include: str, store: Store | None) -> None:
        """Take the printer, the version of meta.k8s.io, and the includeObject parameter; raises a 400 StatusError."""
        self._table = table
        self._api_version = api_version
        self._include = parse_include(include)
        self._store = store
        self._columns_sent = False

    def _build(self, items: Iterable[Object], meta: Object, with_columns: bool = True) -> bytes:
        table = build_table(self._table, items, meta, self._include, self._api_version, with_columns=with_columns)
        return orjson.dumps(table)

    def _event(self, obj: Object) -> bytes:
        first, self._columns_sent = not self._columns_sent, True
        return self._build([obj], {"resourceVersion": obj["metadata"]["resourceVersion"]}, first)

    def object(self, entry: Entry) -> bytes:
        """Return a stored object as a table of one row."""
        assert self._store is not None
        return self._event(self._store.object(entry))

    def encode(self, obj: Object) -> bytes:
        """Return an object that is at hand as a table of one row."""
        version = obj.get("metadata", {}).get("resourceVersion")
        return self._build([obj], {"resourceVersion": version} if version else {})

    def list(self, entries: Iterable[Entry], meta: ListMeta) -> Iterator[bytes]:
        """Yield the list in one piece."""
        assert self._store is not None
        yield self._build(map(self._store.object, entries), meta.object())

    def bookmark(self, revision: int, annotations: dict[str, str]) -> bytes:
        """Return a table of one row whose object holds only a resourceVersion."""
        return self._event({"metadata": _bare_meta(revision, annotations)})
