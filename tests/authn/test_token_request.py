from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from kapi.contracts.authn import IssuedToken, UserInfo
from kapi.contracts.resources import RequestContext
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from kapi.meta.times import format_seconds
from kapi.testing.memory_client import MemoryClient
from kapi_apigroups.authentication.token_request import TokenRequestHandler

SERVER = "https://kubernetes.default.svc"
NOW = 1_800_000_000


class Tokens:
    """Keeps what it was asked to sign."""

    issuer = SERVER
    audiences: tuple[str, ...] = (SERVER,)
    asked: dict[str, Any]

    def issue(self, *, seconds: int, **asked: Any) -> IssuedToken:
        self.asked = {"seconds": seconds, **asked}
        return IssuedToken("signed", NOW + seconds)

    def verify(self, token: str) -> Mapping[str, Any] | None:
        return None

    def public_keys(self) -> Sequence[Mapping[str, Any]]:
        return ()


async def a_client() -> MemoryClient:
    client = MemoryClient()
    objects: list[tuple[str, dict[str, Any]]] = [
        ("serviceaccounts", {"metadata": {"name": "a", "uid": "ua"}}),
        ("secrets", {"metadata": {"name": "sec", "uid": "us"}}),
        ("pods", {"metadata": {"name": "p", "uid": "up"}, "spec": {"serviceAccountName": "a", "nodeName": "n"}}),
        ("pods", {"metadata": {"name": "q", "uid": "uq"}, "spec": {"serviceAccountName": "a", "nodeName": "gone"}}),
        ("pods", {"metadata": {"name": "other", "uid": "uo"}, "spec": {"serviceAccountName": "b"}}),
    ]
    for resource, obj in objects:
        await client.create(GroupVersionResource("", "v1", resource), obj, "ns")
    await client.create(GroupVersionResource("", "v1", "nodes"), {"metadata": {"name": "n", "uid": "un"}})
    return client


async def ask(
    spec: dict[str, Any] | None = None, *, account: str = "a", metadata: dict[str, Any] | None = None, **options: Any
) -> tuple[dict[str, Any], Tokens, list[str]]:
    ctx = RequestContext(UserInfo("x"), "create", "ns", account, "token", False, await a_client())
    obj: dict[str, Any] = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
    tokens = Tokens()
    obj |= {"metadata": metadata or {}, "spec": spec or {}}
    return await TokenRequestHandler(tokens, **options).create(ctx, obj), tokens, ctx.warnings


async def refused(spec: dict[str, Any] | None = None, **options: Any) -> StatusError:
    with pytest.raises(StatusError) as caught:
        await ask(spec, **options)
    return caught.value


async def test_defaults_are_an_hour_for_this_server() -> None:
    answered, tokens, _ = await ask()
    assert answered["spec"] == {"audiences": [SERVER], "expirationSeconds": 3600, "boundObjectRef": None}
    assert answered["status"] == {"token": "signed", "expirationTimestamp": format_seconds(NOW + 3600)}
    metadata = answered["metadata"]
    assert list(metadata) == ["name", "namespace", "uid", "creationTimestamp"]
    assert tokens.asked == {
        "namespace": "ns",
        "name": "a",
        "uid": "ua",
        "audiences": [SERVER],
        "seconds": 3600,
        "bound": {},
        "warn_after": 0,
    }


@pytest.mark.parametrize(
    ("reference", "bound"),
    [
        ({"kind": "Secret", "apiVersion": "v1", "name": "sec"}, {"secret": {"name": "sec", "uid": "us"}}),
        ({"kind": "Secret", "name": "sec"}, {"secret": {"name": "sec", "uid": "us"}}),
        ({"kind": "Secret", "apiVersion": "v2", "name": "sec", "uid": "us"}, {"secret": {"name": "sec", "uid": "us"}}),
        ({"kind": "Node", "apiVersion": "v1", "name": "n"}, {"node": {"name": "n", "uid": "un"}}),
        (
            {"kind": "Pod", "apiVersion": "v1", "name": "p"},
            {"pod": {"name": "p", "uid": "up"}, "node": {"name": "n", "uid": "un"}},
        ),
        (
            {"kind": "Pod", "apiVersion": "v1", "name": "q"},
            {"pod": {"name": "q", "uid": "uq"}, "node": {"name": "gone"}},
        ),
    ],
)
async def test_tokens_are_bound_to_objects(reference: dict[str, Any], bound: dict[str, Any]) -> None:
    _, tokens, _ = await ask({"boundObjectRef": reference})
    assert tokens.asked["bound"] == bound


