"""Stored bytes and how they become wire bytes.

The stored value of an object is its JSON without ``metadata.resourceVersion``, beginning with
``{"kind":K,"apiVersion":V,"metadata":{``. The revision of the key *is* the resourceVersion, so it is spliced in when
the value enters the cache; after that, reads only join bytes.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from kapi.meta.gvk import GroupVersionKind

log = logging.getLogger("kapi.storage")

Object = dict[str, Any]
_METADATA = b'"metadata":{'


class Entry:
    """An object in the watch cache.

    ``item`` is the object as it stands in a list of typed items: ``{"metadata":{"resourceVersion":…},…}``, without
    kind and apiVersion. ``labels`` and ``fields`` (selectable fields) are extracted once.
    """

    __slots__ = ("fields", "item", "key", "labels", "name", "namespace", "revision")

    def __init__(
        self,
        key: str,
        revision: int,
        item: bytes,
        namespace: str,
        name: str,
        labels: Mapping[str, str],
        fields: Mapping[str, str],
    ) -> None:
        """Take the parts described above."""
        self.key = key
        self.revision = revision
        self.item = item
        self.namespace = namespace
        self.name = name
        self.labels = labels
        self.fields = fields


class Codec:
    """Translates between objects, stored values and entries of one stored kind.

    ``head`` is ``{"kind":K,"apiVersion":V,``: what precedes ``item[1:]`` in a single object.
    """

    def __init__(self, kind: GroupVersionKind, selectable: Mapping[str, Callable[[Object], str]]) -> None:
        """Take the stored kind and the extractors of its selectable fields."""
        self.kind = kind
        self.head = b'{"kind":%b,"apiVersion":%b,' % (orjson.dumps(kind.kind), orjson.dumps(kind.api_version))
        self._value_head = self.head + _METADATA
        self._selectable = dict(selectable)

    def encode(self, obj: Object) -> bytes:
        """Return the stored value of an object; ``metadata`` must hold at least a name."""
        meta = obj["metadata"]
        rest = {k: v for k, v in obj.items() if k not in ("kind", "apiVersion", "metadata")}
        if "resourceVersion" in meta:
            meta = {k: v for k, v in meta.items() if k != "resourceVersion"}
        body = orjson.dumps({"metadata": meta, **rest})
        return self.head + body[1:]

    def entry(self, key: str, value: bytes, revision: int) -> Entry:
        """Return the cache entry of a stored value."""
        head = self._value_head
        obj = orjson.loads(value)
        if not value.startswith(head):
            value = self.encode(obj)
        item = b'{"metadata":{"resourceVersion":"%d",%b' % (revision, value[len(head) :])
        meta = obj["metadata"]
        name, namespace = meta["name"], meta.get("namespace", "")
        fields = {"metadata.name": name, "metadata.namespace": namespace}
        for path, extract in self._selectable.items():
            fields[path] = extract(obj)
        return Entry(key, revision, item, namespace, name, meta.get("labels") or {}, fields)

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
        return Entry(entry.key, revision, item, entry.namespace, entry.name, entry.labels, entry.fields)
