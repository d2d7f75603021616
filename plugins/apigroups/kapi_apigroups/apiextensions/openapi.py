"""Custom resources in OpenAPI documents."""

from collections.abc import Mapping
from typing import Any

from kapi.meta.gvk import GroupVersionKind
from kapi.meta.schema.tables import METAV1
from kapi_apigroups.apiextensions.structural.shape import EMBEDDED, Schema
from kapi_apigroups.facts import definitions

JSON = dict[str, Any]

_VALUES = ("default", "enum", "example")
_REF = "#/components/schemas/"
_API_VERSION = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized "
    "schemas to the latest internal value, and may reject unrecognized values. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources"
)
_KIND = (
    "Kind is a string value representing the REST resource this object represents. Servers may infer this from the "
    "endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"
)
_METADATA = (
    "Standard object's metadata. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)
_LIST_METADATA = (
    "Standard list metadata. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"
)


def definition_name(kind: GroupVersionKind) -> str:
    """Return the name of a kind's definition: ``com.example.v1.Widget``."""
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind])


class CustomDefinitions:
    """The schemas of the custom resources of a group, and those of built-in kinds that they refer to."""

    def __init__(self, schemas: Mapping[GroupVersionKind, Schema]) -> None:
        """Take the structural schemas by kind."""
        self._schemas: dict[str, JSON] = {}
        for kind, schema in schemas.items():
            name = definition_name(kind)
            self._schemas[name] = _published(schema, kind)
            self._schemas[f"{name}List"] = _list_of(name, kind)

    def openapi_schema(self, name: str, group_version: tuple[str, str] | None = None) -> JSON:
        """Return the OpenAPI v3 schema of a definition; raises KeyError for an unknown name."""
        found = self._schemas.get(name)
        return found if found is not None else definitions().openapi_schema(name, group_version)


def _named(kind: GroupVersionKind) -> JSON:
    return {"x-kubernetes-group-version-kind": [{"group": kind.group, "version": kind.version, "kind": kind.kind}]}


def _reference(name: str, description: str) -> JSON:
    return {"description": description, "allOf": [{"$ref": f"{_REF}{METAV1}{name}"}]}


def _type_members() -> JSON:
    return {
        "apiVersion": {"description": _API_VERSION, "type": "string"},
        "kind": {"description": _KIND, "type": "string"},
    }


def _published(schema: Schema, kind: GroupVersionKind) -> JSON:
    published = _with_embedded(schema)
    own = {name: sub for name, sub in published.get("properties", {}).items() if name != "metadata"}
    members = {**own, **_type_members(), "metadata": _reference("ObjectMeta", _METADATA)}
    return {**published, "properties": dict(sorted(members.items())), **_named(kind)}


def _with_embedded(schema: Any) -> Any:
    """Return a schema in which embedded objects have the members of every object."""
    if isinstance(schema, list):
        return [_with_embedded(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    out = {
        key: value if key in ("default", "enum", "example") else _with_embedded(value) for key, value in schema.items()
    }
    if schema.get(EMBEDDED) is True:
        members = {**_type_members(), "metadata": _reference("ObjectMeta", _METADATA)}
        out["properties"] = {**out.get("properties", {}), **members}
    return out


def _list_of(name: str, kind: GroupVersionKind) -> JSON:
    items = {
        "description": "List of items. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/"
        "api-conventions.md",
        "type": "array",
        "items": {"$ref": _REF + name},
    }
    return {
        "description": f"{kind.kind}List is a list of {kind.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {
            **_type_members(),
            "items": items,
            "metadata": _reference("ListMeta", _LIST_METADATA),
        },
        **_named(kind._replace(kind=f"{kind.kind}List")),
    }
