"""OpenAPI 3.0 documents: one per version of a group, and the small ones about discovery."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from kapi.endpoints.openapi_operations import Operation, Path, parameter_facts
from kapi.endpoints.openapi_schemas import V3_PREFIX, Describe, Schema, SchemaSource, closure, described

Document = dict[str, Any]

INFO: Final = {"title": "Kubernetes", "version": "1.36"}
CUSTOM_INFO: Final = {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"}
_SECURITY: Final = {
    "BearerToken": {
        "type": "apiKey",
        "description": "Bearer Token authentication",
        "name": "authorization",
        "in": "header",
    }
}
CODES: Final = {"200": "OK", "201": "Created", "202": "Accepted", "401": "Unauthorized"}


def definition_names(paths: Iterable[Path]) -> set[str]:
    """Return the definitions that operations name."""
    return {name for path in paths for operation in path.operations for name in (operation.body, operation.result)}


def build_document(
    paths: Sequence[Path],
    source: SchemaSource,
    group_version: tuple[str, str] | None = None,
    *,
    custom: bool = False,
    describe: Describe | None = None,
) -> Document:
    """Return the document that describes some paths and all schemas that they need."""
    schemas = closure(definition_names(paths), source, group_version)
    return {
        "openapi": "3.0.0",
        "info": CUSTOM_INFO if custom else INFO,
        "paths": {path.path: _path_item(path) for path in paths},
        "components": {
            "schemas": described(schemas, describe) if describe else schemas,
            "securitySchemes": _SECURITY,
        },
    }


def shared_parameters(path: Path) -> tuple[str, ...]:
    """Return the query parameters that all operations of a path have: they are listed with the path."""
    first, *others = (operation.parameters for operation in path.operations)
    return tuple(name for name in first if all(name in other for other in others))


def _path_item(path: Path) -> Document:
    shared = shared_parameters(path)
    item: Document = {operation.method: _operation(operation, path.tag, shared) for operation in path.operations}
    common = [_segment(name, description) for name, description in path.segments]
    common += [_parameter(name) for name in shared]
    if common:
        item["parameters"] = sorted(common, key=lambda parameter: str(parameter["name"]))
    return item


def _segment(name: str, description: str) -> Document:
    schema = {"type": "string", "uniqueItems": True}
    return {"name": name, "in": "path", "description": description, "required": True, "schema": schema}


def _parameter(key: str) -> Document:
    kind, description = parameter_facts()[key]
    return {
        "name": key.partition(".")[0],
        "in": "query",
        "description": description,
        "schema": {"type": kind, "uniqueItems": True},
    }


def _operation(operation: Operation, tag: str, shared: tuple[str, ...]) -> Document:
    out: Document = {"tags": [tag], "description": operation.description, "operationId": operation.id}
    own = [_parameter(name) for name in operation.parameters if name not in shared]
    if own:
        out["parameters"] = own
    if operation.body:
        body: Document = {"content": _content(operation.consumes, _schema(operation.body))}
        if operation.body_required:
            body["required"] = True
        out["requestBody"] = body
    out["responses"] = _responses(operation)
    if operation.action:
        out["x-kubernetes-action"] = operation.action
    if operation.kind is not None:
        out["x-kubernetes-group-version-kind"] = operation.kind._asdict()
    return out


def _responses(operation: Operation) -> Document:
    content = _content(operation.produces, _schema(operation.result))
    out: Document = {code: {"description": CODES[code], "content": content} for code in operation.codes}
    out["401"] = {"description": CODES["401"]}
    return out


def _content(media_types: Iterable[str], schema: Schema) -> Document:
    return {media_type: {"schema": schema} for media_type in sorted(media_types)}


def _schema(name: str) -> Schema:
    return {"$ref": V3_PREFIX + name} if name else {"type": "string"}
