import logging
from collections.abc import MutableMapping
from typing import Any

import pytest

from kapi.authn.union import Member, RequestUnion
from kapi.contracts.authn import AuthnRequest, AuthnResponse, UserInfo
from kapi.endpoints.requestinfo import parse_request_info
from kapi.endpoints.state import RequestState
from kapi.filters.authentication import with_authentication
from kapi.meta.errors import StatusError
from kapi_authn.token_file import TokenFileAuthenticator

Scope = MutableMapping[str, Any]


class Seen:
    """An application that keeps the scope that it was called with."""

    scope: Scope

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        self.scope = scope


class Certificates:
    async def authenticate_request(self, request: AuthnRequest) -> AuthnResponse | None:
        return AuthnResponse(UserInfo("cert")) if request.peer_certificate == b"der" else None


def scope(*headers: tuple[bytes, bytes], certificate: bytes | None = None) -> Scope:
    made: Scope = {"type": "http", "method": "GET", "path": "/api", "headers": list(headers), "client": ("::1", 1)}
    if certificate is not None:
        made["extensions"] = {"tls": {"client_cert_der": certificate}}
    made["kapi"] = RequestState(parse_request_info("GET", b"/api"))
    return made


def chain(app: Seen) -> Any:
    members = [
        Member("token_file", "token", TokenFileAuthenticator({"alice-token": UserInfo("alice", "u", ("dev",))})),
        Member("x509", "certificate", Certificates()),
    ]
    return with_authentication(app, RequestUnion(members, ()))


async def run(made: Scope) -> Seen:
    seen = Seen()
    await chain(seen)(made, None, None)
    return seen


async def test_the_user_is_in_the_state_and_credentials_are_gone() -> None:
    seen = await run(
        scope(
            (b"authorization", b"Bearer alice-token"),
            (b"accept", b"*/*"),
            (b"x-remote-user", b"admin"),
            (b"x-remote-extra-scopes", b"all"),
        )
    )
    assert seen.scope["kapi"].user == UserInfo("alice", "u", ("dev", "system:authenticated"))
    assert seen.scope["headers"] == [(b"accept", b"*/*")]


async def test_headers_of_a_front_proxy_make_nobody_anyone() -> None:
    with pytest.raises(StatusError) as caught:
        await run(scope((b"x-remote-user", b"admin"), (b"x-remote-group", b"system:masters")))
    assert caught.value.code == 401


async def test_the_peer_certificate_is_looked_at_first() -> None:
    seen = await run(scope((b"authorization", b"Bearer alice-token"), certificate=b"der"))
    assert seen.scope["kapi"].user.name == "cert"


@pytest.mark.parametrize("headers", [[], [(b"authorization", b"Bearer s3cret")], [(b"authorization", b"Bearer \xff")]])
async def test_nobody_is_unauthorized_and_no_token_is_logged(
    headers: list[tuple[bytes, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StatusError) as caught:
        await run(scope(*headers))
    assert caught.value.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
    assert "s3cret" not in caplog.text
    assert caught.value.__cause__ is None
