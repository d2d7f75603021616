"""Stored bytes and how they become wire bytes.

The stored value of an object is its JSON without ``metadata.resourceVersion``, beginning with
``{"kind":K,"apiVersion":V,"metadata":{``. The revision of the key *is* the resourceVersion, so it is spliced in when
the value enters the cache; after that, reads only join bytes.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from kapi.meta.gvk import GroupVersionKind

log = logging.getLogger("kapi.storage")

Object = dict[str, Any]
_METADATA = b'"metadata":{'
_NONE: Mapping[str, str] = {}
_FIRST = {"kind": "", "apiVersion": "", "metadata": None}
"""The members that come first in a stored value, in their order."""

SHARED = 1024
"""How many different sets of labels of a kind are remembered, so that further objects share them."""


class Entry:
    """An object in the watch cache.

    ``item`` is the object as it stands in a list of typed items: ``{"metadata":{"resourceVersion":…},…}``, without
    kind and apiVersion. ``labels`` and ``selected`` (the selectable fields that the kind adds to name and namespace)
    are extracted once, and shared by entries where they are the same.
    """

    __slots__ = ("item", "key", "labels", "name", "namespace", "revision", "selected")

    def __init__(
        self,
        key: str,
        revision: int,
        item: bytes,
        namespace: str,
        name: str,
        labels: Mapping[str, str],
        selected: Mapping[str, str],
    ) -> None:
        """Take the parts described above."""
        self.key = key
        self.revision = revision
        self.item = item
        self.namespace = namespace
        self.name = name
        self.labels = labels
        self.selected = selected

    def field(self, path: str) -> str:
        """Return the value of a selectable field, "" if there is none."""
        if path == "metadata.name":
            return self.name
        return self.namespace if path == "metadata.namespace" else self.selected.get(path, "")

    @property
    def fields(self) -> Mapping[str, str]:
        """The values of all selectable fields."""
        return {"metadata.name": self.name, "metadata.namespace": self.namespace, **self.selected}


class _Shared:
    """Equal small mappings as one: most objects have the labels of many others."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}

    def one(self, mapping: Mapping[str, str]) -> Mapping[str, str]:
        """Return a mapping that is equal, and shared unless there are too many different ones."""
        items = tuple(mapping.items())
        found = self._known.get(items)
        if found is None:
            if len(self._known) >= SHARED:
                self._known.clear()
            found = self._known[items] = mapping
        return found


class Codec:
    """Translates between objects, stored values and entries of one stored kind.

    ``head`` is ``{"kind":K,"apiVersion":V,``: what precedes ``item[1:]`` in a single object.
    """

    def __init__(
        self,
        kind: GroupVersionKind,
        selectable: Mapping[str, Callable[[Object], str]],
        refresh: Callable[[Object], Object] | None = None,
    ) -> None:
        """Take the stored kind, the extractors of its selectable fields, and what brings old objects up to date.

        See ``refresh`` of :class:`kapi.contracts.resources.Resource`.
        """
        self.kind = kind
        self.head = b'{"kind":%b,"apiVersion":%b,' % (orjson.dumps(kind.kind), orjson.dumps(kind.api_version))
        self._value_head = self.head + _METADATA
        self._selectable = dict(selectable)
        self._labels = _Shared()
        self._selected = _Shared()
        self._refresh = refresh

    def encode(self, obj: Object) -> bytes:
        """Return the stored value of an object; ``metadata`` must hold at least a name."""
        meta = obj["metadata"]
        if "resourceVersion" in meta:
            meta = {**meta}
            del meta["resourceVersion"]
        value = orjson.dumps({**_FIRST, **obj, "metadata": meta})
        if value.startswith(self._value_head):
            return value
        rest = {k: v for k, v in obj.items() if k not in _FIRST}
        return self.head + orjson.dumps({"metadata": meta, **rest})[1:]

    def entry(self, key: str, value: bytes, revision: int) -> Entry:
        """Return the cache entry of a stored value."""
        head = self._value_head
        stored = orjson.loads(value)
        obj = self._refresh(stored) if self._refresh is not None else stored
        if obj is not stored or not value.startswith(head):
            value = self.encode(obj)
        item = b'{"metadata":{"resourceVersion":"%d",%b' % (revision, value[len(head) :])
        meta = obj["metadata"]
        labels = meta.get("labels")
        selected = {path: extract(obj) for path, extract in self._selectable.items()}
        return Entry(
            key,
            revision,
            item,
            sys.intern(meta.get("namespace", "")),
            meta["name"],
            self._labels.one(labels) if labels else _NONE,
            self._selected.one(selected) if selected else _NONE,
        )

    def readable(self, key: str, value: bytes, revision: int) -> Entry | None:
        """Return the cache entry of a stored value; None, with a line in the log, if it is not an object of this kind.

        A shared store may hold what others have written (kube-apiserver's protobuf, say). One such value must not keep
        all others from being served.
        """
        try:
            return self.entry(key, value, revision)
        except Exception as error:  # noqa: BLE001  # a plugin's extractor may raise anything on what it does not know
            kind = type(error).__name__
            log.error("%s at revision %d is not a stored %s and is left out: %s", key, revision, self.kind.kind, kind)
            return None

    def wire(self, value: bytes, revision: int) -> bytes:
        """Return an encoded value with its resourceVersion; 0 for an object that is not stored (dry run)."""
        if not revision:
            return value
        head = self._value_head
        return b'%b"resourceVersion":"%d",%b' % (head, revision, value[len(head) :])

    def decode(self, entry: Entry) -> Object:
        """Return the object of an entry, with resourceVersion; a new one each time."""
        obj: Object = orjson.loads(self.head + entry.item[1:])
        return obj

    @staticmethod
    def moved(entry: Entry, revision: int) -> Entry:
        """Return the entry at another revision: the last state of an object at the revision of its deletion."""
        splice = len(_METADATA) + 1 + len(b'"resourceVersion":"",') + len(str(entry.revision))
        item = b'{"metadata":{"resourceVersion":"%d",%b' % (revision, entry.item[splice:])
        return Entry(entry.key, revision, item, entry.namespace, entry.name, entry.labels, entry.selected)
