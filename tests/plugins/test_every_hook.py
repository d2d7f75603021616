"""Every hook, by its name: what a plugin contributes through it takes effect in a server."""

import asyncio
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from kapi.cli.flaghelp import flag_help
from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation, refusal
from kapi.contracts.authn import AuthenticationError, AuthenticatorPlugin, AuthnResponse, UserInfo
from kapi.contracts.authz import Attributes, AuthorizerPlugin, Decision, Verdict
from kapi.contracts.plugins import BuildContext, Option
from kapi.contracts.resources import APIGroup, APIVersion, Resource
from kapi.contracts.server import (
    ASGIApp,
    ChainLink,
    ChainLinkPlugin,
    FilterPlugin,
    HealthCheck,
    HookContext,
    PostStartHook,
    Receive,
    Scope,
    Send,
)
from kapi.contracts.storage import StoragePlugin, Unavailable
from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
from kapi.meta.schema.tables import Definitions
from kapi.server.plugins import PluginError
from kapi_storage.memory import MemoryBackend
from tiny_plugins import LEASES, Workshop


async def answer(send: Send, status: int, text: str) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})


def lease(name: str) -> dict[str, Any]:
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}}


def test_hook_kapi_register_commands(workshop: Workshop) -> None:
    @hookimpl
    def kapi_register_commands(cli: typer.Typer) -> None:
        @cli.command()
        def greet(name: str) -> None:
            """Greet somebody."""
            print(f"hello {name}")

    workshop.plugin("greeter", kapi_register_commands)
    cli = typer.Typer()
    cli.callback()(lambda: None)
    workshop.load().add_commands(cli)
    assert CliRunner().invoke(cli, ["greet", "world"]).stdout == "hello world\n"


async def test_hook_kapi_register_options(workshop: Workshop) -> None:
    @hookimpl
    def kapi_register_options() -> list[Option]:
        return [Option("tiny-pause", "duration", 1.0, "How long tiny things pause.", group="Tiny")]

    workshop.plugin("options", kapi_register_options)
    assembly = workshop.assemble("--tiny-pause=1m30s")
    assert assembly.config.options["tiny-pause"] == 90.0
    assert workshop.assemble().config.options["tiny-pause"] == 1.0
    text = flag_help(assembly.plugins.flag_table(), 100)
    assert "Tiny flags:" in text
    assert "How long tiny things pause." in text


async def test_hook_kapi_register_storage_backends(workshop: Workshop) -> None:
    class Full(MemoryBackend):
        async def ready(self) -> None:
            raise Unavailable("the tiny store is full")

    @hookimpl
    def kapi_register_storage_backends() -> list[StoragePlugin]:
        return [StoragePlugin("full", "says that it is full", lambda context: Full())]

    workshop.plugin("full", kapi_register_storage_backends, group="kapi.storage")
    async with workshop.serving("--storage-backend=full") as client:
        assert "the tiny store is full" in (await client.request("GET", "/readyz/etcd")).body.decode()
        assert (await client.request("POST", LEASES, lease("a"))).status == 201
    async with workshop.serving() as client:
        assert (await client.request("GET", "/readyz/etcd")).body == b"ok"


async def test_hook_kapi_register_authenticators(workshop: Workshop) -> None:
    class Sesame:
        async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> AuthnResponse | None:
            if token == "close-sesame":
                raise AuthenticationError("the door stays closed")
            return AuthnResponse(UserInfo("ali", groups=("thieves",))) if token == "open-sesame" else None

    @hookimpl
    def kapi_register_authenticators() -> list[AuthenticatorPlugin]:
        return [AuthenticatorPlugin("sesame", "opens doors", "token", lambda context: Sesame())]

    workshop.plugin("sesame", kapi_register_authenticators, group="kapi.authn")
    async with workshop.serving() as client:

        async def who(token: str) -> Any:
            path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
            return (await client.request("POST", path, body, {"authorization": f"Bearer {token}"})).json()

        user = (await who("open-sesame"))["status"]["userInfo"]
        assert user == {"username": "ali", "groups": ["thieves", "system:authenticated"]}
        assert (await who("close-sesame"))["code"] == 401


