"""The annotation of client-side apply, for objects that move from it to server-side apply."""

from typing import Any

import orjson

from kapi.meta.apply.changes import BadItem, Object, compare
from kapi.meta.apply.fieldset import FieldSet, difference
from kapi.meta.apply.owned import owned_fields
from kapi.meta.apply.validate import IllTyped, check_type
from kapi.meta.schema.parse import ParseError, parse_json
from kapi.meta.schema.types import Struct

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
MANAGER = "kubectl"
"""The only manager for which the annotation counts."""
MAX_ANNOTATIONS = 256 * 1024


def last_applied(obj: Object) -> str:
    """Return the annotation's text; empty when there is none."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    text = annotations.get(ANNOTATION)
    return text if isinstance(text, str) else ""


def fields_still_as_applied(struct: Struct, live: Object) -> FieldSet:
    """Return the fields of the last client-side apply that ``live`` still has as they were applied then."""
    try:
        config = parse_json(last_applied(live).encode())
        if not isinstance(config, dict) or config.get("apiVersion") != live.get("apiVersion"):
            return {}
        check_type(struct, config)
        changes = compare(struct, config, live)
        return difference(difference(owned_fields(struct, config), changes.changed), changes.removed)
    except (ParseError, IllTyped, BadItem):
        return {}


def record_last_applied(obj: Object, config: Object) -> Object:
    """Return ``obj`` with the annotation, if it has one, brought up to what is applied now.

    An annotation that makes all of them too large is taken away.
    """
    if not last_applied(obj):
        return obj
    annotations = {**obj["metadata"]["annotations"], ANNOTATION: _encode(config)}
    if sum(len(key.encode()) + len(str(value).encode()) for key, value in annotations.items()) > MAX_ANNOTATIONS:
        del annotations[ANNOTATION]
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _encode(config: Object) -> str:
    """Return the configuration without the annotation as Go's encoder writes it: sorted, with HTML escaped."""
    metadata: dict[str, Any] = dict(config.get("metadata") or {})
    if "annotations" in metadata:
        annotations = metadata.pop("annotations")
        if annotations is not None:
            metadata["annotations"] = {key: value for key, value in annotations.items() if key != ANNOTATION}
    text = orjson.dumps({**config, "metadata": metadata}, option=orjson.OPT_SORT_KEYS).decode()
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text + "\n"
