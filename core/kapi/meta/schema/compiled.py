"""Functions compiled from types that bring a parsed value into normal form.

A decoder takes a value other than null and a list, to which it adds the names of unknown members, and returns a new
value in normal form; it raises Mismatch or BadText without saying where. Each Struct keeps its decoder
in ``compiled``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kapi.meta.schema.scalars import READERS, Mismatch, read_any, read_string
from kapi.meta.schema.tables import zero_value
from kapi.meta.schema.types import Field, List, Map, Scalar, Struct, Type, Variant

Decoder = Callable[[Any, list[str]], Any]

_DROP_ZERO, _KEEP_ZERO, _NULL_FOR_ZERO = 0, 1, 2

_STRINGS = {str}
_NEVER_EMPTY = ("any", "quantity", "milli-quantity", "int-or-string")


def struct_decoder(struct: Struct) -> Decoder:
    """Return the decoder of a struct."""
    decoder: Decoder | None = struct.compiled.get("decode")
    if decoder is None:
        decoder = struct.compiled["decode"] = _compile_struct(struct)
    return decoder


def decoder_of(type_: Type) -> Decoder:
    """Return the decoder of any type."""
    if isinstance(type_, Struct):
        return _struct_reference(type_)
    if isinstance(type_, List):
        return _list_decoder(type_)
    if isinstance(type_, Map):
        return _map_decoder(type_)
    if isinstance(type_, Variant):
        return _variant_decoder(type_)
    return _scalar_decoder(type_)


def _compile_struct(struct: Struct) -> Decoder:
    fields = struct.fields
    plain = frozenset(name for name, field in fields.items() if _is_plain_string(field))
    find = {name: (decoder_of(field.type), _mode(field)) for name, field in fields.items()}.get
    add_zeros = _zero_adder(fields)
    stray = _keep_stray if struct.preserve_unknown else _note_stray

    def decode(value: Any, unknown: list[str]) -> dict[str, Any]:
        if value.__class__ is not dict:
            raise Mismatch
        out: dict[str, Any] = {}
        for name, inner in value.items():
            if inner.__class__ is str and name in plain:
                if inner:
                    out[name] = inner
                continue
            found = find(name)
            if found is None:
                stray(name, inner, out, unknown)
            elif inner is not None:
                read, mode = found
                result = read(inner, unknown)
                if result or (mode == _KEEP_ZERO and result is not None):
                    out[name] = result
                elif mode == _NULL_FOR_ZERO:
                    out[name] = None
        return add_zeros(out) if add_zeros else out

    return decode


def _note_stray(name: str, value: Any, out: dict[str, Any], unknown: list[str]) -> None:
    unknown.append(name)


def _keep_stray(name: str, value: Any, out: dict[str, Any], unknown: list[str]) -> None:
    out[name] = read_any(value)


def _zero_adder(fields: Mapping[str, Field]) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
    """Return what adds the members that are always written; None when there are none."""
    always = tuple((name, _zero_maker(field)) for name, field in fields.items() if field.emit_zero)
    if not always:
        return None

    def add(out: dict[str, Any]) -> dict[str, Any]:
        for name, zero in always:
            if name not in out:
                out[name] = zero()
        return out

    return add


def _struct_reference(struct: Struct) -> Decoder:
    """Return a decoder that compiles the struct on first use: types may be recursive."""
    compiled = struct.compiled

    def decode(value: Any, unknown: list[str]) -> Any:
        inner = compiled.get("decode")
        return (inner or struct_decoder(struct))(value, unknown)

    return decode


def _is_plain_string(field: Field) -> bool:
    kind = field.type.kind if isinstance(field.type, Scalar) else ""
    return kind == "string" and not field.keep_zero and not field.emit_zero


def _mode(field: Field) -> int:
    kind = field.type.kind if isinstance(field.type, Scalar) else ""
    if isinstance(field.type, Struct) or field.keep_zero or kind in _NEVER_EMPTY:
        return _KEEP_ZERO
    if field.emit_zero:
        return _NULL_FOR_ZERO if field.zero is None else _KEEP_ZERO
    return _DROP_ZERO


def _zero_maker(field: Field) -> Callable[[], Any]:
    zero = field.zero
    if not isinstance(field.type, Struct):
        return lambda: zero
    if not zero:
        return lambda: None if zero is None else {}
    type_ = field.type
    return lambda: zero_value(type_)


def _scalar_decoder(type_: Type) -> Decoder:
    kind = type_.kind if isinstance(type_, Scalar) else "any"
    read = READERS[kind]

    def decode(value: Any, unknown: list[str]) -> Any:
        return read(value)

    return decode


def _list_decoder(type_: List) -> Decoder:
    items = decoder_of(type_.items)
    zero = element_zero(type_.items)
    strings = _is_string(type_.items)

    def decode(value: Any, unknown: list[str]) -> list[Any]:
        if value.__class__ is not list:
            raise Mismatch
        if strings and {each.__class__ for each in value} == _STRINGS:
            return value.copy()
        return [zero() if each is None else items(each, unknown) for each in value]

    return decode


def _map_decoder(type_: Map) -> Decoder:
    values = decoder_of(type_.values)
    zero = element_zero(type_.values)
    strings = _is_string(type_.values)

    def decode(value: Any, unknown: list[str]) -> dict[str, Any]:
        if value.__class__ is not dict:
            raise Mismatch
        if strings and {each.__class__ for each in value.values()} == _STRINGS:
            return value.copy()
        return {key: zero() if each is None else values(each, unknown) for key, each in value.items()}

    return decode


def _is_string(type_: Type) -> bool:
    return isinstance(type_, Scalar) and READERS[type_.kind] is read_string


def element_zero(type_: Type) -> Callable[[], Any]:
    """Return what makes the value that stands for null in a list or map of the type."""
    return lambda: zero_value(type_)


def _variant_decoder(type_: Variant) -> Decoder:
    as_object = decoder_of(type_.object)
    as_array = decoder_of(type_.array) if type_.array else None

    def decode(value: Any, unknown: list[str]) -> Any:
        # The reference decodes these by hand and does not look for unknown members inside.
        if value.__class__ is dict:
            return as_object(value, [])
        if value.__class__ is list and as_array is not None:
            return as_array(value, [])
        if type_.boolean:
            if value.__class__ is bool:
                return value
            raise Mismatch
        return None

    return decode
