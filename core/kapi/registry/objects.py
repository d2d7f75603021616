"""Rules of metadata that hold for every kind when it is written.

The order and effect follow apiserver's ``registry/rest`` (BeforeCreate, BeforeUpdate, BeforeDelete).
"""

import os
from collections.abc import Sequence
from typing import Any

from kapi.meta.errors import StatusError
from kapi.meta.objectmeta import keep_server_fields
from kapi.meta.times import now

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

_FIRST = {"kind": "", "apiVersion": "", "metadata": None}


def metadata(obj: Object) -> dict[str, Any]:
    """Return the object's metadata, made if it is missing."""
    meta: dict[str, Any] | None = obj.get("metadata")
    if meta is None:
        meta = obj["metadata"] = {}
    return meta


def ordered(obj: Object) -> Object:
    """Return the object with its members in the order in which people expect them."""
    meta = obj["metadata"]
    return {**_FIRST, **obj, "metadata": {k: meta[k] for k in _ORDER if k in meta}}


def fill_system_fields(meta: dict[str, Any]) -> None:
    """Give a new object what only the server may choose."""
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
        meta.pop(name, None)
    meta["uid"] = new_uid()
    meta["creationTimestamp"] = now()


def new_uid() -> str:
    """Return a random UUID (RFC 9562, version 4)."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def parse_resource_version(text: str) -> int:
    """Return a resourceVersion of a body as a number, 0 for none; raises StatusError as apiserver does."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise StatusError(500, "", f'strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)


def keep_system_fields(meta: dict[str, Any], old: dict[str, Any]) -> None:
    """Carry over what an update may leave out, and what it may not change."""
    keep_server_fields(meta, old)
    meta.pop("selfLink", None)
    if "generation" in old:
        meta["generation"] = old["generation"]
    else:
        meta.pop("generation", None)


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