async def test_hook_kapi_register_authorizers(workshop: Workshop) -> None:
    class Quiet:
        async def authorize(self, attributes: Attributes) -> Decision:
            if attributes.resource == "leases" and attributes.verb == "create":
                return Decision(Verdict.DENY, "not during the concert")
            return Decision(Verdict.NO_OPINION)

    @hookimpl
    def kapi_register_authorizers() -> list[AuthorizerPlugin]:
        return [AuthorizerPlugin("Quiet", "lets nobody begin anything", lambda context: Quiet())]

    workshop.plugin("quiet", kapi_register_authorizers, group="kapi.authz")
    async with workshop.serving("--authorization-mode=Quiet,Everything") as client:
        refused = await client.request("POST", LEASES, lease("a"))
        assert (refused.status, "not during the concert" in refused.json()["message"]) == (403, True)
        assert (await client.request("GET", LEASES)).status == 200
    async with workshop.serving("--authorization-mode=Everything,Quiet") as client:
        assert (await client.request("POST", LEASES, lease("a"))).status == 201


async def test_hook_kapi_register_admission(workshop: Workshop) -> None:
    class Stamp:
        def handles(self, operation: Operation) -> bool:
            return operation == "CREATE"

        async def admit(self, attributes: AdmissionAttributes) -> None:
            assert attributes.object is not None
            attributes.object["metadata"].setdefault("labels", {})["stamped-by"] = attributes.user.name

        async def validate(self, attributes: AdmissionAttributes) -> None:
            if attributes.name == "forged":
                raise refusal(attributes, "no stamp for this one")

    @hookimpl
    def kapi_register_admission() -> list[AdmissionPlugin]:
        return [AdmissionPlugin("Stamp", "stamps what is created", lambda context: Stamp())]

    workshop.plugin("stamp", kapi_register_admission, group="kapi.admission")
    async with workshop.serving() as client:
        made = (await client.request("POST", LEASES, lease("a"))).json()
        assert made["metadata"]["labels"] == {"stamped-by": "tester"}
        refused = await client.request("POST", LEASES, lease("forged"))
        assert (refused.status, "no stamp for this one" in refused.json()["message"]) == (403, True)
    async with workshop.serving("--disable-admission-plugins=Stamp") as client:
        assert "labels" not in (await client.request("POST", LEASES, lease("a"))).json()["metadata"]


TINY, TINY_KIND = "tiny.example.com", "com.example.tiny.v1.Pebble"


def pebbles() -> Definitions:
    meta = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    members = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"allOf": [{"$ref": meta}]}}
    schema = {"type": "object", "properties": {**members, "weight": {"type": "integer"}}}
    return Definitions.from_openapi({"components": {"schemas": {TINY_KIND: schema}}})


async def test_hook_kapi_register_api_groups(workshop: Workshop) -> None:
    @hookimpl
    def kapi_register_api_groups(context: BuildContext) -> list[APIGroup]:
        resource = Resource(
            GroupVersionResource(TINY, "v1", "pebbles"),
            GroupVersionKind(TINY, "v1", "Pebble"),
            singular="pebble",
            namespaced=False,
            verbs=("create", "get", "list"),
            schema=lambda: pebbles().struct(TINY_KIND),
            storage_prefix=f"{TINY}/pebbles",
        )
        return [APIGroup(TINY, (APIVersion("v1", (resource,)),))]

    source = workshop.plugin("pebbles", kapi_register_api_groups, group="kapi.apigroups")
    async with workshop.serving() as client:
        assert TINY in [group["name"] for group in (await client.request("GET", "/apis")).json()["groups"]]
        pebble = {"apiVersion": f"{TINY}/v1", "kind": "Pebble", "metadata": {"name": "a"}, "weight": 3}
        assert (await client.request("POST", f"/apis/{TINY}/v1/pebbles", pebble)).status == 201
        assert (await client.request("GET", f"/apis/{TINY}/v1/pebbles/a")).json()["weight"] == 3
        wrong = await client.request("POST", f"/apis/{TINY}/v1/pebbles", {**pebble, "weight": "heavy"})
        assert wrong.status == 400

    @hookimpl(specname="kapi_register_api_groups")
    def again(context: BuildContext) -> list[APIGroup]:
        return [APIGroup(TINY, ())]

    workshop.plugin("more_pebbles", again, group="kapi.apigroups")
    with pytest.raises(PluginError, match=f"APIGroup '{TINY}' exists already: plugin {source.id} of tiny"):
        workshop.assemble()()


