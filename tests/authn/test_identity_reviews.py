from typing import Any

import pytest

from kapi.authn.union import Member, TokenUnion
from kapi.contracts.authn import AuthnResponse, UserInfo
from kapi.contracts.resources import RequestContext
from kapi.meta.errors import StatusError
from kapi.testing.memory_client import MemoryClient
from kapi_apigroups.authentication.reviews import SelfReview, TokenReview, shown_user
from kapi_authn.token_file import TokenFileAuthenticator

SERVER = "https://kubernetes.default.svc"
ALICE = UserInfo("alice", "uid-alice", ("dev", "qa"))
ADMIN = UserInfo("admin", groups=("system:masters",))


class Bound:
    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> AuthnResponse | None:
        return AuthnResponse(UserInfo("sa", extra={"k": ("v",)}), ("vault",)) if token == "sa" else None


def context(user: UserInfo = ADMIN) -> RequestContext:
    return RequestContext(user, "create", "", "", "", False, MemoryClient())


def review(spec: dict[str, Any] | None) -> dict[str, Any]:
    obj: dict[str, Any] = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {}}
    return {**obj, "spec": spec} if spec is not None else obj


async def status(spec: dict[str, Any]) -> dict[str, Any]:
    members = [
        Member("token_file", "token", TokenFileAuthenticator({"alice-token": ALICE})),
        Member("bound", "token", Bound()),
    ]
    answered = await TokenReview(TokenUnion(members, [SERVER])).create(context(), review(spec))
    assert answered["spec"] == spec
    found: dict[str, Any] = answered["status"]
    return found


async def test_a_good_token_shows_its_user() -> None:
    assert await status({"token": "alice-token"}) == {
        "authenticated": True,
        "user": {"username": "alice", "uid": "uid-alice", "groups": ["dev", "qa", "system:authenticated"]},
        "audiences": [SERVER],
    }


async def test_static_tokens_are_good_for_the_server_only() -> None:
    assert (await status({"token": "alice-token", "audiences": ["other", SERVER]}))["audiences"] == [SERVER]
    refused = await status({"token": "alice-token", "audiences": ["other"]})
    assert refused == {"user": {}, "error": "invalid bearer token"}


async def test_bound_tokens_are_good_for_their_audiences() -> None:
    answered = await status({"token": "sa", "audiences": ["vault", "x"]})
    assert answered["audiences"] == ["vault"]
    assert answered["user"]["extra"] == {"k": ["v"]}
    assert await status({"token": "sa"}) == {
        "user": {},
        "error": f'[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["{SERVER}"]]',
    }


async def test_an_unknown_token_is_an_answer_and_no_failure() -> None:
    assert await status({"token": "nope"}) == {"user": {}, "error": "invalid bearer token"}


@pytest.mark.parametrize("spec", [None, {}, {"token": ""}])
async def test_a_review_needs_a_token(spec: dict[str, Any] | None) -> None:
    with pytest.raises(StatusError) as caught:
        await TokenReview(TokenUnion([], [])).create(context(), review(spec))
    assert (caught.value.code, caught.value.message) == (400, "token is required for TokenReview in authentication")


async def test_self_review_shows_the_sender_and_nothing_that_was_sent() -> None:
    sent = {
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"name": "x"},
        "status": {"userInfo": {"username": "spoof"}},
    }
    answered = await SelfReview().create(context(ALICE), sent)
    assert answered["status"] == {"userInfo": {"username": "alice", "uid": "uid-alice", "groups": ["dev", "qa"]}}
    assert list(answered["metadata"]) == ["creationTimestamp"]


def test_empty_parts_of_a_user_are_left_out() -> None:
    assert shown_user(UserInfo("")) == {}
