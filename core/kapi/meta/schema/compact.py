"""The compact table: facts of OpenAPI v3 definitions in a form that is small and fast to load.

A table is a JSON object with two lists, ``names`` and ``entries``. ``entries[i]`` describes the definition
``names[i]``; names beyond the entries belong to definitions of another table (the *base*, which holds
``ObjectMeta`` and its like). An entry has these members, all optional:

- ``m``: the members, by name, in the document's order; each is a *code* or a list of a code and its *facts*;
- ``r``: names of the required members; ``k``: group, version, kind triples; ``a``: ``x-kubernetes-map-type``;
- ``x``: further attributes of the schema, as they are;
- ``leaf``: the whole schema of a definition without members, and ``s``: what it is in JSON.

A code says the JSON type: ``s`` string, ``y`` base64 string, ``b`` boolean, ``i`` and ``l`` integers of 32 and 64
bits, ``I`` one without format, ``n`` double, ``N`` number, ``o`` free object, ``@N`` and ``$N`` the definition with
number N (``@``: inside an ``allOf``, as OpenAPI wants it where the reference has siblings), ``[C`` a list of C,
``{C`` a map to C, ``?`` a schema that fits none (fact ``schema``). Facts: ``d`` default, ``e`` enumeration, ``t`` list
type, ``k`` list map keys, ``s`` patch strategy, ``m`` patch merge key, ``a`` map type, ``i`` facts about the items or
values, ``p`` presence and ``g`` Go type where they are not the usual ones, ``q`` "milli" for quantities in whole
thousandths; anything else stands under its own name.

Presence says which zero values are on the wire: ``""`` none; ``*`` explicit ones; ``z`` always; ``n`` as null,
always; ``*n`` null when absent, explicit ones as they are.
"""

from collections.abc import Iterable, Mapping
from typing import Any

JSON = dict[str, Any]

REF_PREFIX = "#/components/schemas/"

FACT_KEYS = {
    "default": "d",
    "enum": "e",
    "x-kubernetes-list-type": "t",
    "x-kubernetes-list-map-keys": "k",
    "x-kubernetes-patch-strategy": "s",
    "x-kubernetes-patch-merge-key": "m",
    "x-kubernetes-map-type": "a",
}
FACT_NAMES = {short: name for name, short in FACT_KEYS.items()}

SCALAR_CODES = {
    ("string", None): "s",
    ("string", "byte"): "y",
    ("boolean", None): "b",
    ("integer", "int32"): "i",
    ("integer", "int64"): "l",
    ("integer", None): "I",
    ("number", "double"): "n",
    ("number", None): "N",
    ("object", None): "o",
}
SCALAR_SCHEMAS: dict[str, JSON] = {
    code: {"type": name, **({"format": form} if form else {})} for (name, form), code in SCALAR_CODES.items()
}

_GVK = "x-kubernetes-group-version-kind"
_NOT_OPENAPI = ("i", "p", "g", "q")
_STRUCTURE = frozenset({"type", "format", "$ref", "allOf", "items", "additionalProperties", "description"})
_ENTRY_STRUCTURE = frozenset({"type", "properties", "required", "description", _GVK, "x-kubernetes-map-type"})


def usual_presence(code: str, facts: Mapping[str, Any], required: bool) -> str:
    """Return the presence that a member has unless its facts say otherwise."""
    default = facts.get("d")
    if default is not None and not default:
        return "z"
    if code[0] in "@$":
        return "*"
    return "n" if required and code[0] in "[{" else ""


def without_descriptions(schema: Any) -> Any:
    """Return a copy of an OpenAPI schema without its description texts."""
    if isinstance(schema, dict):
        return {k: without_descriptions(v) for k, v in schema.items() if k != "description" or not isinstance(v, str)}
    if isinstance(schema, list):
        return [without_descriptions(v) for v in schema]
    return schema


