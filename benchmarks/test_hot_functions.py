"""What the functions cost that every request or every change runs through: ``make bench``, docs/performance.md."""

import asyncio
import copy
import importlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, Verdict
from kapi.contracts.client import Event
from kapi.contracts.plugins import BuildContext, Options
from kapi.contracts.resources import APIGroup, Object, Resource
from kapi.contracts.server import Receive, Scope, Send
from kapi.endpoints.requestinfo import _parse, parse_request_info
from kapi.meta.apply.server_side import apply
from kapi.meta.apply.tracking import track_update
from kapi.meta.labels import parse_label_selector
from kapi.meta.patch.merge_patch import apply_merge_patch
from kapi.meta.schema.check import check
from kapi.meta.schema.decode import decode_json, decode_yaml
from kapi.meta.schema.defaulting import apply_defaults
from kapi.server.protocol import Connections, KapiProtocol
from kapi.storage.entry import Codec, Entry
from kapi.storage.events import CacheEvent, event_frame
from kapi_authz.index import RoleIndex
from kapi_authz.rbac import decide

NOW = "2026-01-01T00:00:00Z"
Benchmark = Callable[..., Any]

CONFIG_MAP: Object = {
    "kind": "ConfigMap",
    "apiVersion": "v1",
    "metadata": {"name": "cm-1", "namespace": "default", "labels": {"app": "bench", "tenth": "3"}},
    "data": {"k": "v" * 1000},
}
_CONTAINER = {
    "name": "web",
    "image": "nginx:1.27",
    "ports": [{"name": "http", "containerPort": 80}],
    "env": [{"name": f"VARIABLE_{n}", "value": str(n)} for n in range(10)],
    "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
    "volumeMounts": [{"name": "config", "mountPath": "/etc/web"}],
}
DEPLOYMENT: Object = {
    "kind": "Deployment",
    "apiVersion": "apps/v1",
    "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [_CONTAINER], "volumes": [{"name": "config", "configMap": {"name": "web"}}]},
        },
    },
}
OBJECTS = {"configmaps": CONFIG_MAP, "deployments": DEPLOYMENT}
PACKAGES = {"configmaps": "core", "deployments": "apps"}


@cache
def resource_of(name: str) -> Resource:
    """Return a built-in resource."""
    module = importlib.import_module(f"kapi_apigroups.{PACKAGES[name]}")
    context = BuildContext(Options({"service-cluster-ip-range": "10.96.0.0/16"}), Path())
    groups: Sequence[APIGroup] = module.kapi_register_api_groups(context)
    versions = [version for group in groups for version in group.versions]
    return next(item for version in versions for item in version.resources if item.gvr.resource == name)


@pytest.fixture(params=sorted(OBJECTS))
def resource(request: pytest.FixtureRequest) -> Resource:
    """Each of the resources."""
    return resource_of(request.param)


def obj_of(resource: Resource) -> Object:
    """Return a copy of the resource's object, decoded and defaulted."""
    obj = decode_json(orjson.dumps(OBJECTS[resource.gvr.resource]), resource.schema()).object
    apply_defaults(resource.schema(), obj)
    return obj


def test_decode(benchmark: Benchmark, resource: Resource) -> None:
    """Read a body: JSON to normal form."""
    data = orjson.dumps(OBJECTS[resource.gvr.resource])
    assert benchmark(decode_json, data, resource.schema()).object["kind"] == resource.kind.kind


def test_decode_yaml(benchmark: Benchmark, resource: Resource) -> None:
    """Read a body in YAML (here: JSON, which is YAML, as appliers send it)."""
    data = orjson.dumps(OBJECTS[resource.gvr.resource])
    assert benchmark(decode_yaml, data, resource.schema()).object["kind"] == resource.kind.kind


def test_default(benchmark: Benchmark, resource: Resource) -> None:
    """Fill in the schema's defaults, which are there already the second time."""
    benchmark(apply_defaults, resource.schema(), obj_of(resource))


def test_validate(benchmark: Benchmark, resource: Resource) -> None:
    """Check enums and required members."""
    assert not benchmark(check, resource.schema(), obj_of(resource), "")


def test_encode(benchmark: Benchmark, resource: Resource) -> None:
    """Make the bytes to store."""
    assert benchmark(Codec(resource.kind, {}).encode, obj_of(resource)).startswith(b'{"kind":')


def entry_of(resource: Resource, revision: int = 7) -> Entry:
    """Return a stored object in the cache."""
    codec = Codec(resource.kind, {})
    return codec.entry("/registry/x/default/a", codec.encode(obj_of(resource)), revision)


def test_splice(benchmark: Benchmark, resource: Resource) -> None:
    """Take a stored value into the cache: labels out, resourceVersion in."""
    codec = Codec(resource.kind, {})
    value = codec.encode(obj_of(resource))
    assert b'"resourceVersion":"7"' in benchmark(codec.entry, "/registry/x/default/a", value, 7).item


