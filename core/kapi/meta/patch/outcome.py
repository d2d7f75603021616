"""What all kinds of patches share: copies, limits and the Status errors of a patch that cannot be used."""

import re
from typing import Any

import orjson

from kapi.meta.errors import StatusError, bad_request, field_invalid, invalid
from kapi.meta.gvk import GroupKind
from kapi.meta.schema.parse import ParseError, parse_json

Object = dict[str, Any]

_WHOLE = 2.0**63
_FLOAT = re.compile(rb"[0-9][.eE]")


def rejected() -> StatusError:
    """Return the error for a JSON patch that cannot be carried out; kube-apiserver does not say why."""
    return StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def unusable_result(shown: str, detail: str) -> StatusError:
    """Return the error for a patch whose result does not decode, or not strictly enough.

    ``shown`` is the result's JSON text (JSON and merge patches) or the patch as Go prints it (strategic merge
    patches, :func:`kapi.meta.patch.gotext.go_value`); ``detail`` is what the decoder had to say.
    """
    return invalid(GroupKind("", ""), "", [field_invalid("patch", shown, detail)])


def in_patched_order(value: Any, touched: Any) -> Any:
    """Return the result of a patch as kube-apiserver shows it: with sorted members wherever the patch has been.

    ``touched`` is a merge patch, or the operations of a JSON patch.
    """
    if isinstance(touched, list) and isinstance(value, dict):
        return _in_order(value, _places(touched))
    return _in_order(value, touched)


def _in_order(value: Any, touched: Any) -> Any:
    if not isinstance(touched, dict):
        return value
    if isinstance(value, dict):
        return {name: _in_order(value[name], touched.get(name)) for name in sorted(value)}
    if isinstance(value, list):
        return [_in_order(item, touched.get(str(index))) for index, item in enumerate(value)]
    return value


def _places(operations: list[Any]) -> Object:
    """Return the tree of containers that JSON patch operations name members or items of."""
    tree: Object = {}
    for operation in operations:
        for pointer in (operation.get("path"), operation.get("from")):
            inner = tree
            for part in (pointer or "").split("/")[1:-1]:
                inner = inner.setdefault(part.replace("~1", "/").replace("~0", "~"), {})
    return tree


def with_whole_numbers(value: Any) -> Any:
    """Return a JSON value with ``2.0`` and ``1e3`` as the integers 2 and 1000.

    For kube-apiserver numbers in apply configurations and strategic merge patches are floats, which fit an integer
    member when they are whole; its JSON decoder, which reads the result of other patches, refuses them.
    """
    if isinstance(value, dict):
        return {key: with_whole_numbers(member) for key, member in value.items()}
    if isinstance(value, list):
        return [with_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE else value


def may_hold_floats(data: bytes) -> bool:
    """Tell whether a text may hold a number with a fraction or an exponent; cheaper than to look at all values."""
    return _FLOAT.search(data) is not None


def serialize(value: Any) -> bytes:
    """Return the JSON text of ``value``; raises StatusError 400 for one that is nested too deeply or has huge numbers.

    It is also the guard of the recursive algorithms here: what passes is at most 254 levels deep.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise bad_request("error decoding patch: exceeded max depth") from error


def duplicate(value: Any) -> Any:
    """Return a deep copy of a JSON value; raises StatusError 400 as :func:`serialize`."""
    return orjson.loads(serialize(value))


def parse_bytes(raw: bytes, prefix: str) -> Any:
    """Parse the bytes of a patch; raises StatusError 400 with ``prefix`` before the parser's message."""
    try:
        return parse_json(raw)
    except ParseError as error:
        raise bad_request(f"{prefix}{error}") from error
