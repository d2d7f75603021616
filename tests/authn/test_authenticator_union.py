import logging

import pytest

from kapi.authn.union import Member, RequestUnion, aggregate, build_authenticator, with_group
from kapi.contracts.authn import (
    AuthenticationError,
    AuthenticatorPlugin,
    AuthnRequest,
    AuthnResponse,
    Phase,
    UserInfo,
)
from kapi.contracts.plugins import BuildContext, Options

SERVER = "https://kubernetes.default.svc"


class Certificates:
    def __init__(self, result: AuthnResponse | Exception | None = None) -> None:
        self.result = result

    async def authenticate_request(self, request: AuthnRequest) -> AuthnResponse | None:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class Tokens:
    def __init__(self, *known: str, audiences: tuple[str, ...] = (), error: Exception | None = None) -> None:
        self.known = set(known)
        self.audiences = audiences
        self.error = error
        self.asked: list[str] = []

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> AuthnResponse | None:
        self.asked.append(token)
        if token in self.known:
            return AuthnResponse(UserInfo(token.removesuffix("-token")), self.audiences)
        if self.error:
            raise self.error
        return None


ANONYMOUS = Certificates(AuthnResponse(UserInfo("system:anonymous")))


def union(*members: tuple[str, Phase, object], cacheable: bool = True) -> RequestUnion:
    built = [Member(name, phase, made, cacheable) for name, phase, made in members]  # type: ignore[arg-type]  # fakes
    return RequestUnion(built, [SERVER])


def request(token: str = "") -> AuthnRequest:
    headers = [(b"authorization", b"Bearer " + token.encode())] if token else []
    return AuthnRequest("GET", "/", headers)


async def name_of(authenticator: RequestUnion, asked: AuthnRequest) -> tuple[str, tuple[str, ...]]:
    response = await authenticator.authenticate(asked, lambda text: None)
    assert response is not None
    return response.user.name, response.user.groups


async def test_a_token_proves_an_authenticated_user() -> None:
    found = await name_of(union(("t", "token", Tokens("alice-token"))), request("alice-token"))
    assert found == ("alice", ("system:authenticated",))


async def test_phases_come_in_their_order_whatever_the_names() -> None:
    both = union(
        ("a", "anonymous", ANONYMOUS),
        ("b", "token", Tokens("alice-token")),
        ("c", "certificate", Certificates(AuthnResponse(UserInfo("cert")))),
        ("d", "front-proxy", Certificates(AuthnResponse(UserInfo("proxied")))),
    )
    assert (await name_of(both, request("alice-token")))[0] == "proxied"


async def test_without_credentials_the_anonymous_user_is_unauthenticated() -> None:
    found = await name_of(union(("a", "anonymous", ANONYMOUS), ("t", "token", Tokens())), request())
    assert found == ("system:anonymous", ("system:unauthenticated",))


async def test_a_bad_token_is_refused_although_anonymous_requests_are_welcome() -> None:
    both = union(("a", "anonymous", ANONYMOUS), ("t", "token", Tokens("alice-token")))
    with pytest.raises(AuthenticationError, match="^invalid bearer token$"):
        await both.authenticate(request("nope"), lambda text: None)


async def test_a_bad_certificate_is_refused_unless_a_token_is_good() -> None:
    bad = Certificates(AuthenticationError("x509: no"))
    both = union(("x", "certificate", bad), ("a", "anonymous", ANONYMOUS), ("t", "token", Tokens("alice-token")))
    with pytest.raises(AuthenticationError, match="x509: no"):
        await both.authenticate(request(), lambda text: None)
    assert (await name_of(both, request("alice-token")))[0] == "alice"


async def test_a_plugin_that_fails_refuses_and_leaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    broken = Tokens(error=RuntimeError("could not ask about s3cret"))
    both = union(("t", "token", broken), ("a", "anonymous", ANONYMOUS))
    with pytest.raises(AuthenticationError) as caught:
        await both.authenticate(request("s3cret"), lambda text: None)
    assert "s3cret" not in caplog.text + str(caught.value)
    assert "t failed with RuntimeError" in caplog.text


