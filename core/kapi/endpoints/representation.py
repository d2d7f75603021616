"""How objects look to a client: as themselves, as their metadata only, or as rows of a Table.

Negotiation (``as=…`` in the Accept header, "Receiving resources as Tables" in the Kubernetes API concepts) chooses one
per request. The plain form only joins ready bytes; the others parse.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Protocol

import orjson

from kapi.contracts.resources import Object, TableConvertor
from kapi.endpoints.answer import CHUNK, WHOLE
from kapi.meta.schema.decode import decode_value
from kapi.meta.table import (
    build_row,
    parse_include,
    partial_object_metadata,
    partial_object_metadata_list,
    table_of_rows,
)
from kapi.registry.store import Store
from kapi.storage.entry import Entry

Rows = list[Object]
MADE_AT_ONCE = 50
"""How many items of a list are made at a time where that takes some work."""


class ListMeta:
    """The metadata of a list: revision, and where it goes on."""

    __slots__ = ("continue_token", "remaining", "revision")

    def __init__(self, revision: int, continue_token: str = "", remaining: int | None = None) -> None:
        """``remaining`` is None when it is not known (lists by selector)."""
        self.revision = revision
        self.continue_token = continue_token
        self.remaining = remaining

    def object(self, *, spelled_out: bool = False) -> Object:
        """Return the ListMeta object; ``spelled_out`` with a token even when it is empty."""
        meta: Object = {"resourceVersion": str(self.revision)}
        if spelled_out:
            meta["continue"] = ""
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
        self._custom = store.resource.custom
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
        """Return a stored object as an item of a list: without kind and apiVersion, unless it is a custom resource."""
        if self._custom:
            return self.object(entry)
        if not self._store.converted:
            return entry.item
        obj = self._store.object(entry)
        return orjson.dumps({k: v for k, v in obj.items() if k not in ("kind", "apiVersion")})

    @property
    def ready(self) -> bool:
        """Whether the bytes of objects are at hand, so that the size of a list is soon known."""
        return not self._store.converted

    def list(self, entries: Iterable[Entry], meta: ListMeta) -> Iterator[bytes]:
        """Yield the list, piece by piece."""
        return _joined(self._list_start(meta), map(self.item, entries))

    def _list_start(self, meta: ListMeta) -> bytes:
        return b'%b%b,"items":[' % (self._list_head, orjson.dumps(meta.object(spelled_out=self._custom)))

    def sized_list(self, entries: Iterable[Entry], meta: ListMeta) -> tuple[int, Iterator[bytes]]:
        """Return how many bytes a list has, and its pieces, which are joined when they are wanted."""
        typed = not self._custom and not self._store.converted
        items = [e.item for e in entries] if typed else [self.item(e) for e in entries]
        head = self._list_start(meta)
        size = len(head) + sum(map(len, items)) + max(len(items) - 1, 0) + 2
        return size, _pieces(head, items, size)

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


def _pieces(head: bytes, items: Sequence[bytes], size: int) -> Iterator[bytes]:
    """Yield a list: whole, or in pieces of about CHUNK bytes if it is long."""
    step = max(1, CHUNK * len(items) // size)
    if len(items) <= step or size <= WHOLE:
        yield b"%b%b]}" % (head, b",".join(items))
        return
    yield head + b",".join(items[:step])
    for start in range(step, len(items), step):
        yield b"," + b",".join(items[start : start + step])
    yield b"]}"


def _joined(head: bytes, items: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a list whose items are made while it is read, some at a time."""
    yield head
    comma = b""
    while some := list(islice(items, MADE_AT_ONCE)):
        yield comma + b",".join(some)
        comma = b","
    yield b"]}"


class PartialRepresentation:
    """Only the metadata of objects (PartialObjectMetadata)."""

    shared = False

    def __init__(self, api_version: str, store: Store | None) -> None:
        """Take the version of meta.k8s.io that the client asked for, and the store of the objects, if there is one."""
        self._api_version = api_version
        self._store = store if store is not None and store.resource.internal is not None else None

    def _parsed(self, entry: Entry) -> Object:
        obj: Object = orjson.loads(entry.item) if self._store is None else self._store.printed(entry)
        return obj

    def _partial(self, obj: Object) -> bytes:
        return orjson.dumps(partial_object_metadata(obj, self._api_version))

    def object(self, entry: Entry) -> bytes:
        """Return the metadata of a stored object."""
        return self._partial(self._parsed(entry))

    def encode(self, obj: Object) -> bytes:
        """Return the metadata of an object that is at hand."""
        return self._partial(obj if self._store is None else self._store.as_printed(obj))

    def list(self, entries: Iterable[Entry], meta: ListMeta) -> Iterator[bytes]:
        """Yield the list, piece by piece."""
        whole = orjson.dumps(partial_object_metadata_list((), meta.object(), self._api_version))
        items = map(self.object, entries)
        first = next(items, None)
        if first is None:
            yield whole
        else:
            yield from _joined(whole.removesuffix(b"null}") + b"[", chain((first,), items))

    def bookmark(self, revision: int, annotations: dict[str, str]) -> bytes:
        """Return metadata with nothing but a resourceVersion."""
        return self._partial({"metadata": _bare_meta(revision, annotations)})


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

    def _row(self, obj: Object, printed: Object | None = None) -> Object:
        return build_row(self._table, obj, self._include, self._api_version, printed)

    def _row_of(self, entry: Entry) -> Object:
        store = self._store
        assert store is not None
        internal = store.resource.internal is not None
        return self._row(store.object(entry), store.printed(entry) if internal else None)

    def _build(self, rows: Rows, meta: Object, with_columns: bool = True) -> bytes:
        return orjson.dumps(table_of_rows(self._table, rows, meta, self._api_version, with_columns=with_columns))

    def _event(self, row: Object, revision: str) -> bytes:
        first, self._columns_sent = not self._columns_sent, True
        return self._build([row], {"resourceVersion": revision}, first)

    def object(self, entry: Entry) -> bytes:
        """Return a stored object as a table of one row."""
        return self._event(self._row_of(entry), str(entry.revision))

    def encode(self, obj: Object) -> bytes:
        """Return an object that is at hand as a table of one row."""
        version = obj.get("metadata", {}).get("resourceVersion")
        row = self._row(obj, None if self._store is None else self._store.as_printed(obj))
        return self._build([row], {"resourceVersion": version} if version else {})

    def list(self, entries: Iterable[Entry], meta: ListMeta) -> Iterator[bytes]:
        """Yield the list, piece by piece."""
        whole = self._build([], meta.object())
        yield from _joined(whole.removesuffix(b"]}"), map(orjson.dumps, map(self._row_of, entries)))

    def bookmark(self, revision: int, annotations: dict[str, str]) -> bytes:
        """Return a table of one row whose object holds only a resourceVersion."""
        return self._event(self._row({"metadata": _bare_meta(revision, annotations)}), str(revision))