@pytest.mark.parametrize("text", ["tenth=3", "app=bench,tenth in (1,2,3),!gone"])
def test_selector_match(benchmark: Benchmark, text: str) -> None:
    """Ask a selector about an object."""
    assert benchmark(parse_label_selector(text).matches, CONFIG_MAP["metadata"]["labels"])


LINE = ("GET", b"/apis/apps/v1/namespaces/default/deployments/web", b"resourceVersion=0")


def test_request_info(benchmark: Benchmark) -> None:
    """Read a request line for the first time."""
    assert benchmark(_parse, *LINE).name == "web"


def test_request_info_again(benchmark: Benchmark) -> None:
    """Read a request line that is known."""
    assert benchmark(parse_request_info, *LINE).name == "web"


def test_authorize(benchmark: Benchmark) -> None:
    """Decide by a role of twenty rules."""
    index = RoleIndex()
    rules = [{"verbs": ["get"], "apiGroups": [f"g{n}"], "resources": ["a"]} for n in range(19)]
    rules.append({"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"]})
    index.role_changed(Event("ADDED", {"metadata": {"name": "r"}, "rules": rules}, None))
    reference = {"kind": "ClusterRole", "name": "r"}
    bound = {"metadata": {"name": "b"}, "roleRef": reference, "subjects": [{"kind": "User", "name": "jane"}]}
    index.binding_changed(Event("ADDED", bound, None))
    jane = UserInfo("jane", groups=("system:authenticated",))
    asked = Attributes(jane, "get", True, "", "", "v1", "configmaps", "", "default", "cm-1")
    assert benchmark(decide, index, asked).verdict is Verdict.ALLOW


def test_merge_patch(benchmark: Benchmark, resource: Resource) -> None:
    """Merge a small patch into an object."""
    live = obj_of(resource)
    assert benchmark(apply_merge_patch, live, {"metadata": {"labels": {"a": "b"}}})["metadata"]["labels"]["a"] == "b"


def test_track_update(benchmark: Benchmark, resource: Resource) -> None:
    """Find out what an update changes, and who owns it from now on."""
    live = obj_of(resource)
    struct, version = resource.schema(), resource.kind.api_version
    track_update(None, live, struct=struct, manager="bench", api_version=version, now=NOW)
    new = copy.deepcopy(live)
    new["metadata"]["labels"]["a"] = "b"

    def track() -> None:
        track_update(live, dict(new), struct=struct, manager="bench", api_version=version, now=NOW)

    benchmark(track)


def test_apply(benchmark: Benchmark, resource: Resource) -> None:
    """Apply a configuration that changes one label, server side."""
    struct, version = resource.schema(), resource.kind.api_version
    config = copy.deepcopy(OBJECTS[resource.gvr.resource])

    def run(live: Object | None) -> Object:
        return apply(live, config, struct=struct, manager="bench", force=True, api_version=version, now=NOW)

    live = run(None)
    config["metadata"]["labels"]["app"] = "other"
    assert benchmark(run, live)["metadata"]["labels"]["app"] == "other"


class Bare:
    """A representation: the entry's bytes behind a head."""

    shared = False

    def object(self, entry: Entry) -> bytes:
        """Return an object's bytes."""
        return b'{"kind":"ConfigMap","apiVersion":"v1",' + entry.item[1:]


def test_event_frame(benchmark: Benchmark, resource: Resource) -> None:
    """Render a watch event."""
    assert benchmark(event_frame, "MODIFIED", entry_of(resource).item).endswith(b"}\n")


def test_watch_event(benchmark: Benchmark) -> None:
    """Render a change for a watcher: type, state and frame."""
    before, now = entry_of(resource_of("configmaps")), entry_of(resource_of("configmaps"), 8)
    event = CacheEvent(8, now, before)
    shown = Bare()

    def render() -> bytes:
        kind = event.seen_by(None)
        assert kind is not None
        return event.frame(kind, shown)

    assert benchmark(render).startswith(b'{"type":"MODIFIED"')


class Nowhere(asyncio.Transport):
    """Takes what is written and forgets it."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Forget the bytes."""

    def is_closing(self) -> bool:
        """Tell that it is open."""
        return False


def test_http_exchange(benchmark: Benchmark) -> None:
    """Read a request and write an answer of 1 kB, without TLS and sockets: the HTTP server's own share."""
    loop = asyncio.new_event_loop()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * 1000})

    protocol = KapiProtocol(Connections(answer, loop))
    protocol.connection_made(Nowhere())
    data = b"GET /api/v1/namespaces/default HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nAccept: */*\r\n\r\n"

    async def ask() -> None:
        protocol.data_received(data)
        await asyncio.sleep(0)

    benchmark(lambda: loop.run_until_complete(ask()))
    assert protocol.exchange is not None
    assert protocol.exchange.response_complete
    loop.close()
