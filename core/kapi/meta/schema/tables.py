"""Definitions: the types that a compact table (see :mod:`kapi.meta.schema.compact`) describes.

``metav1_definitions()`` holds ``ObjectMeta`` and the other definitions that all groups share; the table of a group
is read on top of it. Types are built when they are first asked for.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import orjson

from kapi.meta.schema.compact import JSON, REF_PREFIX, Compactor, expand_entry, usual_presence
from kapi.meta.schema.types import MISSING, Field, List, Map, Scalar, ScalarKind, Struct, Type, Variant

METAV1 = "io.k8s.apimachinery.pkg.apis.meta.v1."

Zeros = Literal["go", "explicit"]

_SCALARS: dict[str, tuple[ScalarKind, str]] = {
    "s": ("string", "string"),
    "y": ("bytes", "[]uint8"),
    "b": ("boolean", "bool"),
    "i": ("int32", "int32"),
    "l": ("int64", "int64"),
    "I": ("int64", "int64"),
    "n": ("number", "float64"),
    "N": ("number", "float64"),
    "o": ("any", "runtime.RawExtension"),
    "?": ("any", "runtime.RawExtension"),
}
_GO_ZEROS: dict[str, Any] = {
    "string": "",
    "bytes": "",
    "int32": 0,
    "int64": 0,
    "number": 0,
    "boolean": False,
    "quantity": "0",
    "milli-quantity": "0",
    "int-or-string": 0,
    "duration": "0s",
}


class Definitions:
    """Types by definition name.

    ``zeros`` "go" treats zero values as Go's encoder does for the reference's own types (see
    :func:`kapi.meta.schema.compact.usual_presence`); "explicit" keeps every zero value that a client sends and
    adds none.
    """

    def __init__(
        self,
        table: Mapping[str, Any],
        base: "Definitions | None" = None,
        zeros: Zeros = "go",
        published: Mapping[str, JSON] | None = None,
    ) -> None:
        """Take a table, the definitions that it builds on, and the schemas to publish where they say more."""
        self._names: list[str] = table["names"]
        self._entries: dict[str, JSON] = dict(zip(self._names, table["entries"], strict=False))
        self._base = base
        self._zeros = zeros
        self._published = published or {}
        self._types: dict[str, Type] = {}

    @classmethod
    def load(cls, data: bytes, base: "Definitions | None" = None) -> "Definitions":
        """Read a table in its JSON form."""
        return cls(orjson.loads(data), base)

    @classmethod
    def from_openapi(cls, document: Mapping[str, Any], base: "Definitions | None" = None) -> "Definitions":
        """Read the component schemas of an OpenAPI v3 document, for groups that are described by hand.

        Zero values stay as they are sent, and all defaults are real ones. References to the shared definitions
        (``ObjectMeta``) resolve without being in the document. The schemas are published as they are, with their
        descriptions.
        """
        schemas = document.get("components", {}).get("schemas", {})
        return cls(Compactor().compact(schemas), base or metav1_definitions(), "explicit", schemas)

    def names(self) -> list[str]:
        """Return the names of all definitions, those of the base first."""
        own = [name for name in self._names if name in self._entries]
        return own if self._base is None else self._base.names() + own

    def struct(self, name: str) -> Struct:
        """Return a definition that has members; raises KeyError when there is none of the name."""
        found = self.type(name)
        if not isinstance(found, Struct):
            raise KeyError(name)
        return found

    def type(self, name: str) -> Type:
        """Return the type of a definition; raises KeyError when there is none of the name."""
        found = self._types.get(name)
        if found is None:
            entry = self._entries.get(name)
            if entry is None:
                if self._base is None:
                    raise KeyError(name)
                return self._base.type(name)
            found = self._types[name] = self._definition(name, entry)
        return found

    def kinds(self, name: str) -> list[tuple[str, str, str]]:
        """Return the group, version, kind triples of a definition."""
        entry = self._entries.get(name)
        if entry is None:
            return self._base.kinds(name) if self._base else []
        return [(group, version, kind) for group, version, kind in entry.get("k", ())]

    def openapi_schema(self, name: str, group_version: tuple[str, str] | None = None) -> JSON:
        """Return the OpenAPI v3 schema of a definition; those of compact tables have no descriptions.

        Some definitions (``DeleteOptions``) belong to kinds of every group: with ``group_version`` only those of the
        core group and of that one are listed, as in the document of a group. Raises KeyError for an unknown name.
        """
        if name in self._published:
            return self._published[name]
        entry = self._entries.get(name)
        if entry is None:
            if self._base is None:
                raise KeyError(name)
            return self._base.openapi_schema(name, group_version)
        kinds = entry.get("k", [])
        if group_version is not None and len(kinds) > 1:
            kinds = [triple for triple in kinds if not triple[0] or (triple[0], triple[1]) == group_version]
        return expand_entry(entry, self._names, kinds)

    def _definition(self, name: str, entry: JSON) -> Type:
        go_type = ".".join(name.split(".")[-2:])
        if "m" in entry:
            return self._struct(name, go_type, entry)
        kind = entry["s"]
        if kind == "struct":
            return Struct(name, go_type, dict)
        if kind.startswith("schema-or-"):
            return self._variant(name, go_type, kind)
        return Scalar(kind, go_type)

    def _struct(self, name: str, go_type: str, entry: JSON) -> Struct:
        def resolve() -> Mapping[str, Field]:
            required = frozenset(entry.get("r", ()))
            return {member: self._field(member, spec, member in required) for member, spec in entry["m"].items()}

        preserve = bool(entry.get("x", {}).get("x-kubernetes-preserve-unknown-fields"))
        return Struct(
            name,
            go_type,
            resolve,
            atomic=entry.get("a") == "atomic",
            preserve_unknown=preserve,
            schema_checks=self._zeros == "explicit",
        )

    def _variant(self, name: str, go_type: str, kind: str) -> Variant:
        schema = self.type(name.rpartition("Or")[0])
        if kind == "schema-or-list":
            return Variant(go_type, schema, List(schema, "[]" + schema.go_type))
        if kind == "schema-or-strings":
            return Variant(go_type, schema, List(Scalar("string", "string"), "[]string"))
        return Variant(go_type, schema, boolean=True)

    def _field(self, name: str, spec: str | list[Any], required: bool) -> Field:
        code, facts = (spec, {}) if isinstance(spec, str) else spec
        type_ = self._member_type(code, facts, facts.get("g", ""))
        presence = "*" if self._zeros == "explicit" else facts.get("p")
        if presence is None:
            presence = usual_presence(code, facts, required)
        default = facts.get("d", MISSING)
        return Field(
            name,
            type_,
            required=required,
            # Where Go writes zero values always, or never, a default that is one changes nothing.
            default=default if default or "*" in presence else MISSING,
            keep_zero=presence.startswith("*"),
            emit_zero=presence in ("z", "n", "*n"),
            zero=zero_value(type_) if presence == "z" else None,
            patch_strategies=tuple(facts.get("s", "").split(",")) if "s" in facts else (),
            merge_key=facts.get("m", ""),
        )

    def _member_type(self, code: str, facts: JSON, go_type: str) -> Type:
        head = code[0]
        if head in "@$":
            return self._reference(self.type(self._names[int(code[1:])]), facts)
        if head == "[":
            item_go_type = go_type[2:] if go_type.startswith("[]") else ""
            items = self._member_type(code[1:], facts.get("i", {}), item_go_type)
            list_type = facts.get("t", "atomic")
            return List(items, go_type or "[]" + items.go_type, list_type, tuple(facts.get("k", ())))
        if head == "{":
            value_go_type = go_type.partition("]")[2] if go_type.startswith("map[") else ""
            values = self._member_type(code[1:], facts.get("i", {}), value_go_type)
            return Map(values, go_type or "map[string]" + values.go_type, facts.get("a") == "atomic")
        return self._scalar(code, facts, go_type)

    def _scalar(self, code: str, facts: JSON, go_type: str) -> Scalar:
        kind, usual_go_type = _SCALARS[code]
        if kind == "string" and "format" in facts:
            kind = cast(
                "ScalarKind", {"date-time": "time", "int-or-string": "int-or-string"}.get(facts["format"], kind)
            )
        if facts.get("x-kubernetes-int-or-string"):
            kind = "int-or-string"
        return Scalar(kind, go_type or usual_go_type, tuple(facts.get("e", ())))

    def _reference(self, target: Type, facts: JSON) -> Type:
        if facts.get("q") == "milli":
            return Scalar("milli-quantity", target.go_type)
        if facts.get("a") != "atomic" or not isinstance(target, Struct) or target.atomic:
            return target
        return Struct(
            target.name,
            target.go_type,
            lambda: target.fields,
            atomic=True,
            preserve_unknown=target.preserve_unknown,
            schema_checks=target.schema_checks,
        )


def zero_value(type_: Type) -> Any:
    """Return what Go writes for the zero value of a type; a new object for structs."""
    if isinstance(type_, Struct):
        return {
            name: field.zero if field.zero is None else zero_value(field.type)
            for name, field in type_.fields.items()
            if field.emit_zero
        }
    return _GO_ZEROS.get(type_.kind) if isinstance(type_, Scalar) else None


@functools.cache
def metav1_definitions() -> Definitions:
    """Return the definitions that all groups share: ``ObjectMeta``, ``LabelSelector``, ``DeleteOptions`` and others."""
    return Definitions.load(Path(__file__).with_name("metav1.json").read_bytes())


def object_meta() -> Struct:
    """Return the type of ``metadata``."""
    return metav1_definitions().struct(METAV1 + "ObjectMeta")


__all__ = ["METAV1", "REF_PREFIX", "Definitions", "metav1_definitions", "object_meta", "zero_value"]
