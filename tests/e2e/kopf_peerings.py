"""A kapi plugin that serves kopf's peerings, so that an operator can take part in peering without any CRD."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from kapi.contracts.plugins import BuildContext
from kapi.contracts.resources import APIGroup, APIVersion, Resource, Strategy
from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
from kapi.meta.schema.tables import Definitions
from kapi.meta.schema.types import Struct

GROUP, VERSION = "kopf.dev", "v1"
KIND = GroupVersionKind(GROUP, VERSION, "KopfPeering")
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
DEFINITION = "dev.kopf.v1.KopfPeering"
META = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1."


def schema_of(kind: str, metadata: str, **properties: Any) -> dict[str, Any]:
    """A kind as OpenAPI v3."""
    common = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    return {
        "type": "object",
        "x-kubernetes-group-version-kind": [{"group": GROUP, "version": VERSION, "kind": kind}],
        "properties": {**common, "metadata": {"allOf": [{"$ref": META + metadata}]}, **properties},
    }


SCHEMAS = {
    DEFINITION: schema_of(
        "KopfPeering", "ObjectMeta", status={"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    ),
    f"{DEFINITION}List": schema_of(
        "KopfPeeringList", "ListMeta", items={"type": "array", "items": {"$ref": f"#/components/schemas/{DEFINITION}"}}
    ),
}


@cache
def definitions() -> Definitions:
    return Definitions.from_openapi({"components": {"schemas": SCHEMAS}})


def schema() -> Struct:
    return definitions().struct(DEFINITION)


@hookimpl
def kapi_register_api_groups(context: BuildContext) -> Sequence[APIGroup]:
    peerings = Resource(
        GroupVersionResource(GROUP, VERSION, "kopfpeerings"), KIND, singular="kopfpeering", namespaced=True,
        verbs=VERBS, schema=schema, strategy=Strategy(), storage_prefix="kopf.dev/kopfpeerings",
    )  # fmt: skip
    return [APIGroup(GROUP, (APIVersion(VERSION, (peerings,)),), definitions=definitions)]
