"""The OpenAPI 2.0 (Swagger) document of all groups together."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import orjson

from kapi.endpoints.negotiation import JSON
from kapi.endpoints.openapi_operations import Operation, Path, parameter_facts
from kapi.endpoints.openapi_schemas import V2_PREFIX, Schema, to_v2
from kapi.endpoints.openapi_v3 import CODES, INFO, shared_parameters

Document = dict[str, Any]

_INLINE: Final = ("dryRun", "fieldValidation", "name")
"""Parameters that are written out wherever they occur, as the reference does."""
_VERSION_DEFINITION: Final = "io.k8s.apimachinery.pkg.version.Info"
_VERSION_MEMBERS: Final = (
    "buildDate",
    "compiler",
    "emulationMajor",
    "emulationMinor",
    "gitCommit",
    "gitTreeState",
    "gitVersion",
    "goVersion",
    "major",
    "minCompatibilityMajor",
    "minCompatibilityMinor",
    "minor",
    "platform",
)
_OPTIONAL_MEMBERS: Final = ("emulation", "minCompatibility")


def build_document(paths: Iterable[Path], schemas: Iterable[tuple[str, Schema]]) -> Document:
    """Return the document of all paths, with all schemas (OpenAPI v3) by name."""
    parameters = _Parameters()
    items = {path.path: _path_item(path, parameters) for path in paths}
    items["/version/"] = {"get": _version_operation()}
    definitions = {name: to_v2(schema) for name, schema in schemas}
    definitions[_VERSION_DEFINITION] = _version_schema()
    security = {
        "type": "apiKey",
        "description": "Bearer Token authentication",
        "name": "authorization",
        "in": "header",
    }
    return {
        "swagger": "2.0",
        "info": INFO,
        "paths": dict(sorted(items.items())),
        "definitions": dict(sorted(definitions.items())),
        "parameters": dict(sorted(parameters.shared.items())),
        "securityDefinitions": {"BearerToken": security},
        "security": [{"BearerToken": []}],
    }


class _Parameters:
    """Collects the parameters that operations refer to by name."""

    def __init__(self) -> None:
        self.shared: Document = {}
        self._queries: dict[str, Document] = {}
        self._segments: dict[tuple[str, str], Document] = {}

    def refer(self, parameter: Document) -> Document:
        """Return what stands for a parameter in a list: itself or a reference."""
        if parameter["name"] in _INLINE:
            return parameter
        name = f"{parameter['name']}-{_short_hash(orjson.dumps(parameter))}"
        self.shared[name] = parameter
        return {"$ref": f"#/parameters/{name}"}

    def query(self, key: str) -> Document:
        """Return what stands for a query parameter."""
        if key not in self._queries:
            self._queries[key] = self._query(key)
        return self._queries[key]

    def _query(self, key: str) -> Document:
        kind, description = parameter_facts()[key]
        name = key.partition(".")[0]
        return self.refer({"uniqueItems": True, "type": kind, "description": description, "name": name, "in": "query"})

    def segment(self, name: str, description: str) -> Document:
        """Return what stands for a parameter in the path."""
        if (name, description) not in self._segments:
            self._segments[name, description] = self._segment(name, description)
        return self._segments[name, description]

    def _segment(self, name: str, description: str) -> Document:
        return self.refer(
            {
                "uniqueItems": True,
                "type": "string",
                "description": description,
                "name": name,
                "in": "path",
                "required": True,
            }
        )

    def body(self, operation: Operation) -> Document:
        """Return what stands for the body of an operation; bodies of no kind of their own are shared."""
        out: Document = {"name": "body", "in": "body"}
        if operation.body_required:
            out["required"] = True
        out["schema"] = {"$ref": V2_PREFIX + operation.body}
        generic = operation.consumes != ("*/*",) or not operation.body_required
        if not generic:
            return out
        key = ("body", str(out["schema"]["$ref"]))
        if key not in self._segments:
            self._segments[key] = self.refer(out)
        return self._segments[key]


def _short_hash(data: bytes) -> str:
    """Return six bytes of FNV-1 (64 bit) in base64: how the reference names shared parameters."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF) ^ byte
    return base64.urlsafe_b64encode(value.to_bytes(8, "big")[:6]).decode()


def _path_item(path: Path, parameters: _Parameters) -> Document:
    shared = shared_parameters(path)
    item: Document = {
        operation.method: _operation(operation, path.tag, shared, parameters) for operation in path.operations
    }
    common = [(name, parameters.segment(name, description)) for name, description in path.segments]
    common += [(name, parameters.query(name)) for name in shared]
    if common:
        item["parameters"] = [parameter for _, parameter in sorted(common, key=lambda pair: pair[0])]
    return item


def _operation(operation: Operation, tag: str, shared: Sequence[str], parameters: _Parameters) -> Document:
    out: Document = {
        "description": operation.description,
        "consumes": list(operation.consumes),
        "produces": list(operation.produces),
        "schemes": ["https"],
        "tags": [tag],
        "operationId": operation.id,
    }
    own = list(_own_parameters(operation, shared, parameters))
    if own:
        out["parameters"] = own
    out["responses"] = _responses(operation)
    if operation.action:
        out["x-kubernetes-action"] = operation.action
    if operation.kind is not None:
        group, version, kind = operation.kind
        out["x-kubernetes-group-version-kind"] = {"group": group, "kind": kind, "version": version}
    return out


def _own_parameters(operation: Operation, shared: Sequence[str], parameters: _Parameters) -> Iterator[Document]:
    if operation.body:
        yield parameters.body(operation)
    for key in operation.parameters:
        if key not in shared:
            yield parameters.query(key)


def _responses(operation: Operation) -> Document:
    schema = {"$ref": V2_PREFIX + operation.result} if operation.result else {"type": "string"}
    out: Document = {code: {"description": CODES[code], "schema": schema} for code in operation.codes}
    out["401"] = {"description": CODES["401"]}
    return out


def _version_operation() -> Document:
    return {
        "description": "get the version information for this server",
        "consumes": [JSON],
        "produces": [JSON],
        "schemes": ["https"],
        "tags": ["version"],
        "operationId": "getCodeVersion",
        "responses": {
            "200": {"description": "OK", "schema": {"$ref": V2_PREFIX + _VERSION_DEFINITION}},
            "401": {"description": "Unauthorized"},
        },
    }


def _version_schema() -> Schema:
    return {
        "type": "object",
        "required": [name for name in _VERSION_MEMBERS if not name.startswith(_OPTIONAL_MEMBERS)],
        "properties": {name: {"type": "string"} for name in _VERSION_MEMBERS},
    }
