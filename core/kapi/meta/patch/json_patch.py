"""JSON patch (RFC 6902), with the deviations of the library that kube-apiserver uses.

- ``replace`` works for a member that is not there, ``copy`` from one gives null, and so does ``add`` without a value;
- a negative index counts from the end;
- the first part of a pointer is ignored, so that ``data/x`` names the member ``x`` of the document;
- ``test`` compares scalars by their JSON text: 1 is not 1.0.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kapi.meta.errors import StatusError, bad_request, go_quote
from kapi.meta.patch.gotext import json_kind
from kapi.meta.patch.outcome import Object, duplicate, parse_bytes, rejected, serialize

MAX_OPERATIONS = 10_000
MAX_COPY_BYTES = 3 * 1024 * 1024
_INDEX = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_TEXT_MEMBERS = ("op", "path", "from")
_GO_TYPE = "handlers.jsonPatchOp"


class _Inapplicable(Exception):
    """An operation cannot be carried out; the reason is for the log at most."""


def apply_json_patch(document: Object, patch: Any) -> Any:
    """Return ``document`` changed by ``patch`` (a JSON value, or its text as bytes); neither is touched.

    Raises StatusError: 400 for a malformed patch, 413 for too many operations, 422 when an operation fails.
    """
    if isinstance(patch, bytes):
        patch = parse_bytes(patch, "error decoding patch: ")
    return apply_operations(document, check_operations(patch))


def apply_operations(document: Object, operations: Sequence[Mapping[str, Any]]) -> Any:
    """Return ``document`` changed by checked operations; raises StatusError 422 when one fails."""
    run = _Run(duplicate(document))
    try:
        for operation in operations:
            run.perform(operation)
        serialize(run.document)
    except (_Inapplicable, StatusError, RecursionError):
        raise rejected() from None
    return run.document


def check_operations(patch: Any) -> Sequence[Mapping[str, Any]]:
    """Return the operations of a decoded patch; raises StatusError 400 or 413 for what cannot be one."""
    if patch is None:
        return ()
    if not isinstance(patch, list):
        raise _mismatch(json_kind(patch), f"Go value of type []{_GO_TYPE}")
    for operation in patch:
        _check_operation(operation)
    return _few_enough(patch)


def check_loose_operations(patch: Any) -> Sequence[Mapping[str, Any]]:
    """Return the operations of a decoded patch that is not validated; raises StatusError 400 or 413.

    Members of the wrong type are not looked at until the operation is carried out.
    """
    if patch is None:
        return ()
    if not isinstance(patch, list):
        raise _loose_mismatch(patch, "jsonpatch.Patch")
    for operation in patch:
        if not isinstance(operation, dict | None):
            raise _loose_mismatch(operation, "jsonpatch.Operation")
    return _few_enough(patch)


def _loose_mismatch(value: Any, go_type: str) -> StatusError:
    return bad_request(f"json: cannot unmarshal {json_kind(value)} into Go value of type {go_type}")


def _few_enough(patch: list[Any]) -> Sequence[Mapping[str, Any]]:
    if len(patch) > MAX_OPERATIONS:
        message = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(patch)}"
        raise StatusError(413, "RequestEntityTooLarge", f"Request entity too large: {message}")
    return [operation or {} for operation in patch]


def unknown_members(patch: Any) -> list[str]:
    """Return the texts about members that no operation has, for ``fieldValidation`` (Warn or Strict)."""
    return [
        f"json patch unknown field {go_quote(f'[{index}].{member}')}"
        for index, operation in enumerate(patch if isinstance(patch, list) else ())
        if isinstance(operation, dict)
        for member in operation
        if member not in _TEXT_MEMBERS and member != "value"
    ]


def _check_operation(operation: Any) -> None:
    if operation is None:
        return
    if not isinstance(operation, dict):
        raise _mismatch(json_kind(operation), f"Go value of type {_GO_TYPE}")
    for member in _TEXT_MEMBERS:
        value = operation.get(member)
        if value is not None and not isinstance(value, str):
            raise _mismatch(json_kind(value), f"Go struct field jsonPatchOp.{member} of type string")


def _mismatch(found: str, wanted: str) -> StatusError:
    return bad_request(f"error decoding patch: json: cannot unmarshal {found} into {wanted}")


class _Run:
    """One patch being applied to its own copy of the document."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.copied = 0

    def perform(self, operation: Mapping[str, Any]) -> None:
        """Carry out one operation; raises _Inapplicable."""
        name = operation.get("op")
        action = _ACTIONS.get(name) if isinstance(name, str) else None
        if action is None:
            raise _Inapplicable("unknown operation")
        action(self, operation)

    def add(self, operation: Mapping[str, Any]) -> None:
        """Set a member or insert an item; the parent must be there."""
        container, key = self._find(_pointer(operation, "path"))
        _insert(container, key, _value_of(operation))

    def remove(self, operation: Mapping[str, Any]) -> None:
        """Take a member or item away; it must be there."""
        _delete(*self._find(_pointer(operation, "path")))

    def replace(self, operation: Mapping[str, Any]) -> None:
        """Set a member, an item or the whole document."""
        path = _pointer(operation, "path")
        value = _value_of(operation)
        if path:
            container, key = self._find(path)
            _assign(container, key, value)
        elif isinstance(value, dict | list):
            self.document = value
        else:
            raise _Inapplicable("the document must be an object or array")

    def move(self, operation: Mapping[str, Any]) -> None:
        """Take a value away from one place and add it at another."""
        container, key = self._find(_pointer(operation, "from"))
        value = _read(container, key)
        _delete(container, key)
        container, key = self._find(_pointer(operation, "path"))
        _insert(container, key, value)

    def copy(self, operation: Mapping[str, Any]) -> None:
        """Add a copy of a value at another place; counts its size."""
        value = _read(*self._find(_pointer(operation, "from")))
        container, key = self._find(_pointer(operation, "path"))
        self.copied += len(serialize(value))
        if self.copied > MAX_COPY_BYTES:
            raise _Inapplicable("the copies are too large")
        _insert(container, key, duplicate(value))

    def test(self, operation: Mapping[str, Any]) -> None:
        """Do nothing if a value is as expected; raises _Inapplicable else."""
        path = _pointer(operation, "path")
        value = _read(*self._find(path)) if path else self.document
        if not _same(value, operation.get("value")):
            raise _Inapplicable("test failed")

    def _find(self, path: str) -> tuple[Any, str]:
        """Return the container that the pointer's last part is looked up in, and that part."""
        parts = path.split("/")
        if len(parts) < 2:
            raise _Inapplicable("not a pointer")
        container = self.document
        for part in parts[1:-1]:
            container = _read(container, _unescape(part))
            if not isinstance(container, dict | list):
                raise _Inapplicable("missing path")
        return container, _unescape(parts[-1])


