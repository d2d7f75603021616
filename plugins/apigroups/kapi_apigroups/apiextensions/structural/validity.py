"""Is a schema one that can be served? What JSON Schema allows and CustomResourceDefinitions do not.

First the constructs (:func:`construct_findings`), then whether the schema is structural (:func:`structural_findings`,
KEP-1111), last its defaults (:func:`default_findings`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import re2

from kapi.meta.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from kapi.meta.schema.types import MISSING
from kapi_apigroups.apiextensions.structural.checks import checker, compile_pattern
from kapi_apigroups.apiextensions.structural.lists import list_findings
from kapi_apigroups.apiextensions.structural.pruning import unknown_members
from kapi_apigroups.apiextensions.structural.shape import EMBEDDED, INT_OR_STRING, MAP_TYPE, PRESERVE, Schema

_Findings = Iterator[FieldError]

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = ("$ref", "patternProperties", "dependencies", "definitions", "id")
_JUNCTORS = ("allOf", "anyOf", "oneOf")
_RULES = "x-kubernetes-validations"
_EITHER = [{"type": "integer"}, {"type": "string"}]
_NO_RULES = "validation rules (CEL) are not evaluated by this server yet: it refuses definitions that rely on them"


def subschemas(schema: Schema, path: str) -> Iterator[tuple[Schema, str]]:
    """Yield all schemas directly below one, with their paths."""
    for name, sub in (schema.get("properties") or {}).items():
        yield sub, f"{path}.properties[{name}]"
    for member in ("items", "additionalProperties", "not"):
        if isinstance(schema.get(member), Mapping):
            yield schema[member], f"{path}.{member}"
    for member in _JUNCTORS:
        for index, sub in enumerate(schema.get(member) or ()):
            yield sub, f"{path}.{member}[{index}]"


def uses_rules(schema: Schema) -> bool:
    """Tell whether a schema, or one below it, has validation rules."""
    return bool(schema.get(_RULES)) or any(uses_rules(sub) for sub, _ in subschemas(schema, ""))


def construct_findings(schema: Schema, path: str) -> _Findings:
    """Yield what is used of JSON Schema that definitions may not use."""
    yield from _own_constructs(schema, path)
    yield from list_findings(schema, path)
    for sub, below in subschemas(schema, path):
        yield from construct_findings(sub, below)


def _own_constructs(schema: Schema, path: str) -> _Findings:
    for member in _UNSUPPORTED:
        if schema.get(member):
            yield field_forbidden(f"{path}.{member}", f"{member} is not supported")
    if schema.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield field_forbidden(f"{path}.uniqueItems", detail)
    additional = schema.get("additionalProperties")
    if additional is not None and schema.get("properties"):
        detail = "additionalProperties and properties are mutual exclusive"
        yield field_forbidden(f"{path}.additionalProperties", detail)
    elif additional is False:
        yield field_forbidden(f"{path}.additionalProperties", "additionalProperties cannot be set to false")
    if isinstance(schema.get("items"), list):
        yield field_forbidden(f"{path}.items", "items must be a schema object and not an array")
    yield from _type_findings(schema, path)
    yield from _pattern_findings(schema, path)
    yield from _extension_findings(schema, path)


def _type_findings(schema: Schema, path: str) -> _Findings:
    kind = schema.get("type", "")
    if kind == "null":
        yield field_forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    elif kind and kind not in _TYPES:
        yield field_not_supported(f"{path}.type", kind, _TYPES)


def _pattern_findings(schema: Schema, path: str) -> _Findings:
    pattern = schema.get("pattern")
    if not pattern:
        return
    try:
        compile_pattern(pattern)
    except re2.error as error:
        detail = f"must be a valid regular expression, but isn't: error parsing regexp: {_regexp_problem(error)}"
        yield field_invalid(f"{path}.pattern", pattern, detail)


def _regexp_problem(error: Any) -> str:
    """Return RE2's message as Go's package words it: ``missing closing ): `(` ``."""
    text = error.args[0] if error.args else ""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    what, colon, where = text.partition(": ")
    what = {"missing )": "missing closing )", "missing ]": "missing closing ]"}.get(what, what)
    return f"{what}: `{where}`" if colon else what


def _extension_findings(schema: Schema, path: str) -> _Findings:
    if schema.get(PRESERVE) is False:
        yield field_invalid(f"{path}.{PRESERVE}", False, "must be true or undefined")
    map_type = schema.get(MAP_TYPE)
    if map_type is not None:
        if schema.get("type") != "object":
            yield field_invalid(f"{path}.type", schema.get("type", ""), f"must be object if {MAP_TYPE} is specified")
        if map_type not in ("granular", "atomic"):
            yield field_not_supported(f"{path}.{MAP_TYPE}", map_type, ("granular", "atomic"))
    for index, _ in enumerate(schema.get(_RULES) or ()):
        yield field_forbidden(f"{path}.{_RULES}[{index}]", _NO_RULES)


def structural_findings(schema: Schema, path: str, level: str = "root") -> _Findings:
    """Yield why a schema is not structural. ``level``: "root", "items" or "field", for the words."""
    items = schema.get("items")
    if schema.get("type") == "array" and items is None:
        yield field_required(f"{path}.items", "must be specified")
    if isinstance(items, Mapping):
        yield from structural_findings(items, f"{path}.items", "items")
    for name, sub in (schema.get("properties") or {}).items():
        yield from structural_findings(sub, f"{path}.properties[{name}]", "field")
    additional = schema.get("additionalProperties")
    if isinstance(additional, Mapping):
        yield from structural_findings(additional, f"{path}.additionalProperties", "field")
    yield from _clashing_extensions(schema, path)
    yield from _nested_findings(schema, path)
    yield from _level_findings(schema, path, level)
    if level == "root" or schema.get(EMBEDDED):
        yield from _resource_findings(schema, path)
    yield from _incomplete(schema, schema, path, path)


def _clashing_extensions(schema: Schema, path: str) -> _Findings:
    if not schema.get(INT_OR_STRING):
        return
    for member in (PRESERVE, EMBEDDED):
        if schema.get(member):
            yield field_invalid(f"{path}.{member}", True, f"must be false if {INT_OR_STRING} is true")


def _level_findings(schema: Schema, path: str, level: str) -> _Findings:
    kind, free = schema.get("type", ""), schema.get(INT_OR_STRING) or schema.get(PRESERVE)
    words = {"root": "at the root", "items": "for specified array items", "field": "for specified object fields"}
    if schema.get(EMBEDDED) and kind != "object":
        detail = f"must be object if {EMBEDDED} is true"
        yield field_invalid(f"{path}.type", kind, detail) if kind else field_required(f"{path}.type", detail)
    elif not kind and not free:
        yield field_required(f"{path}.type", f"must not be empty {words[level]}")
    if level == "root" and kind and kind != "object":
        yield field_invalid(f"{path}.type", kind, "must be object at the root")
    if schema.get("additionalProperties") is not None:
        if schema.get(EMBEDDED):
            yield field_forbidden(f"{path}.additionalProperties", f"must not be used if {EMBEDDED} is set")
        elif level == "root":
            yield field_forbidden(f"{path}.additionalProperties", "must not be used at the root")


def _resource_findings(schema: Schema, path: str) -> _Findings:
    """Yield what is wrong with the members that every object has."""
    members = schema.get("properties") or {}
    for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
        kind = members.get(name, {}).get("type", wanted)
        if kind != wanted:
            yield field_invalid(f"{path}.properties[{name}].type", kind, f"must be {wanted}")
    if set(members.get("metadata", {}).get("properties") or ()) - {"name", "generateName"}:
        detail = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        yield field_forbidden(f"{path}.properties[metadata]", detail)
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not members:
        yield field_required(f"{path}.properties", f"must not be empty if {EMBEDDED} is true without {PRESERVE}")


def _nested_findings(schema: Schema, path: str) -> _Findings:
    """Yield what schemas below allOf, anyOf, oneOf and not say that only the schema itself may say."""
    for member in _JUNCTORS:
        for index, sub in enumerate(schema.get(member) or ()):
            if schema.get(INT_OR_STRING) and _says_either(schema, member, index):
                continue
            yield from _pure_validation(sub, f"{path}.{member}[{index}]")
    if isinstance(schema.get("not"), Mapping):
        yield from _pure_validation(schema["not"], f"{path}.not")


def _says_either(schema: Schema, member: str, index: int) -> bool:
    """Tell whether this is the alternative "integer or string" that may be spelled out."""
    if member == "anyOf":
        return bool(schema["anyOf"] == _EITHER)
    return member == "allOf" and index == 0 and schema["allOf"][0] == {"anyOf": _EITHER}


def _pure_validation(schema: Schema, path: str) -> _Findings:
    for member in ("type", "title", "description"):
        if schema.get(member):
            yield field_forbidden(f"{path}.{member}", "must be empty to be structural")
    for member in ("default", "additionalProperties"):
        if schema.get(member) is not None:
            yield field_forbidden(f"{path}.{member}", "must be undefined to be structural")
    for member in ("nullable", PRESERVE, EMBEDDED, INT_OR_STRING):
        if schema.get(member):
            yield field_forbidden(f"{path}.{member}", "must be false to be structural")
    for sub, below in subschemas(schema, path):
        yield from _pure_validation(sub, below)


def _incomplete(whole: Schema, schema: Schema, path: str, root: str) -> _Findings:
    """Yield the members that nested schemas name and the schema itself does not."""
    nested = [(sub, f"{path}.{m}[{i}]") for m in _JUNCTORS for i, sub in enumerate(schema.get(m) or ())]
    if isinstance(schema.get("not"), Mapping):
        nested.append((schema["not"], f"{path}.not"))
    for sub, below in nested:
        yield from _missing(whole, sub, below, root)


def _missing(whole: Schema, nested: Schema, path: str, root: str) -> _Findings:
    if isinstance(nested.get("items"), Mapping):
        items = whole.get("items")
        if isinstance(items, Mapping):
            yield from _missing(items, nested["items"], f"{path}.items", f"{root}.items")
        else:
            yield field_required(f"{root}.items", f"because it is defined in {path}.items")
    for name, sub in (nested.get("properties") or {}).items():
        place, there = f"{root}.properties[{name}]", f"{path}.properties[{name}]"
        member = (whole.get("properties") or {}).get(name)
        if member is None:
            yield field_required(place, f"because it is defined in {there}")
        else:
            yield from _missing(member, sub, there, place)
    yield from _incomplete(whole, nested, path, root)


def default_findings(schema: Schema, path: str) -> _Findings:
    """Yield the defaults that are not values of their own schemas."""
    default = schema.get("default")
    if default is not None:
        yield from _bad_default(schema, default, f"{path}.default")
    for sub, below in subschemas(schema, path):
        yield from default_findings(sub, below)


def _bad_default(schema: Schema, default: Any, path: str) -> _Findings:
    found: list[FieldError] = []
    check = checker(schema)
    if check is not None:
        check(default, MISSING, "", found)
    for finding in found:
        yield finding._replace(field=f"{path}.{finding.field}" if finding.field else path)
    if next(unknown_members(schema, default), None) is not None:
        yield field_invalid(path, default, "must not have unknown fields")