class Compactor:
    """Turns OpenAPI definitions into a table.

    ``facts`` gives extra facts by definition and member (``{"core.Pod": {"spec": {"p": "*"}}}``), ``leaves`` the JSON
    form of definitions without members. Objects with members inside other definitions become definitions
    of their own.
    """

    def __init__(
        self,
        facts: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
        leaves: Mapping[str, str] | None = None,
    ) -> None:
        """Take what the documents do not say."""
        self._facts = facts or {}
        self._leaves = leaves or {}
        self._numbers: dict[str, int] = {}
        self._inner: list[tuple[str, JSON]] = []

    def compact(self, definitions: Mapping[str, JSON]) -> JSON:
        """Return the table of ``definitions``; names that they refer to but do not hold come last."""
        self._numbers = {name: number for number, name in enumerate(definitions)}
        entries = {name: self._entry(name, without_descriptions(schema)) for name, schema in definitions.items()}
        while self._inner:
            name, schema = self._inner.pop()
            entries[name] = self._entry(name, schema)
        known = [name for name in self._numbers if name in entries]
        outside = [name for name in self._numbers if name not in entries]
        return _renumbered(list(self._numbers), known + outside, entries)

    def _entry(self, name: str, schema: JSON) -> JSON:
        leaf = self._leaves.get(name)
        if leaf is not None or not _is_struct(schema):
            return {"leaf": schema, "s": leaf or _leaf_kind(schema)}
        required = schema.get("required", [])
        entry: JSON = {
            "m": {
                member: self._member(name, member, inner, member in required)
                for member, inner in schema.get("properties", {}).items()
            }
        }
        entry |= {
            "r": required,
            "k": [[gvk["group"], gvk["version"], gvk["kind"]] for gvk in schema.get(_GVK, ())],
            "a": schema.get("x-kubernetes-map-type"),
            "x": {key: value for key, value in schema.items() if key not in _ENTRY_STRUCTURE},
        }
        return {key: value for key, value in entry.items() if value or key == "m"}

    def _member(self, owner: str, member: str, schema: JSON, required: bool) -> str | list[Any]:
        code, facts = self._code(f"{owner}.{member}", schema)
        extra = dict(self._facts.get(owner, {}).get(member, {}))
        if extra.get("p") == usual_presence(code, facts, required):
            del extra["p"]
        inner = {**facts.get("i", {}), **extra.pop("i", {})}
        facts |= extra | ({"i": inner} if inner else {})
        return [code, facts] if facts else code

    def _code(self, path: str, schema: JSON) -> tuple[str, JSON]:
        facts = {FACT_KEYS.get(key, key): value for key, value in schema.items() if key not in _STRUCTURE}
        if "$ref" in schema:
            return f"${self._number(schema['$ref'])}", facts
        if len(schema.get("allOf", ())) == 1 and "$ref" in schema["allOf"][0]:
            return f"@{self._number(schema['allOf'][0]['$ref'])}", facts
        inner = _inner_schema(schema)
        if inner is not None:
            code, inner_facts = self._code(path, inner)
            if inner_facts:
                facts["i"] = inner_facts
            return ("[" if schema["type"] == "array" else "{") + code, facts
        if schema.get("properties"):
            self._inner.append((path, schema))
            return f"${self._number(REF_PREFIX + path)}", {}
        return _scalar_code(schema, facts)

    def _number(self, ref: str) -> int:
        return self._numbers.setdefault(ref.removeprefix(REF_PREFIX), len(self._numbers))


def _scalar_code(schema: JSON, facts: JSON) -> tuple[str, JSON]:
    kind, form = schema.get("type", ""), schema.get("format")
    if "items" in schema or "additionalProperties" in schema:
        return "?", {**facts, "schema": schema}
    code = SCALAR_CODES.get((kind, form))
    if code:
        return code, facts
    plain = SCALAR_CODES.get((kind, None))
    return (plain, facts | {"format": form}) if plain else ("?", {**facts, "schema": schema})


def _is_struct(schema: JSON) -> bool:
    return "properties" in schema


def _inner_schema(schema: JSON) -> JSON | None:
    inner = schema.get({"array": "items", "object": "additionalProperties"}.get(schema.get("type", ""), ""))
    return inner if isinstance(inner, dict) and inner else None


def _leaf_kind(schema: JSON) -> str:
    kinds = {"string": "string", "boolean": "boolean", "number": "number", "integer": "int64"}
    return kinds.get(schema.get("type", ""), "any")


def _renumbered(old: list[str], new: list[str], entries: Mapping[str, JSON]) -> JSON:
    if old == new:
        return {"names": new, "entries": [entries[name] for name in new if name in entries]}
    places = {name: number for number, name in enumerate(new)}
    for entry in entries.values():
        members = entry.get("m", {})
        for member, spec in members.items():
            members[member] = _with_number(spec, old, places)
    return {"names": new, "entries": [entries[name] for name in new if name in entries]}


def _with_number(spec: str | list[Any], old: list[str], places: Mapping[str, int]) -> str | list[Any]:
    if isinstance(spec, list):
        return [_with_number(spec[0], old, places), spec[1]]
    shape = spec.rstrip("0123456789")
    return f"{shape}{places[old[int(spec[len(shape) :])]]}" if shape != spec else spec


def expand_entry(entry: JSON, names: list[str], kinds: Iterable[list[str]] | None = None) -> JSON:
    """Return the OpenAPI v3 schema that an entry stands for; ``kinds`` replaces its group, version, kind triples."""
    if "leaf" in entry:
        return dict(entry["leaf"])
    schema: JSON = {"type": "object"}
    if "r" in entry:
        schema["required"] = list(entry["r"])
    schema["properties"] = {member: expand_member(spec, names) for member, spec in entry["m"].items()}
    triples = entry.get("k", ()) if kinds is None else kinds
    if triples:
        schema[_GVK] = [{"group": group, "kind": kind, "version": version} for group, version, kind in triples]
    if "a" in entry:
        schema["x-kubernetes-map-type"] = entry["a"]
    schema |= entry.get("x", {})
    return schema


def expand_member(spec: str | list[Any], names: list[str]) -> JSON:
    """Return the OpenAPI v3 schema of a member."""
    code, facts = (spec, {}) if isinstance(spec, str) else spec
    return _expand(code, facts, names)


def _expand(code: str, facts: JSON, names: list[str]) -> JSON:
    if code == "?":
        return dict(facts["schema"])
    extra = {FACT_NAMES.get(key, key): value for key, value in facts.items() if key not in _NOT_OPENAPI}
    head = code[0]
    if head == "@":
        return extra | {"allOf": [{"$ref": REF_PREFIX + names[int(code[1:])]}]}
    if head == "$":
        return {"$ref": REF_PREFIX + names[int(code[1:])]} | extra
    if head in "[{":
        inner = _expand(code[1:], facts.get("i", {}), names)
        shape = {"type": "array", "items": inner} if head == "[" else {"type": "object", "additionalProperties": inner}
        return shape | extra
    return SCALAR_SCHEMAS[code] | extra
