"""How Go prints JSON values: parts of kube-apiserver's messages are values formatted by its runtime.

``as_float`` says that the value came through a decoder that makes every number a float64 (the YAML of apply
configurations); elsewhere whole numbers are int64.
"""

from typing import Any

from kapi.meta.errors import go_quote

_LARGEST_PLAIN_POWER = 6
_SMALLEST_PLAIN_POWER = -4


def go_float(number: float) -> str:
    """Return a float64 as ``%v`` prints it: shortest digits, with an exponent below 1e-04 and from 1e+06 on."""
    from decimal import Decimal

    decimal = Decimal(repr(float(number)))
    power = decimal.adjusted() if decimal else 0
    digits = "".join(map(str, decimal.as_tuple().digits)).strip("0") or "0"
    sign = "-" if decimal.is_signed() else ""
    if _SMALLEST_PLAIN_POWER <= power < _LARGEST_PLAIN_POWER:
        plain = format(abs(decimal), "f")
        return sign + (plain.rstrip("0").rstrip(".") if "." in plain else plain)
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def go_value(value: Any, *, as_float: bool = False) -> str:
    """Return a JSON value as ``%v`` prints it: ``map[a:1 b:[x y]]``, ``<nil>``."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case dict():
            members = (f"{key}:{go_value(value[key], as_float=as_float)}" for key in sorted(value))
            return f"map[{' '.join(members)}]"
        case list():
            return f"[{' '.join(go_value(item, as_float=as_float) for item in value)}]"
        case int() if not as_float:
            return str(value)
        case int() | float():
            return go_float(value)
    return str(value)


def go_syntax(value: Any, *, as_float: bool = False) -> str:
    """Return a JSON value as ``%#v`` prints it: ``map[string]interface {}{"a":1}``."""
    match value:
        case None:
            return "interface {}(nil)"
        case str():
            return go_quote(value)
        case dict():
            members = (f"{go_quote(key)}:{go_syntax(value[key], as_float=as_float)}" for key in sorted(value))
            return f"map[string]interface {{}}{{{', '.join(members)}}}"
        case list():
            return f"[]interface {{}}{{{', '.join(go_syntax(item, as_float=as_float) for item in value)}}}"
    return go_value(value, as_float=as_float)


def go_type(value: Any, *, as_float: bool = False) -> str:
    """Return the name of a JSON value's type as ``%T`` prints it."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "bool"
        case str():
            return "string"
        case dict():
            return "map[string]interface {}"
        case list():
            return "[]interface {}"
        case int() if not as_float:
            return "int64"
    return "float64"


def json_kind(value: Any) -> str:
    """Return what encoding/json calls a value when it does not fit: ``object``, ``array``, ``string``, ``number``, …"""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case str():
            return "string"
        case dict():
            return "object"
        case list():
            return "array"
    return "number"