@pytest.mark.parametrize(
    ("reference", "code", "message"),
    [
        ({"kind": "Pod", "apiVersion": "v1", "name": "none"}, 404, 'pods "none" not found'),
        ({"kind": "Secret", "apiVersion": "v1", "name": "none"}, 404, 'secrets "none" not found'),
        ({"kind": "Secret", "apiVersion": "v1"}, 400, "Name parameter required."),
        (
            {"kind": "ConfigMap", "apiVersion": "v1", "name": "x"},
            400,
            "cannot bind token to object of type /v1, Kind=ConfigMap",
        ),
        (
            {"kind": "Pod", "apiVersion": "apps/v1", "name": "p"},
            400,
            "cannot bind token to object of type apps/v1, Kind=Pod",
        ),
        (
            {"kind": "Pod", "apiVersion": "v1", "name": "other"},
            400,
            'cannot bind token for serviceaccount "a" to pod running with different serviceaccount name.',
        ),
        (
            {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": "wrong"},
            409,
            'Operation cannot be fulfilled on Pod "p": the UID in the bound object reference (wrong) does not match '
            "the UID in record. The object might have been deleted and then recreated",
        ),
    ],
)
async def test_tokens_are_not_bound_to_what_is_not_there(reference: dict[str, Any], code: int, message: str) -> None:
    error = await refused({"boundObjectRef": reference})
    assert (error.code, error.message) == (code, message)


@pytest.mark.parametrize(
    ("seconds", "detail"),
    [
        (0, "may not specify a duration less than 10 minutes"),
        (599, "may not specify a duration less than 10 minutes"),
        (4294967297, "may not specify a duration larger than 2^32 seconds"),
    ],
)
async def test_lifetimes_have_bounds(seconds: int, detail: str) -> None:
    error = await refused({"expirationSeconds": seconds})
    assert error.code == 422
    assert error.message == (
        f'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: {seconds}: {detail}'
    )


async def test_the_server_may_shorten_lifetimes() -> None:
    answered, tokens, warnings = await ask({"expirationSeconds": 86400}, max_seconds=7200)
    assert answered["spec"]["expirationSeconds"] == tokens.asked["seconds"] == 7200
    assert warnings == ["requested expiration of 86400 seconds shortened to 7200 seconds"]


@pytest.mark.parametrize(
    ("spec", "extend", "seconds"),
    [
        (
            {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}, "expirationSeconds": 3607},
            True,
            31536000,
        ),
        ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}, "expirationSeconds": 3607}, False, 3607),
        ({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}, "expirationSeconds": 3600}, True, 3600),
        ({"boundObjectRef": {"kind": "Secret", "name": "sec"}, "expirationSeconds": 3607}, True, 3607),
        (
            {
                "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"},
                "expirationSeconds": 3607,
                "audiences": ["vault"],
            },
            True,
            3607,
        ),
    ],
)
async def test_only_tokens_that_pods_get_by_themselves_live_longer(
    spec: dict[str, Any], extend: bool, seconds: int
) -> None:
    answered, tokens, _ = await ask(spec, extend=extend)
    assert tokens.asked["seconds"] == seconds
    assert tokens.asked["warn_after"] == (3607 if seconds == 31536000 else 0)
    wanted = answered["spec"]["expirationSeconds"]
    assert answered["status"]["expirationTimestamp"] == format_seconds(NOW + wanted)


async def test_a_missing_account_is_not_found() -> None:
    error = await refused(account="none")
    assert (error.code, error.message) == (404, 'serviceaccounts "none" not found')


@pytest.mark.parametrize("member", ["name", "namespace"])
async def test_metadata_must_fit_the_path(member: str) -> None:
    error = await refused(metadata={member: "other"})
    assert error.code == 422
    assert f'metadata.{member}: Invalid value: "other": must match the service account {member}' in error.message


async def test_without_a_key_no_token_is_issued() -> None:
    ctx = RequestContext(UserInfo("x"), "create", "ns", "a", "token", False, await a_client())
    with pytest.raises(StatusError) as caught:
        await TokenRequestHandler(None).create(ctx, {"spec": {}})
    assert caught.value.code == 503
