"""Small kinds for the tests of field ownership, and shorthands."""

from kapi.meta.apply.managed import apply, track_update
from kapi.meta.schema.types import Field, List, Map, Scalar, Struct

STRING = Scalar("string", "string")
INT = Scalar("int32", "int32")
ANY = Scalar("any", "interface {}")
STRINGS = Map(STRING, "map[string]string")


def struct(name, *fields, atomic=False, preserve_unknown=False):
    return Struct(
        name,
        f"v1.{name}",
        lambda: {field.name: field for field in fields},
        atomic=atomic,
        preserve_unknown=preserve_unknown,
    )


def field(name, type_=STRING, **facts):
    return Field(name, type_, **facts)


OWNER = struct("OwnerReference", field("uid"), field("name"), atomic=True)
META = struct(
    "ObjectMeta",
    field("name"),
    field("namespace"),
    field("uid"),
    field("resourceVersion"),
    field("generation", INT),
    field("creationTimestamp", Scalar("time", "v1.Time")),
    field("labels", STRINGS),
    field("annotations", STRINGS),
    field("finalizers", List(STRING, "[]string", "set")),
    field("ownerReferences", List(OWNER, "[]OwnerReference", "map", ("uid",))),
)
TYPE_META = (field("apiVersion"), field("kind"), field("metadata", META, emit_zero=True, zero={}))

CONFIG = struct("ConfigMap", *TYPE_META, field("data", STRINGS), field("immutable", Scalar("boolean", "bool")))

PORT = struct(
    "Port",
    field("port", INT, emit_zero=True, zero=0),
    field("protocol", default="TCP"),
    field("name"),
)
CONTAINER = struct(
    "Container",
    field("name", emit_zero=True, zero=""),
    field("image"),
    field("args", List(STRING, "[]string")),
    field("ports", List(PORT, "[]Port", "map", ("port", "protocol"))),
    field("resources", struct("Resources", field("limits", STRINGS)), emit_zero=True, zero={}),
)
ATOMIC = struct("Selector", field("app"), atomic=True)
SPEC = struct(
    "Spec",
    field("replicas", INT),
    field("selector", ATOMIC, emit_zero=True, zero=None),
    field("containers", List(CONTAINER, "[]Container", "map", ("name",)), emit_zero=True, zero=None),
    field("free", ANY),
    field("nodeSelector", Map(STRING, "map[string]string", atomic=True)),
    field("strategy", struct("Strategy", field("type"), field("tree", Map(STRINGS, "map")))),
    field("open", struct("Open", field("known"), preserve_unknown=True)),
)
STATUS = struct("Status", field("replicas", INT), field("phase"))
WORKLOAD = struct(
    "Workload",
    *TYPE_META,
    field("spec", SPEC, emit_zero=True, zero={}),
    field("status", STATUS, emit_zero=True, zero={}),
)

STATUS_ONLY = {"f:status": {}}
LATER = "2026-01-01T00:00:01Z"
NOW = "2026-01-01T00:00:00Z"


def config(data=None, **metadata):
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", **metadata}}
    return obj if data is None else {**obj, "data": data}


def workload(**members):
    return {"apiVersion": "v1", "kind": "Workload", "metadata": {"name": "w"}, **members}


def tracked(live, new, manager="m", *, kind=CONFIG, now=NOW, **options):
    """Return ``new`` as it is after the write, with the owners of ``live`` unless it brings its own."""
    new = {**new, "metadata": {**new["metadata"]}}
    track_update(live, new, struct=kind, manager=manager, api_version="v1", now=now, **options)
    return new


def applied(live, wanted, manager="m", *, kind=CONFIG, force=False, now=NOW, **options):
    """Return the result of an apply, without the nulls that decoding would drop."""
    result = apply(live, wanted, struct=kind, manager=manager, force=force, api_version="v1", now=now, **options)
    return without_nulls(result)


def without_nulls(value):
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    return value


def entries(obj):
    return obj["metadata"].get("managedFields", [])


def owned(obj):
    """Return the field sets by manager."""
    return {entry["manager"]: entry["fieldsV1"] for entry in entries(obj)}
