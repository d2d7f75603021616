"""Says why a value does not fit a type in the words of Go's converter from unstructured objects.

kube-apiserver turns the result of a strategic merge patch into an object with that converter
(k8s.io/apimachinery/pkg/runtime), not with its JSON decoder (:mod:`kapi.meta.schema.explain`). It stops at the first
problem, and names types but no places.
"""

from typing import Any, Final

from kapi.meta.schema.scalars import BadText, read_bytes
from kapi.meta.schema.types import List, Map, Scalar, Struct, Type, Variant

_GO_KINDS: Final = {dict: "map", list: "slice", str: "string", bool: "bool", int: "int64", float: "float64"}
_NUMBERS: Final = ("int32", "int64", "float64")
_LEAF_KINDS: Final = {"string": "string", "int32": "int32", "int64": "int64", "number": "float64", "boolean": "bool"}


def restore_problem(value: Any, type_: Type) -> str:
    """Return the first problem; "" when there is none, or a type's own decoder would tell it."""
    if value is None or isinstance(type_, Variant):
        return ""
    given = _GO_KINDS[value.__class__]
    if isinstance(type_, Struct):
        return _struct_problem(value, type_) if given == "map" else f"cannot restore struct from: {given}"
    if isinstance(type_, Map):
        return _first(type_.values, value.values()) if given == "map" else f"cannot restore map from {given}"
    if isinstance(type_, List):
        return _first(type_.items, value) if given == "slice" else f"cannot restore slice from {given}"
    return _leaf_problem(given, value, type_) if isinstance(type_, Scalar) else ""


def _struct_problem(value: dict[str, Any], struct: Struct) -> str:
    found = (restore_problem(value[name], field.type) for name, field in struct.fields.items() if name in value)
    return next(filter(None, found), "")


def _first(type_: Type, values: Any) -> str:
    return next(filter(None, (restore_problem(value, type_) for value in values)), "")


def _leaf_problem(given: str, value: Any, scalar: Scalar) -> str:
    if scalar.kind == "bytes":
        return _bytes_problem(given, value)
    wanted = _LEAF_KINDS.get(scalar.kind)
    if wanted is None or wanted == given:
        return ""
    if given == "int64" and wanted == "string":
        return f"cannot convert int64 to {scalar.go_type}"
    if given in _NUMBERS and wanted in _NUMBERS:
        fits = given == "int64" or wanted == "float64" or value.is_integer()
        return "" if fits else f"cannot convert float64 to {scalar.go_type}"
    return f"unrecognized type: {wanted}"


def _bytes_problem(given: str, value: Any) -> str:
    if given == "slice":
        return ""
    if given != "string":
        return f"cannot restore slice from {given}"
    try:
        read_bytes(value)
    except BadText as error:
        return f"error decoding from json: {error}"
    return ""
