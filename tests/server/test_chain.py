"""Filters around an application, and links behind each other."""

import pytest

from kapi.contracts.plugins import BuildContext, Options
from kapi.contracts.server import ASGIApp, ChainLink, FilterPlugin, Receive, Scope, Send
from kapi.server.chain import Director, Filter, UnknownFilter, fold, insert_plugins
from kapi.testing.asgi import AsgiClient

CONTEXT = BuildContext(Options({}), None)  # type: ignore[arg-type]  # no folder is touched


def noting(name: str, notes: list[str]):
    def wrap(app: ASGIApp) -> ASGIApp:
        async def note(scope: Scope, receive: Receive, send: Send) -> None:
            notes.append(name)
            await app(scope, receive, send)

        return note

    return wrap


def answering(text: str) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text.encode()})

    return answer


async def test_the_first_filter_is_outermost() -> None:
    notes: list[str] = []
    filters = [Filter(name, noting(name, notes)) for name in ("outer", "middle", "inner")]
    reply = await AsgiClient(fold(filters, answering("app"))).request("GET", "/")
    assert (notes, reply.body) == (["outer", "middle", "inner"], b"app")


async def test_plugins_stand_just_inside_the_filter_that_they_name() -> None:
    notes: list[str] = []

    def plugin(name: str, inside: str) -> FilterPlugin:
        return FilterPlugin(name, "", inside, lambda context, app: noting(name, notes)(app))

    core = [Filter(name, noting(name, notes)) for name in ("outer", "inner")]
    chain = insert_plugins(core, [plugin("a", "outer"), plugin("b", "inner"), plugin("c", "a")], CONTEXT)
    assert [item.name for item in chain] == ["outer", "a", "c", "inner", "b"]
    assert [item.name for item in core] == ["outer", "inner"]
    await AsgiClient(fold(chain, answering("app"))).request("GET", "/")
    assert notes == ["outer", "a", "c", "inner", "b"]


def test_a_plugin_cannot_stand_inside_nothing() -> None:
    lost = FilterPlugin("lost", "", "nowhere", lambda context, app: app)
    with pytest.raises(UnknownFilter, match="'lost' wants to be inside 'nowhere'"):
        insert_plugins([], [lost], CONTEXT)


async def test_the_first_link_that_handles_a_request_answers() -> None:
    director = Director(
        [
            ChainLink(lambda scope: scope["path"] == "/one", answering("one")),
            ChainLink(lambda scope: scope["path"].startswith("/o"), answering("other")),
        ]
    )
    client = AsgiClient(director)
    assert (await client.request("GET", "/one")).body == b"one"
    assert (await client.request("GET", "/o")).body == b"other"
    nobody = await client.request("GET", "/x")
    assert (nobody.status, nobody.body) == (404, b"404 page not found\n")
