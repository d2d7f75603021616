"""The whole server, assembled from its plugins and called in process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kapi.server.apiserver import APIServer
from kapi.server.assembly import assemble, prepare
from kapi.testing.asgi import AsgiClient

NAMESPACES = "/api/v1/namespaces"
TOKENS = 'secret-admin,admin,1,"system:masters"\nsecret-jane,jane,2\n'


class Parts:
    """A running server and its clients."""

    def __init__(self, server: APIServer) -> None:
        self.server = server
        self.admin = AsgiClient(server.app, {"authorization": "Bearer secret-admin"})
        self.jane = AsgiClient(server.app, {"authorization": "Bearer secret-jane"})
        self.nobody = AsgiClient(server.app)


def assembled(folder: Path, *flags: str) -> APIServer:
    tokens = folder / "tokens.csv"
    tokens.write_text(TOKENS)
    assembly = assemble(
        [f"--data-dir={folder}", "--storage-backend=memory", f"--token-auth-file={tokens}", "--secure-port=0", *flags]
    )
    prepare(assembly)
    server = assembly()
    assert isinstance(server, APIServer)
    return server


@asynccontextmanager
async def serving(server: APIServer) -> AsyncIterator[Parts]:
    await server.start()
    try:
        parts = Parts(server)
        async with asyncio.timeout(10):
            while (await parts.admin.request("GET", "/readyz")).status != 200:  # noqa: ASYNC110  # as a probe does
                await asyncio.sleep(0.005)
        yield parts
    finally:
        await server.stop()


def named(name: str, **members: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **members}


def test_the_order_of_the_filters(tmp_path: Path) -> None:
    """Each guards those behind it: change this list only with a reason that stands in the commit."""
    assert [item.name for item in assembled(tmp_path).filters] == [
        "access-log",
        "warnings",
        "cors",
        "panic-recovery",
        "request-info",
        "metrics",
        "deadline",
        "authentication",
        "impersonation",
        "max-in-flight",
        "authorization",
    ]


def test_the_links_and_checks(tmp_path: Path) -> None:
    server = assembled(tmp_path)
    positions = [position for position, _, _ in server.links]
    names = [name for _, name, _ in server.links]
    assert positions == sorted(positions)
    assert names.index("api-groups") < names.index("base") == len(names) - 1


async def test_building_opens_nothing_and_a_server_stops_twice(tmp_path: Path) -> None:
    server = assembled(tmp_path)
    assert not server.lifecycle.started.is_set()
    async with serving(server):
        assert server.lifecycle.started.is_set()
    await server.stop()


async def test_the_server_from_outside(tmp_path: Path) -> None:
    """One server answers many questions: starting one is the slow part."""
    async with serving(assembled(tmp_path)) as parts:
        await _check_identities(parts)
        await _check_documents(parts)
        await _check_namespace_is_emptied(parts)
        await _check_admission(parts)
        await _check_end(parts)


async def _check_identities(parts: Parts) -> None:
    assert (await parts.admin.request("GET", NAMESPACES)).status == 200
    refused = await parts.jane.request("GET", NAMESPACES)
    assert (refused.status, refused.json()["reason"]) == (403, "Forbidden")
    assert 'User "jane" cannot list resource "namespaces"' in refused.json()["message"]
    unknown = await AsgiClient(parts.server.app, {"authorization": "Bearer x"}).request("GET", NAMESPACES)
    assert unknown.status == 401
    assert "system:anonymous" in (await parts.nobody.request("GET", NAMESPACES)).json()["message"]
    as_jane = await parts.admin.request("GET", NAMESPACES, headers={"impersonate-user": "jane"})
    assert as_jane.status == 403


async def _check_documents(parts: Parts) -> None:
    paths = {"/version": "major", "/api": "versions", "/apis": "groups", "/api/v1": "resources", "/": "paths"}
    for path, member in paths.items():
        reply = await parts.admin.request("GET", path)
        assert (reply.status, member in reply.json()) == (200, True), path
    configuration = (await parts.admin.request("GET", "/.well-known/openid-configuration")).json()
    assert configuration["jwks_uri"].endswith("/openid/v1/jwks")
    keys = (await parts.admin.request("GET", "/openid/v1/jwks")).json()["keys"]
    assert keys
    assert not any("d" in key for key in keys), "no private keys"
    assert b"apiserver_request_total" in (await parts.admin.request("GET", "/metrics")).body
    assert (await parts.admin.request("POST", "/version")).status == 405
    assert (await parts.admin.request("GET", "/nothing")).status == 404
    assert (await parts.admin.request("GET", "/readyz")).body == b"ok"


async def _check_namespace_is_emptied(parts: Parts) -> None:
    await parts.admin.request("POST", NAMESPACES, named("ns"))
    for resource in ("configmaps", "secrets"):
        for number in range(3):
            made = await parts.admin.request("POST", f"{NAMESPACES}/ns/{resource}", named(f"x{number}"))
            assert made.status == 201
    async with parts.admin.watch(f"{NAMESPACES}?watch=1&fieldSelector=metadata.name%3Dns") as events:
        ending = (await parts.admin.request("DELETE", f"{NAMESPACES}/ns")).json()
        assert ending["status"]["phase"] == "Terminating"
        refused = await parts.admin.request("POST", f"{NAMESPACES}/ns/configmaps", named("late"))
        assert refused.status in (403, 404)
        while (await events.next())["type"] != "DELETED":
            pass
    left = await parts.admin.request("GET", "/api/v1/configmaps?fieldSelector=metadata.namespace%3Dns")
    assert left.json()["items"] == []


async def _check_admission(parts: Parts) -> None:
    node = (await parts.admin.request("POST", "/api/v1/nodes", named("n"))).json()
    assert node["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]
    warned = await parts.admin.request("POST", "/api/v1/nodes?fieldValidation=Warn", named("m", nothing=1))
    assert warned.warnings == ['unknown field \\"nothing\\"']


async def _check_end(parts: Parts) -> None:
    async with parts.admin.watch(f"{NAMESPACES}?watch=1&resourceVersion=0") as events:
        parts.server.end_watches()
        await events.rest()
        assert events.status == 200
    parts.server.lifecycle.shutdown_initiated.set()
    assert (await parts.admin.request("GET", "/readyz")).status == 500
    assert (await parts.admin.request("GET", "/livez")).status == 200


async def test_two_servers_side_by_side(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    quiet = ("--controllers=",)
    async with serving(assembled(folders[0], *quiet)) as one, serving(assembled(folders[1], *quiet)) as two:
        await one.admin.request("POST", NAMESPACES, named("only-here"))
        assert (await one.admin.request("GET", f"{NAMESPACES}/only-here")).status == 200
        assert (await two.admin.request("GET", f"{NAMESPACES}/only-here")).status == 404


@pytest.mark.parametrize("flag", ["--disable-admission-plugins=TaintNodesByCondition"])
async def test_admission_can_be_switched_off(tmp_path: Path, flag: str) -> None:
    async with serving(assembled(tmp_path, flag, "--controllers=")) as parts:
        node = (await parts.admin.request("POST", "/api/v1/nodes", named("n"))).json()
        assert node["spec"] == {}


async def test_a_status_can_be_written_whatever_the_kind_allows_for_names(tmp_path: Path) -> None:
    """As the start does for APIServices, one of which is called ``v1.``, when the second changes meanwhile."""
    path = "/apis/apiregistration.k8s.io/v1/apiservices/v1."
    async with serving(assembled(tmp_path, "--controllers=")) as parts:
        live = (await parts.admin.request("GET", path)).json()
        live["status"]["conditions"][0]["message"] = "changed"
        reply = await parts.admin.request("PUT", f"{path}/status", live)
        assert (reply.status, reply.json()["status"]) == (200, live["status"]), reply.body
