"""Scripts of other origins: who may call, and what a browser is told."""

import pytest
from filter_calls import ask, fine, raising

from kapi.config.checks import origin_patterns
from kapi.contracts.server import ASGIApp
from kapi.filters.cors import with_cors
from kapi.filters.panic import with_panic_recovery
from kapi.meta.errors import forbidden
from kapi.meta.gvk import GroupResource

ORIGINS = (r"//example\.com(:|$)", r"^https://.*\.local$")
ALLOWED = {
    "access-control-allow-methods": "POST, GET, OPTIONS, PUT, DELETE, PATCH",
    "access-control-allow-headers": "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, "
    "X-Requested-With, If-Modified-Since",
    "access-control-expose-headers": "Date",
    "access-control-allow-credentials": "true",
}


def served(app: ASGIApp = fine) -> ASGIApp:
    return with_cors(with_panic_recovery(app), ORIGINS)


def shared(headers: list[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", ["https://example.com", "http://example.com:8080", "https://a.b.local"])
async def test_an_allowed_origin(origin: str) -> None:
    reply = await ask(served(), origin=origin)
    assert (reply.status, reply.body) == (200, b"fine")
    assert shared(reply.headers) == {"access-control-allow-origin": origin, **ALLOWED}
    preflight = await ask(served(raising(ZeroDivisionError())), method="OPTIONS", origin=origin)
    assert (preflight.status, preflight.body) == (204, b"")
    assert shared(preflight.headers) == shared(reply.headers)


@pytest.mark.parametrize("origin", ["https://example.com.evil", "http://a.local", "null", "https://an-example.com"])
async def test_another_origin(origin: str) -> None:
    for method in ("GET", "OPTIONS"):
        reply = await ask(served(), method=method, origin=origin)
        assert (reply.status, shared(reply.headers)) == (200, {})


async def test_no_origin() -> None:
    assert shared((await ask(served())).headers) == {}


async def test_refusals_can_be_read_too() -> None:
    refusing = raising(forbidden(GroupResource("", "pods"), "a", "no"))
    reply = await ask(served(refusing), origin="https://example.com")
    assert reply.status == 403
    assert shared(reply.headers)["access-control-allow-origin"] == "https://example.com"


def test_without_origins_nothing_is_wrapped() -> None:
    assert with_cors(fine, ()) is fine


@pytest.mark.parametrize(
    ("patterns", "problem"),
    [
        (ORIGINS, None),
        ((), None),
        (("",), "must not have an empty pattern"),
        (("//(",), "'//(' is no regular expression: missing ): //("),
        (("example.com",), "'example.com' does not say where the host begins (^ or //) and ends ($ or :)"),
        (("//example.com",), "'//example.com' does not say where the host begins (^ or //) and ends ($ or :)"),
    ],
)
def test_patterns_must_hold_hosts(patterns: tuple[str, ...], problem: str | None) -> None:
    assert origin_patterns(patterns) == problem