async def test_hook_kapi_register_filters(workshop: Workshop) -> None:
    def build(context: BuildContext, app: ASGIApp) -> ASGIApp:
        async def teapot(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/coffee":
                await answer(send, 418, context.options["tiny-drink"])
            else:
                await app(scope, receive, send)

        return teapot

    @hookimpl
    def kapi_register_filters() -> list[FilterPlugin]:
        drink = Option("tiny-drink", "string", "tea", "What there is instead of coffee.")
        return [FilterPlugin("teapot", "makes no coffee", "authentication", build, (drink,))]

    workshop.plugin("teapot", kapi_register_filters)
    server = workshop.assemble()()
    names = [item.name for item in server.filters]  # type: ignore[attr-defined]  # an APIServer
    assert names[names.index("authentication") + 1] == "teapot"
    async with workshop.serving("--tiny-drink=milk") as client:
        reply = await client.request("GET", "/coffee")
        assert (reply.status, reply.body) == (418, b"milk")
        assert (await client.request("GET", "/version")).status == 200


async def test_hook_kapi_register_chain_links(workshop: Workshop) -> None:
    async def hello(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, 200, "hello")

    @hookimpl
    def kapi_register_chain_links() -> list[ChainLinkPlugin]:
        def link(name: str, position: int, path: str) -> ChainLinkPlugin:
            return ChainLinkPlugin(
                name, "says hello", position, lambda context: ChainLink(lambda scope: scope["path"] == path, hello)
            )

        return [link("early", 50, "/version"), link("late", 2000, "/api")]

    workshop.plugin("hello", kapi_register_chain_links)
    async with workshop.serving() as client:
        assert (await client.request("GET", "/version")).body == b"hello"
        assert (await client.request("GET", "/api")).json()["kind"] == "APIVersions", "the base server comes first"


async def test_hook_kapi_register_post_start_hooks(workshop: Workshop) -> None:
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def work(context: HookContext) -> None:
        await context.client.create(GroupVersionResource("coordination.k8s.io", "v1", "leases"), lease("a"), "default")
        begun.set()
        await let_go.wait()

    @hookimpl
    def kapi_register_post_start_hooks() -> list[PostStartHook]:
        return [
            PostStartHook("tiny-work", "makes a lease", work, blocks_ready=True),
            PostStartHook("tiny-controller", "is not wanted", work, controller=True),
        ]

    workshop.plugin("work", kapi_register_post_start_hooks, group="kapi.controllers")
    async with workshop.serving() as client, asyncio.timeout(5):
        await begun.wait()
        assert [item["metadata"]["name"] for item in (await client.request("GET", LEASES)).json()["items"]] == ["a"]
        assert b"[-]poststarthook/tiny-work failed" in (await client.request("GET", "/readyz")).body
        let_go.set()
        while (await client.request("GET", "/readyz")).status != 200:  # noqa: ASYNC110  # as a probe does
            await asyncio.sleep(0)


async def test_hook_kapi_register_health_checks(workshop: Workshop) -> None:
    class Thermometer:
        too_warm = False

        async def check(self) -> None:
            if self.too_warm:
                raise ValueError("it is too warm in here")

    thermometer = Thermometer()

    @hookimpl
    def kapi_register_health_checks(context: BuildContext) -> list[HealthCheck]:
        return [HealthCheck("temperature", thermometer.check, livez=False)]

    workshop.plugin("thermometer", kapi_register_health_checks)
    async with workshop.serving() as client:
        assert b"[+]temperature ok" in (await client.request("GET", "/readyz?verbose")).body
        thermometer.too_warm = True
        assert b"[-]temperature failed" in (await client.request("GET", "/readyz")).body
        assert b"it is too warm in here" in (await client.request("GET", "/readyz/temperature")).body
        assert (await client.request("GET", "/livez")).status == 200


def test_names_of_the_core_are_taken(workshop: Workshop) -> None:
    @hookimpl
    def kapi_register_filters() -> list[FilterPlugin]:
        return [FilterPlugin("metrics", "", "request-info", lambda context, app: app)]

    workshop.plugin("mine", kapi_register_filters)
    with pytest.raises(PluginError, match=r"mine of tiny 1\.2 .*: FilterPlugin 'metrics' exists already: kapi has it"):
        workshop.load()


def test_a_filter_inside_of_nothing_names_its_distribution(workshop: Workshop) -> None:
    @hookimpl
    def kapi_register_filters() -> list[FilterPlugin]:
        return [FilterPlugin("lost", "", "nowhere", lambda context, app: app)]

    workshop.plugin("mine", kapi_register_filters)
    with pytest.raises(
        PluginError, match=r"of tiny 1\.2 .*'lost' wants to be inside 'nowhere' \(there are: access-log, "
    ):
        workshop.load()
