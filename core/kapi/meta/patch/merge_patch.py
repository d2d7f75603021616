"""JSON merge patch (RFC 7386), with the details of the library that kube-apiserver uses.

Where they differ from the RFC: nulls inside the objects of a list that the patch brings are dropped too.
"""

from typing import Any

from kapi.meta.errors import bad_request
from kapi.meta.patch.gotext import json_kind
from kapi.meta.patch.outcome import Object, parse_bytes, serialize
from kapi.meta.schema.parse import ParseError, parse_json

_PREFIX = "error decoding patch: "


def apply_merge_patch(document: Object, patch: Any) -> Object:
    """Return ``document`` changed by ``patch`` (a JSON value, or its text as bytes); neither is touched.

    Raises StatusError 400 when the patch is not an object. Members of the result that the patch did not reach are
    shared with ``document``, and lists that it brings with the patch.
    """
    if isinstance(patch, bytes):
        patch = parse_bytes(patch, _PREFIX)
    if patch is None:
        raise bad_request("Invalid JSON Patch")
    if not isinstance(patch, dict):
        raise bad_request(
            f"{_PREFIX}json: cannot unmarshal {json_kind(patch)} into Go value of type map[string]interface {{}}"
        )
    serialize(patch)
    return _merge(document, patch)


def parse_loose_merge_patch(raw: bytes) -> Any:
    """Return a patch that is not validated; a list, without its nulls, is the new document. Raises StatusError 400."""
    try:
        patch = parse_json(raw)
    except ParseError:
        patch = None
    if isinstance(patch, list):
        return [_without_nulls(item) for item in patch if item is not None]
    if not isinstance(patch, dict):
        raise bad_request("Invalid JSON Patch")
    return patch


def create_merge_patch(original: Object, modified: Object) -> Object:
    """Return the merge patch that turns ``original`` into ``modified`` (which must hold no nulls)."""
    patch: Object = {}
    for key, value in modified.items():
        if key not in original:
            patch[key] = value
        elif isinstance(value, dict) and isinstance(original[key], dict):
            if inner := create_merge_patch(original[key], value):
                patch[key] = inner
        elif original[key] != value or type(original[key]) is not type(value):
            patch[key] = value
    patch.update((key, None) for key in original if key not in modified)
    return patch


def _merge(document: Object, patch: Object) -> Object:
    merged = dict(document)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged_value(merged.get(key), value)
    return merged


def _merged_value(current: Any, patch: Any) -> Any:
    if not isinstance(current, dict):
        return _without_nulls(patch)
    return _merge(current, patch) if isinstance(patch, dict) else patch


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
