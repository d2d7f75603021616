"""Rules of metadata that hold for every kind when it is written.

The order and effect follow apiserver's ``registry/rest`` (BeforeCreate, BeforeUpdate, BeforeDelete).
"""

import uuid
from collections.abc import Sequence
from typing import Any

from kapi.meta.errors import StatusError
from kapi.meta.times import now_seconds

Object = dict[str, Any]

_ORDER = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)


def metadata(obj: Object) -> dict[str, Any]:
    """Return the object's metadata, made if it is missing."""
    meta = obj.get("metadata")
    if meta is None:
        meta = obj["metadata"] = {}
    return meta  # type: ignore[no-any-return]  # the schema guarantees an object


def ordered(obj: Object) -> Object:
    """Return the object with its members in the order in which people expect them."""
    meta = obj["metadata"]
    rest = {k: v for k, v in obj.items() if k not in ("kind", "apiVersion", "metadata")}
    return {
        "kind": obj["kind"],
        "apiVersion": obj["apiVersion"],
        "metadata": {k: meta[k] for k in _ORDER if k in meta},
        **rest,
    }


def fill_system_fields(meta: dict[str, Any]) -> None:
    """Give a new object what only the server may choose."""
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
        meta.pop(name, None)
    meta["uid"] = str(uuid.uuid4())
    meta["creationTimestamp"] = now_seconds()


def parse_resource_version(text: str) -> int:
    """Return a resourceVersion of a body as a number, 0 for none; raises StatusError as apiserver does."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise StatusError(500, "", f'strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)


def keep_system_fields(meta: dict[str, Any], old: dict[str, Any]) -> None:
    """Carry over what an update may leave out, and what it may not change."""
    meta.pop("selfLink", None)
    for name in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds"):
        if name in old:
            meta.setdefault(name, old[name])
    _same(meta, old, "generation")
    _same(meta, old, "creationTimestamp")


def _same(meta: dict[str, Any], old: dict[str, Any], name: str) -> None:
    if name in old:
        meta[name] = old[name]
    else:
        meta.pop(name, None)


def changed(obj: Object, old: Object, paths: Sequence[str]) -> bool:
    """Tell whether any of the dotted paths differs between the two objects."""
    return any(_at(obj, path) != _at(old, path) for path in paths)


def _at(obj: Any, path: str) -> Any:
    for part in path.split("."):
        if not isinstance(obj, dict):
            return None
        obj = obj.get(part)
    return obj


def set_generation_on_update(obj: Object, old: Object, paths: Sequence[str]) -> None:
    """Increment metadata.generation when one of the paths changed."""
    if paths and changed(obj, old, paths):
        obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