async def test_nobody_is_known_without_credentials_and_without_anonymous_requests() -> None:
    assert await union(("t", "token", Tokens())).authenticate(request(), lambda text: None) is None


async def test_extra_space_before_the_token_is_warned_of_and_ignored() -> None:
    warnings: list[str] = []
    both = union(("t", "token", Tokens("alice-token")), ("a", "anonymous", ANONYMOUS))
    response = await both.authenticate(request(" alice-token"), warnings.append)
    assert response is not None
    assert response.user.name == "system:anonymous"
    assert len(warnings) == 1


async def test_errors_of_tokens_are_collected_and_later_authenticators_still_asked() -> None:
    bad = Tokens(error=AuthenticationError("expired"))
    both = union(("a", "token", bad), ("b", "token", Tokens("alice-token")))
    assert (await name_of(both, request("alice-token")))[0] == "alice"
    with pytest.raises(AuthenticationError, match=r"^\[invalid bearer token, expired\]$"):
        await both.tokens.authenticate_token("other", ())


async def test_successes_are_cached_and_failures_are_not() -> None:
    tokens = Tokens("alice-token")
    both = union(("t", "token", tokens))
    for _ in range(3):
        await both.tokens.authenticate_token("alice-token", ())
        await both.tokens.authenticate_token("nope", ())
    assert tokens.asked == ["alice-token", "nope", "nope", "nope"]


async def test_a_plugin_may_forbid_caching() -> None:
    tokens = Tokens("alice-token")
    both = union(("t", "token", tokens), cacheable=False)
    await both.tokens.authenticate_token("alice-token", ())
    tokens.known.clear()
    assert await both.tokens.authenticate_token("alice-token", ()) is None


@pytest.mark.parametrize(
    ("bound", "wanted", "good"),
    [
        ((), (), (SERVER,)),
        ((), (SERVER, "other"), (SERVER,)),
        ((), ("other",), None),
        (("vault",), ("x", "vault"), ("vault",)),
        (("vault", SERVER), (SERVER, "vault"), ("vault", SERVER)),
    ],
)
async def test_audiences_are_narrowed_to_what_token_and_asker_share(
    bound: tuple[str, ...], wanted: tuple[str, ...], good: tuple[str, ...] | None
) -> None:
    response = await union(("t", "token", Tokens("t", audiences=bound))).tokens.authenticate_token("t", wanted)
    assert (response.audiences if response else None) == good


async def test_a_token_for_others_is_refused_with_both_audiences() -> None:
    expected = r'\[invalid bearer token, token audiences \["vault"\] is invalid for the target audiences \["x"\]\]'
    with pytest.raises(AuthenticationError, match=expected):
        await union(("t", "token", Tokens("t", audiences=("vault",)))).tokens.authenticate_token("t", ("x",))


def test_groups_are_added_once() -> None:
    known = AuthnResponse(UserInfo("a", groups=("system:authenticated",)))
    assert with_group(known) is known


def test_one_message_stands_alone_and_several_in_brackets() -> None:
    assert aggregate(["a"]) == "a"
    assert aggregate(["a", "b", "a"]) == "[a, b]"


async def test_plugins_that_are_not_configured_are_left_out() -> None:
    plugins = [
        AuthenticatorPlugin("t", "", "token", lambda context: Tokens("alice-token")),
        AuthenticatorPlugin("u", "", "token", lambda context: None),
    ]
    context = BuildContext(Options({"api-audiences": (SERVER,)}), data_dir=None)  # type: ignore[arg-type]  # unused
    built = build_authenticator(plugins, context)
    response = await built.tokens.authenticate_token("alice-token", ())
    assert response is not None
    assert response.audiences == (SERVER,)
