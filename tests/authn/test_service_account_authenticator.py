from collections.abc import Mapping
from typing import Any

import pytest

from kapi.contracts.authn import AuthenticationError, IssuedToken
from kapi.contracts.client import Object
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from kapi.testing.memory_client import MemoryClient
from kapi_authn.service_account import ServiceAccountAuthenticator

ACCOUNTS = GroupVersionResource("", "v1", "serviceaccounts")
PODS = GroupVersionResource("", "v1", "pods")
SECRETS = GroupVersionResource("", "v1", "secrets")
NODES = GroupVersionResource("", "v1", "nodes")
SERVER = "https://kubernetes.default.svc"
NOW = 1_800_000_000.0
ROBOT = {"name": "robot", "uid": "u1"}


class Tokens:
    """Takes every token for one with the given claims."""

    issuer = SERVER
    audiences: tuple[str, ...] = (SERVER,)

    def __init__(self, about: Mapping[str, Any], audiences: tuple[str, ...] = (SERVER,)) -> None:
        self.claims = {
            "aud": list(audiences),
            "jti": "id-1",
            "kubernetes.io": {"namespace": "ns", "serviceaccount": ROBOT, **about},
        }

    def issue(self, **options: Any) -> IssuedToken:
        raise AssertionError("not asked for")

    def verify(self, token: str) -> Mapping[str, Any] | None:
        return self.claims if token == "good" else None

    def public_keys(self) -> list[Mapping[str, Any]]:
        return []


async def client_with(**objects: Object) -> MemoryClient:
    """Return a client with the account, and objects given as ``pod={"name": …, "uid": …}``."""
    resources = {"account": ACCOUNTS, "pod": PODS, "secret": SECRETS, "node": NODES}
    client = MemoryClient()
    for kind, metadata in {"account": dict(ROBOT), **objects}.items():
        namespace = "" if kind == "node" else "ns"
        await client.create(resources[kind], {"metadata": dict(metadata)}, namespace)
    return client


def authenticator(client: MemoryClient | None, **about: Any) -> ServiceAccountAuthenticator:
    return ServiceAccountAuthenticator(Tokens(about), client, lambda: NOW)


async def test_identity_of_an_unbound_token() -> None:
    response = await authenticator(await client_with()).authenticate_token("good", ())
    assert response is not None
    assert response.user.name == "system:serviceaccount:ns:robot"
    assert response.user.uid == "u1"
    assert response.user.groups == ("system:serviceaccounts", "system:serviceaccounts:ns")
    assert response.user.extra == {"authentication.kubernetes.io/credential-id": ("JTI=id-1",)}
    assert response.audiences == (SERVER,)


async def test_identity_of_a_pods_token_names_pod_and_node() -> None:
    client = await client_with(pod={"name": "p", "uid": "u2"})
    bound = {"pod": {"name": "p", "uid": "u2"}, "node": {"name": "n", "uid": "u3"}}
    response = await authenticator(client, **bound).authenticate_token("good", ())
    assert response is not None
    assert dict(response.user.extra) == {
        "authentication.kubernetes.io/credential-id": ("JTI=id-1",),
        "authentication.kubernetes.io/pod-name": ("p",),
        "authentication.kubernetes.io/pod-uid": ("u2",),
        "authentication.kubernetes.io/node-name": ("n",),
        "authentication.kubernetes.io/node-uid": ("u3",),
    }


async def test_tokens_of_other_issuers_are_passed_over() -> None:
    assert await authenticator(await client_with()).authenticate_token("other", ()) is None


async def test_a_deleted_account_ends_its_tokens_at_once() -> None:
    client = await client_with()
    known = authenticator(client)
    assert await known.authenticate_token("good", ()) is not None
    await client.delete(ACCOUNTS, "robot", "ns")
    with pytest.raises(AuthenticationError, match='serviceaccounts "robot" not found'):
        await known.authenticate_token("good", ())


async def test_a_recreated_account_is_another() -> None:
    client = await client_with(account={"name": "robot", "uid": "u9"})
    with pytest.raises(AuthenticationError, match=r"service account UID \(u9\) does not match claim \(u1\)"):
        await authenticator(client).authenticate_token("good", ())


@pytest.mark.parametrize("kind", ["pod", "secret", "node"])
async def test_what_a_token_is_bound_to_must_be_there(kind: str) -> None:
    bound = {kind: {"name": "x", "uid": "u2"}}
    with pytest.raises(AuthenticationError, match="^service account token has been invalidated$"):
        await authenticator(await client_with(), **bound).authenticate_token("good", ())


@pytest.mark.parametrize("kind", ["pod", "secret", "node"])
async def test_what_a_token_is_bound_to_must_be_the_same(kind: str) -> None:
    client = await client_with(**{kind: {"name": "x", "uid": "u3"}})
    bound = {kind: {"name": "x", "uid": "u2"}}
    with pytest.raises(AuthenticationError, match=rf"{kind} UID \(u3\) does not match .* \(u2\)"):
        await authenticator(client, **bound).authenticate_token("good", ())


@pytest.mark.parametrize(("seconds_ago", "good"), [(30, True), (90, False)])
async def test_what_is_long_overdue_counts_as_deleted(seconds_ago: int, good: bool) -> None:
    from kapi.meta.times import format_seconds

    pod = {"name": "p", "uid": "u2", "deletionTimestamp": format_seconds(NOW - seconds_ago)}
    found = authenticator(await client_with(pod=pod), pod={"name": "p", "uid": "u2"})
    if good:
        assert await found.authenticate_token("good", ()) is not None
    else:
        with pytest.raises(AuthenticationError, match="invalidated"):
            await found.authenticate_token("good", ())


async def test_a_view_that_lags_behind_is_no_reason_to_refuse() -> None:
    client = MemoryClient(lagging=[ACCOUNTS])
    await client.create(ACCOUNTS, {"metadata": dict(ROBOT)}, "ns")
    assert await authenticator(client).authenticate_token("good", ()) is not None


async def test_objects_are_not_looked_up_for_tokens_that_are_for_others() -> None:
    response = await authenticator(MemoryClient()).authenticate_token("good", ("other",))
    assert response is not None
    assert response.audiences == (SERVER,)


async def test_lookup_can_be_switched_off() -> None:
    assert await authenticator(None, secret={"name": "gone", "uid": "u"}).authenticate_token("good", ()) is not None


async def test_a_store_that_fails_refuses() -> None:
    class Failing(MemoryClient):
        async def get(self, resource: GroupVersionResource, name: str, namespace: str = "") -> Object:
            raise StatusError(503, "ServiceUnavailable", "no store")

    with pytest.raises(StatusError):
        await authenticator(Failing()).authenticate_token("good", ())
