"""Validation of values by a schema, in the words of kube-apiserver's (go-openapi's) validators.

:func:`checker` compiles a schema into a function. Values that an update leaves as they were are not looked at again, so
that objects survive a schema that became stricter (validation ratcheting, KEP-4008).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import re2

from kapi.meta.errors import FieldError, field_invalid, field_not_supported, field_required, field_too_long, show
from kapi.meta.schema.types import MISSING
from kapi_apigroups.apiextensions.structural.formats import FORMATS
from kapi_apigroups.apiextensions.structural.shape import INT_OR_STRING, LIST_KEYS, LIST_TYPE, Schema

Check = Callable[[Any, Any, str, list[FieldError]], None]
"""Takes a value, what it was before (MISSING: unknown), its path, and the list to which findings are added."""

NOWHERE = "<nil>"
"""The field of findings that upstream's validators do not place."""

_INT32, _INT64 = range(-(2**31), 2**31), range(-(2**63), 2**63)


def checker(schema: Schema) -> Check | None:
    """Return the check of values of a schema; None when everything passes."""
    parts = [
        part
        for part in (
            _type_check(schema),
            _combination_check(schema),
            _string_check(schema),
            _number_check(schema),
            _list_check(schema),
            _enum_check(schema),
            _object_check(schema),
        )
        if part is not None
    ]
    if not parts:
        return None

    def check(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if old is not MISSING and old == value:
            return
        for part in parts:
            part(value, old, path, found)

    return check


def json_type(value: Any) -> str:
    """Return the name of a value's JSON type, as messages show it."""
    if value is None:
        return "null"
    names = {bool: "boolean", str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return names[value.__class__]


def _unplaced(text: str) -> FieldError:
    return field_invalid(NOWHERE, "", text)


def _type_check(schema: Schema) -> Check | None:
    wanted = "integer,string" if schema.get(INT_OR_STRING) else schema.get("type", "")
    if not wanted:
        return None
    nullable, names = bool(schema.get("nullable")), wanted.split(",")

    def check(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        given = json_type(value)
        if given in names or (value is None and nullable):
            return
        if given == "integer" and "number" in names:
            return
        if given == "number" and "integer" in names and value.is_integer():
            return
        message = f"Invalid value: {show(given)}: {path} in body must be of type {wanted}: {show(given)}"
        found.append(FieldError("FieldValueTypeInvalid", path, message))

    return check


def _run(checks: Sequence[Check | None], value: Any, path: str) -> list[list[FieldError]]:
    """Return the findings of several checks."""
    results: list[list[FieldError]] = []
    for check in checks:
        found: list[FieldError] = []
        if check is not None:
            check(value, MISSING, path, found)
        results.append(found)
    return results


def _combination_check(schema: Schema) -> Check | None:
    any_of, one_of, all_of = ([checker(sub) for sub in schema.get(key) or ()] for key in ("anyOf", "oneOf", "allOf"))
    has_not = schema.get("not") is not None
    excluded = checker(schema["not"]) if has_not else None
    if not any_of and not one_of and not all_of and not has_not:
        return None

    def check(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if any_of:
            _check_any(_run(any_of, value, path), path, found)
        if one_of:
            _check_one(_run(one_of, value, path), path, found)
        if all_of:
            _check_all(_run(all_of, value, path), path, found)
        if has_not and not _run([excluded], value, path)[0]:
            found.append(_unplaced(f'"{path}" must not validate the schema (not)'))

    return check


def _fewest(results: list[list[FieldError]]) -> list[FieldError]:
    """Return the findings of the alternative that came closest."""
    return next(result for result in results if len(result) == min(map(len, results)))


def _check_any(results: list[list[FieldError]], path: str, found: list[FieldError]) -> None:
    if all(results):
        found.append(_unplaced(f'"{path}" must validate at least one schema (anyOf)'))
        found += _fewest(results)


def _check_one(results: list[list[FieldError]], path: str, found: list[FieldError]) -> None:
    valid = sum(not result for result in results)
    if valid == 1:
        return
    outcome = f"Found {valid} valid alternatives" if valid else "Found none valid"
    found.append(_unplaced(f'"{path}" must validate one and only one schema (oneOf). {outcome}'))
    if not valid:
        found += _fewest(results)


def _check_all(results: list[list[FieldError]], path: str, found: list[FieldError]) -> None:
    failed = [result for result in results if result]
    found += [finding for result in failed for finding in result]
    if failed:
        none = ". None validated" if len(failed) == len(results) else ""
        found.append(_unplaced(f'"{path}" must validate all the schemas (allOf){none}'))


def _string_check(schema: Schema) -> Check | None:
    longest, shortest, pattern = (schema.get(key) for key in ("maxLength", "minLength", "pattern"))
    fits = FORMATS.get(schema.get("format", ""))
    form = schema.get("format", "")
    if longest is None and shortest is None and not pattern and fits is None:
        return None
    search = compile_pattern(pattern).search if pattern else None

    def check(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if value.__class__ is not str:
            return
        if longest is not None and len(value) > longest:
            found.append(field_too_long(path, longest))
        elif shortest is not None and len(value) < shortest:
            detail = f"{path} in body should be at least {shortest} chars long"
            found.append(field_invalid(path, value, detail))
        elif search is not None and not search(value):
            found.append(field_invalid(path, value, f"{path} in body should match '{pattern}'"))
        if fits is not None and not fits(value):
            found.append(field_invalid(path, value, f"{path} in body must be of type {form}: {show(value)}"))

    return check


def compile_pattern(pattern: str) -> Any:
    """Return a pattern in RE2's syntax, which is Go's, compiled. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _number_check(schema: Schema) -> Check | None:
    kind, form = schema.get("type", ""), schema.get("format", "")
    factor, most, least = (schema.get(key) for key in ("multipleOf", "maximum", "minimum"))
    above, below = bool(schema.get("exclusiveMinimum")), bool(schema.get("exclusiveMaximum"))
    if kind != "integer" and form not in ("int32", "int64") and factor is None and most is None and least is None:
        return None
    allowed = _INT32 if form == "int32" else _INT64

    def check(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if value.__class__ is not int and value.__class__ is not float:
            return
        if kind == "integer" and not (float(value).is_integer() and int(value) in allowed):
            of = f"with format {form}" if form else "(default format)"
            found.append(_unplaced(f"Checked value must be of type integer {of} in {path}"))
        if factor is not None and not _is_multiple(value, factor):
            found.append(field_invalid(path, value, f"{path} in body should be a multiple of {_number(factor)}"))
        if most is not None and (value > most or (below and value == most)):
            bound = "less than" if below else "less than or equal to"
            found.append(field_invalid(path, value, f"{path} in body should be {bound} {_number(most)}"))
        if least is not None and (value < least or (above and value == least)):
            bound = "greater than" if above else "greater than or equal to"
            found.append(field_invalid(path, value, f"{path} in body should be {bound} {_number(least)}"))

    return check


def _is_multiple(value: float, factor: float) -> bool:
    if isinstance(value, int) and isinstance(factor, int):
        return factor != 0 and value % factor == 0
    return factor != 0 and math.isclose(value / factor, round(value / factor), rel_tol=0, abs_tol=1e-12)


def _number(value: float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _enum_check(schema: Schema) -> Check | None:
    allowed = schema.get("enum")
    if not allowed:
        return None
    keys = {show(each) for each in allowed}
    names = [each if isinstance(each, str) else show(each) for each in allowed]

    def check(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if value is not None and show(value) not in keys:
            found.append(field_not_supported(path, value, names))

    return check


def _list_check(schema: Schema) -> Check | None:
    items = schema.get("items")
    inner = checker(items) if items else None
    least, most = schema.get("minItems"), schema.get("maxItems")
    if inner is None and least is None and most is None:
        return None
    keys = tuple(schema.get(LIST_KEYS) or ()) if schema.get(LIST_TYPE) == "map" else ()
    defaults = {key: (items or {}).get("properties", {}).get(key, {}).get("default") for key in keys}

    def check(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if value.__class__ is not list:
            return
        if inner is not None:
            before = _by_keys(old, keys, defaults)
            for index, item in enumerate(value):
                inner(item, before.get(_identity(item, keys, defaults), MISSING), f"{path}[{index}]", found)
        if least is not None and len(value) < least:
            found.append(field_invalid(path, len(value), f"{path} in body should have at least {least} items"))
        if most is not None and len(value) > most:
            found.append(_too_many(path, len(value), most))

    return check


def _too_many(path: str, count: int, limit: int) -> FieldError:
    return FieldError("FieldValueTooMany", path, f"Too many: {count}: must have at most {limit} items")


def _identity(item: Any, keys: tuple[str, ...], defaults: dict[str, Any]) -> str:
    """Return what tells an item of a "map" list from others; "" for those of other lists."""
    if not keys or item.__class__ is not dict:
        return ""
    return show([item.get(key, defaults[key]) for key in keys])


def _by_keys(old: Any, keys: tuple[str, ...], defaults: dict[str, Any]) -> dict[str, Any]:
    """Return the items that a "map" list had; nothing for other lists, whose items cannot be told apart."""
    if not keys or old.__class__ is not list:
        return {}
    return {_identity(item, keys, defaults): item for item in old}


def _object_check(schema: Schema) -> Check | None:
    members = [(name, inner) for name, sub in (schema.get("properties") or {}).items() if (inner := checker(sub))]
    named = frozenset(schema.get("properties") or ())
    required = tuple(schema.get("required") or ())
    additional = schema.get("additionalProperties")
    others = checker(additional) if isinstance(additional, dict) else None
    least, most = schema.get("minProperties"), schema.get("maxProperties")
    if not members and not required and others is None and least is None and most is None:
        return None

    def check(value: Any, old: Any, path: str, found: list[FieldError]) -> None:
        if value.__class__ is not dict:
            return
        if least is not None and len(value) < least:
            found.append(field_invalid(path, len(value), f"{path} in body should have at least {least} properties"))
            return
        if most is not None and len(value) > most:
            found.append(_too_many(path, len(value), most))
            return
        before = old if old.__class__ is dict else {}
        prefix = f"{path}." if path else ""
        for name, inner in value.items() if others is not None else ():
            if name not in named and others is not None:
                others(inner, before.get(name, MISSING), prefix + name, found)
        for name, inner_check in members:
            if name in value:
                inner_check(value[name], before.get(name, MISSING), prefix + name, found)
        found.extend(field_required(prefix + name) for name in required if name not in value)

    return check
