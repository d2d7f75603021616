"""The schemas that OpenAPI documents need, taken from the definitions of the groups."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

Schema = dict[str, Any]

V3_PREFIX: Final = "#/components/schemas/"
V2_PREFIX: Final = "#/definitions/"

Describe = Callable[[str, str], str]
"""Takes the name of a definition and of a member ("" for the definition itself), returns its description or ""."""


class SchemaSource(Protocol):
    """Where schemas come from (:class:`kapi.meta.schema.tables.Definitions`)."""

    def openapi_schema(self, name: str, group_version: tuple[str, str] | None = None) -> Schema:
        """Return the OpenAPI v3 schema of a definition; raises KeyError for an unknown name."""


def closure(
    roots: Iterable[str], source: SchemaSource, group_version: tuple[str, str] | None = None
) -> dict[str, Schema]:
    """Return the schemas of ``roots`` and of all that they refer to, by name; unknown ones are free-form objects."""
    found: dict[str, Schema] = {}
    waiting = [name for name in roots if name]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            schema = source.openapi_schema(name, group_version)
        except KeyError:
            schema = {"type": "object"}
        found[name] = schema
        waiting += references(schema)
    return dict(sorted(found.items()))


def references(schema: Any) -> Iterator[str]:
    """Return the names of the definitions that a schema refers to."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                yield value.removeprefix(V3_PREFIX)
            else:
                yield from references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from references(item)


def described(schemas: Mapping[str, Schema], describe: Describe) -> dict[str, Schema]:
    """Return schemas with the descriptions that ``describe`` knows."""
    return {name: _described(name, schema, describe) for name, schema in schemas.items()}


def _described(name: str, schema: Schema, describe: Describe) -> Schema:
    text = describe(name, "")
    out = {"description": text, **schema} if text else dict(schema)
    if "properties" in schema:
        out["properties"] = {
            member: _with_text(value, found) if (found := describe(name, member)) else value
            for member, value in schema["properties"].items()
        }
    return out


def _with_text(schema: Schema, text: str) -> Schema:
    """Return a schema with a description; a reference has nothing beside it, so it is wrapped (as in the reference)."""
    if "$ref" in schema:
        return {"description": text, "allOf": [schema]}
    return {"description": text, **schema}


def to_v2(schema: Any) -> Any:
    """Return an OpenAPI v3 schema in the words of version 2: no defaults, plain references, no alternatives."""
    if isinstance(schema, list):
        return [to_v2(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {**_kept(schema), "$ref": V2_PREFIX + schema["$ref"].removeprefix(V3_PREFIX)}
    if len(schema.get("allOf", ())) == 1:
        return {**_kept(schema), **to_v2(schema["allOf"][0])}
    out = {
        key: _member_to_v2(key, value) for key, value in schema.items() if key not in ("default", "oneOf", "nullable")
    }
    if "oneOf" in schema:
        out["type"] = "string"
    return out


_VALIDATIONS: Final = ("anyOf", "oneOf", "not", "default")
_FORM: Final = ("items", "properties", "additionalProperties")


def loosened(schema: Any) -> Any:
    """Return the schema of a custom resource without what version 2, or old clients that check by it, would get wrong.

    As kube-apiserver publishes it: without alternatives, and without form where null or unknown members are allowed.
    """
    if isinstance(schema, list):
        return [loosened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    refers = [each for each in schema.get("allOf", ()) if "$ref" in each]
    dropped = {*_VALIDATIONS, *(() if refers else ("allOf",))}
    if schema.get("nullable"):
        dropped |= {"type", *_FORM}
    elif schema.get("x-kubernetes-preserve-unknown-fields"):
        dropped |= set(_FORM)
    return {key: _loosened_member(key, value) for key, value in schema.items() if key not in dropped}


def _loosened_member(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: loosened(member) for name, member in value.items()}
    return loosened(value) if key in ("items", "additionalProperties") else value


def _kept(schema: Schema) -> Schema:
    return {"description": schema["description"]} if "description" in schema else {}


def _member_to_v2(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: to_v2(member) for name, member in value.items()}
    return to_v2(value) if key in ("items", "additionalProperties", "allOf") else value
