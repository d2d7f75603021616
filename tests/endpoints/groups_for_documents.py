"""A small API group for tests of discovery and OpenAPI."""

from kapi.contracts.resources import APIGroup, APIVersion, Resource, Strategy, Subresource
from kapi.meta.gvk import GroupVersion, GroupVersionKind
from kapi.meta.schema.tables import Definitions

DEFINITION = "com.example.v1.Widget"
SCALE = GroupVersionKind("autoscaling", "v1", "Scale")
ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
META = {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
STRING = {"type": "string"}


def definitions():
    widget = {"type": "object", "properties": {"apiVersion": STRING, "kind": STRING, "metadata": META, "size": STRING}}
    return Definitions.from_openapi({"components": {"schemas": {DEFINITION: widget}}})


def widgets(group, *, version="v1", namespaced=True, custom=False, strategy=None):
    gv = GroupVersion(group, version)
    kind = gv.with_kind("Widget")
    types = definitions()
    return Resource(
        gvr=gv.with_resource("widgets"),
        kind=kind,
        singular="widget",
        namespaced=namespaced,
        verbs=ALL_VERBS,
        schema=lambda: types.struct(DEFINITION),
        strategy=strategy or Strategy(),
        short_names=("wd",),
        categories=("all",),
        subresources=(
            Subresource("status", kind, ("get", "patch", "update"), strategy=Strategy()),
            Subresource("scale", SCALE, ("get", "patch", "update")),
            Subresource("proxy", gv.with_kind("WidgetProxyOptions"), ("create", "delete", "get", "patch", "update")),
        ),
        storage_prefix="widgets",
        custom=custom,
    )


def group(name="example.com", *, priority=1000, versions=("v1",), **options):
    return APIGroup(
        name,
        tuple(APIVersion(version, (widgets(name, version=version, **options),)) for version in versions),
        priority=priority,
        definitions=definitions,
    )
