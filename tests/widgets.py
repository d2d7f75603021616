"""A small API for the tests of the core: kinds that nobody else has, on a store in memory, served in process.

- ``widgets`` (namespaced): spec and status, a generation, a selectable field; served as v1 and, converted, as v2;
- ``gadgets`` (cluster-wide): a data map, deleted with grace.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from kapi.admission.chain import AdmissionChain, Member
from kapi.contracts.authn import UserInfo
from kapi.contracts.resources import (
    APIGroup,
    APIVersion,
    RequestContext,
    Resource,
    StatusStrategy,
    Strategy,
    Subresource,
)
from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.contracts.storage import StorageBackend
from kapi.endpoints.api import ResourceEndpoint
from kapi.endpoints.falcon_links import resource_link
from kapi.endpoints.state import request_state
from kapi.filters.panic import with_panic_recovery
from kapi.filters.request_info import with_request_info
from kapi.filters.warnings import with_warnings
from kapi.meta.errors import FieldError, field_invalid
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
from kapi.meta.schema.tables import METAV1, Definitions
from kapi.meta.schema.types import Struct
from kapi.registry.client import LocalClient
from kapi.registry.store import Store
from kapi.registry.table import ResourceTable, build_table
from kapi.server.chain import Director
from kapi.storage.feed import Feed
from kapi.testing.asgi import AsgiClient
from kapi_storage.memory import MemoryBackend

GROUP = "example.com"
PREFIX = "/registry/"
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
WIDGETS = GroupVersionResource(GROUP, "v1", "widgets")
WIDGETS_V2 = GroupVersionResource(GROUP, "v2", "widgets")
GADGETS = GroupVersionResource(GROUP, "v1", "gadgets")
WIDGET = GroupVersionKind(GROUP, "v1", "Widget")
USER = UserInfo("jane", groups=("system:authenticated",))
ROOT = f"/apis/{GROUP}/v1"
MERGE = {"content-type": "application/merge-patch+json"}


def _properties(**members: Any) -> dict[str, Any]:
    meta = {"allOf": [{"$ref": f"#/components/schemas/{METAV1}ObjectMeta"}]}
    return {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": meta, **members}


def _kind(**members: Any) -> dict[str, Any]:
    return {"type": "object", "properties": _properties(**members)}


def _spec(size: str) -> dict[str, Any]:
    number = {"type": "integer", "format": "int32"}
    return {"type": "object", "properties": {size: number, "color": {"type": "string", "default": "red"}}}


_STATUS = {"type": "object", "properties": {"phase": {"type": "string"}}}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_SCHEMAS = {
    "com.example.v1.Widget": _kind(spec=_spec("size"), status=_STATUS),
    "com.example.v2.Widget": _kind(spec=_spec("width"), status=_STATUS),
    "com.example.v1.Gadget": _kind(data=_TEXTS),
}


@cache
def _definitions() -> Definitions:
    return Definitions.from_openapi({"components": {"schemas": _SCHEMAS}})


class WidgetStrategy(Strategy):
    """Widgets are not larger than 1000; ``ledger`` notes what is allocated for whom."""

    generation = ("spec",)
    owns_status = True

    def __init__(self) -> None:
        self.ledger: list[str] = []

    def prepare_for_create(self, ctx: RequestContext, obj: dict[str, Any]) -> None:
        obj.pop("status", None)

    def prepare_for_update(self, ctx: RequestContext, obj: dict[str, Any], old: dict[str, Any]) -> None:
        obj.pop("status", None)
        if "status" in old:
            obj["status"] = old["status"]

    def validate(self, ctx: RequestContext, obj: dict[str, Any]) -> list[FieldError]:
        size = obj.get("spec", {}).get("size", 0)
        return [field_invalid("spec.size", size, "must be at most 1000")] if size > 1000 else []

    def warnings(self, ctx: RequestContext, obj: dict[str, Any], old: dict[str, Any] | None) -> list[str]:
        return ["that is large"] if obj.get("spec", {}).get("size", 0) > 500 else []

    async def before_create(self, ctx: RequestContext, obj: dict[str, Any]) -> None:
        self.ledger.append(f"take {obj['metadata']['name']}")

    async def after_create_failed(self, ctx: RequestContext, obj: dict[str, Any]) -> None:
        self.ledger.append(f"give back {obj['metadata']['name']}")

    async def after_delete(self, ctx: RequestContext, obj: dict[str, Any]) -> None:
        self.ledger.append(f"free {obj['metadata']['name']}")


class GadgetStrategy(Strategy):
    """Gadgets are deleted with 30 seconds of grace."""

    allow_create_on_update = True
    allow_unconditional_update = False

    def grace_period(self, ctx: RequestContext, obj: dict[str, Any], requested: int | None) -> int | None:
        return 30 if requested is None else requested


def _rename(obj: dict[str, Any], version: str, old: str, new: str) -> dict[str, Any]:
    spec = obj.get("spec") or {}
    if old in spec:
        spec[new] = spec.pop(old)
    obj["apiVersion"] = f"{GROUP}/{version}"
    return obj


def _widgets(strategy: Strategy, version: str) -> Resource:
    kind = WIDGET._replace(version=version)
    converted = version != "v1"
    return Resource(
        GroupVersionResource(GROUP, version, "widgets"),
        kind,
        "widget",
        True,
        VERBS,
        lambda: _struct(f"com.example.{version}.Widget"),
        strategy,
        subresources=(Subresource("status", kind, ("get", "patch", "update"), strategy=StatusStrategy(strategy)),),
        selectable_fields={"spec.color": lambda obj: obj.get("spec", {}).get("color", "")},
        storage_prefix="example.com/widgets",
        storage_kind=WIDGET,
        to_storage=(lambda obj: _rename(obj, "v1", "width", "size")) if converted else None,
        from_storage=(lambda obj: _rename(obj, version, "size", "width")) if converted else None,
    )


def _struct(name: str) -> Struct:
    return _definitions().struct(name)


def _gadgets() -> Resource:
    kind = WIDGET._replace(kind="Gadget")
    struct = "com.example.v1.Gadget"
    return Resource(
        GADGETS,
        kind,
        "gadget",
        False,
        VERBS,
        lambda: _struct(struct),
        GadgetStrategy(),
        storage_prefix="gadgets",
        storage_kind=kind,
    )


class Rig:
    """The parts, started: ``backend``, ``feed``, ``table``, ``local`` (the client inside), ``app`` and its ``http``."""

    def __init__(self, backend: StorageBackend, admission: Sequence[Member] = ()) -> None:
        self.strategy = WidgetStrategy()
        versions = (
            APIVersion("v1", (_widgets(self.strategy, "v1"), _gadgets())),
            APIVersion("v2", (_widgets(self.strategy, "v2"),)),
        )
        self.backend = backend
        self.feed = Feed(backend, PREFIX)
        groups = [APIGroup(GROUP, versions)]
        self.table: ResourceTable = build_table(groups, backend, self.feed, PREFIX, AdmissionChain(admission))
        self.local = LocalClient(lambda: self.table)
        endpoint = ResourceEndpoint(lambda: self.table, self.local, 1800.0, lambda: b"secret")
        inner = _signed_in(Director([resource_link(endpoint)]))
        self.app = with_panic_recovery(with_request_info(with_warnings(inner)))
        self.http = AsgiClient(self.app)

    def store(self, resource: GroupVersionResource = WIDGETS) -> Store:
        found = self.table.store(resource)
        assert found is not None
        return found


def _signed_in(app: ASGIApp) -> ASGIApp:
    async def sign_in(scope: Scope, receive: Receive, send: Send) -> None:
        request_state(scope).user = USER
        await app(scope, receive, send)

    return sign_in


@asynccontextmanager
async def running(backend: StorageBackend | None = None, admission: Sequence[Member] = ()) -> AsyncIterator[Rig]:
    """Start a rig, and stop it in the end."""
    rig = Rig(backend or MemoryBackend(), admission)
    await rig.backend.start()
    await rig.feed.start()
    try:
        yield rig
    finally:
        for store in rig.table.stores():
            store.cache.end_watches()
        await rig.feed.stop()
        await rig.backend.stop()


def widget(name: str = "a", namespace: str = "ns", **spec: Any) -> dict[str, Any]:
    """Return a widget to create through the client inside."""
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


def context(name: str = "a", namespace: str = "ns", *, verb: str = "update", dry_run: bool = False) -> RequestContext:
    """Return the context of a write; its client is never asked."""
    return RequestContext(USER, verb, namespace, name, "", dry_run, None)  # type: ignore[arg-type]  # see above