_ACTIONS: Mapping[str, Callable[[_Run, Mapping[str, Any]], None]] = {
    "add": _Run.add,
    "remove": _Run.remove,
    "replace": _Run.replace,
    "move": _Run.move,
    "copy": _Run.copy,
    "test": _Run.test,
}


def _pointer(operation: Mapping[str, Any], member: str) -> str:
    pointer = operation.get(member)
    if not isinstance(pointer, str):
        raise _Inapplicable(f"missing {member}")
    return pointer


def _value_of(operation: Mapping[str, Any]) -> Any:
    value = operation.get("value")
    return duplicate(value) if isinstance(value, dict | list) else value


def _unescape(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~") if "~" in part else part


def _index(key: str, limit: int) -> int:
    """Return the position that ``key`` means in a list where ``limit`` positions can be named."""
    if not _INDEX.fullmatch(key):
        raise _Inapplicable("not an index")
    index = int(key)
    if not -limit <= index < limit:
        raise _Inapplicable("index out of range")
    return index + limit if index < 0 else index


def _read(container: Any, key: str) -> Any:
    if isinstance(container, dict):
        return container.get(key)
    return container[_index(key, len(container))]


def _insert(container: Any, key: str, value: Any) -> None:
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        container.insert(_index(key, len(container) + 1), value)


def _assign(container: Any, key: str, value: Any) -> None:
    container[key if isinstance(container, dict) else _index(key, len(container))] = value


def _delete(container: Any, key: str) -> None:
    if not isinstance(container, dict):
        del container[_index(key, len(container))]
    elif key in container:
        del container[key]
    else:
        raise _Inapplicable("missing member")


def _same(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)
