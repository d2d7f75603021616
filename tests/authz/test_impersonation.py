from collections.abc import MutableMapping
from typing import Any

import pytest

from kapi.authz.union import AuthorizerUnion
from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, Authorizer, Decision, Verdict
from kapi.endpoints.requestinfo import parse_request_info
from kapi.endpoints.state import RequestState
from kapi.filters.impersonation import with_impersonation
from kapi.meta.errors import StatusError

ALICE = UserInfo("alice")
NODE_NAME = "authentication.kubernetes.io/node-name"


class Granted:
    """Allows what is listed as (verb, resource, name), where ``*`` stands for anything."""

    def __init__(self, *grants: tuple[str, str, str]) -> None:
        self.grants = grants
        self.asked: list[Attributes] = []

    async def authorize(self, asked: Attributes) -> Decision:
        self.asked.append(asked)
        resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
        wanted = (asked.verb, resource, asked.name)
        if any(all(g in ("*", w) for g, w in zip(grant, wanted, strict=True)) for grant in self.grants):
            return Decision(Verdict.ALLOW)
        return Decision(Verdict.NO_OPINION)


class Chain:
    """The filter with a sender; keeps the scope that came through."""

    def __init__(self, authorizer: Authorizer, sender: UserInfo = ALICE) -> None:
        self.sender = sender
        self.scope: MutableMapping[str, Any] = {}
        self.app = with_impersonation(self._seen, authorizer)

    async def _seen(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        self.scope = scope

    async def __call__(self, *headers: tuple[str, str], path: str = "/api/v1/namespaces/ns/pods") -> UserInfo:
        state = RequestState(parse_request_info("GET", path.encode()))
        state.user = self.sender
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self.app({"kapi": state, "headers": raw}, None, None)  # type: ignore[arg-type]  # not used
        assert state.user is not None
        return state.user


ADMIN = UserInfo("admin", groups=("system:masters", "system:authenticated"))


def as_admin() -> Chain:
    return Chain(AuthorizerUnion([]), ADMIN)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("Impersonate-User", "jane")], UserInfo("jane", groups=("system:authenticated",))),
        (
            [("Impersonate-User", "jane"), ("Impersonate-Group", "g1"), ("Impersonate-Group", "g2")],
            UserInfo("jane", groups=("g1", "g2", "system:authenticated")),
        ),
        (
            [("Impersonate-User", "jane"), ("Impersonate-Uid", "u-1")],
            UserInfo("jane", "u-1", ("system:authenticated",)),
        ),
        (
            [
                ("Impersonate-User", "jane"),
                ("Impersonate-Extra-Scopes", "view"),
                ("Impersonate-Extra-scopes", "edit"),
                ("Impersonate-Extra-acme.com%2Fproject", "some"),
            ],
            UserInfo(
                "jane",
                groups=("system:authenticated",),
                extra={"scopes": ("view", "edit"), "acme.com/project": ("some",)},
            ),
        ),
        ([("Impersonate-User", "system:anonymous")], UserInfo("system:anonymous", groups=("system:unauthenticated",))),
        (
            [("Impersonate-User", "jane"), ("Impersonate-Group", "system:unauthenticated")],
            UserInfo("jane", groups=("system:unauthenticated",)),
        ),
        (
            [("Impersonate-User", "jane"), ("Impersonate-Group", "system:authenticated")],
            UserInfo("jane", groups=("system:authenticated",)),
        ),
        (
            [("Impersonate-User", "system:serviceaccount:ns:robot")],
            UserInfo(
                "system:serviceaccount:ns:robot",
                groups=("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"),
            ),
        ),
        (
            [("Impersonate-User", "system:serviceaccount:ns:robot"), ("Impersonate-Group", "g1")],
            UserInfo("system:serviceaccount:ns:robot", groups=("g1", "system:authenticated")),
        ),
        (
            [("Impersonate-User", "jane"), ("Impersonate-Group", "system:masters")],
            UserInfo("jane", groups=("system:masters", "system:authenticated")),
        ),
        (
            [("Impersonate-User", "first"), ("Impersonate-User", "second")],
            UserInfo("first", groups=("system:authenticated",)),
        ),
        ([("Impersonate-User", "")], ADMIN),
        ([("Impersonate-Foo", "y")], ADMIN),
        ([], ADMIN),
    ],
)
async def test_whom_an_administrator_becomes(headers: list[tuple[str, str]], expected: UserInfo) -> None:
    assert await as_admin()(*headers) == expected


async def test_the_headers_are_gone_and_others_stay() -> None:
    chain = as_admin()
    await chain(("Impersonate-User", "jane"), ("Impersonate-Extra-a", "b"), ("Accept", "*/*"))
    assert chain.scope["headers"] == [(b"accept", b"*/*")]
    assert chain.scope["kapi"].audit["impersonation.kapi/user"] == "jane"


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (("Impersonate-Group", "g1"), 'Name:"", UID:"", Groups:[]string{"g1"}, Extra:map[string][]string(nil)'),
        (("Impersonate-Uid", "u"), 'Name:"", UID:"u", Groups:[]string(nil), Extra:map[string][]string(nil)'),
        (
            ("Impersonate-Extra-x", "y"),
            'Name:"", UID:"", Groups:[]string(nil), Extra:map[string][]string{"x":[]string{"y"}}',
        ),
    ],
)
async def test_headers_without_a_user_are_a_bad_request(header: tuple[str, str], shown: str) -> None:
    with pytest.raises(StatusError) as caught:
        await as_admin()(header)
    assert caught.value.code == 400
    assert caught.value.message == f"requested &user.DefaultInfo{{{shown}}} without impersonating a user name"


async def refused(chain: Chain, *headers: tuple[str, str], path: str = "/api/v1/namespaces/ns/pods") -> str:
    with pytest.raises(StatusError) as caught:
        await chain(*headers, path=path)
    assert caught.value.code == 403
    return caught.value.message


@pytest.mark.parametrize(
    ("user", "mode"),
    [
        ("bob", "user-info"),
        ("alice", "user-info"),
        ("system:anonymous", "user-info"),
        ("system:serviceaccount:bad", "user-info"),
        ("system:serviceaccount:ns:robot", "serviceaccount"),
        ("system:node:n1", "arbitrary-node"),
    ],
)
async def test_nobody_acts_as_another_without_the_right(user: str, mode: str) -> None:
    message = await refused(Chain(Granted()), ("Impersonate-User", user))
    assert message == (
        f'pods is forbidden: User "alice" cannot impersonate-on:{mode}:list resource "pods" in API group "" '
        'in the namespace "ns"'
    )


async def test_paths_are_refused_alike() -> None:
    message = await refused(Chain(Granted()), ("Impersonate-User", "bob"), path="/healthz")
    assert message == 'forbidden: User "alice" cannot impersonate-on:user-info:get path "/healthz"'


async def test_the_older_right_is_checked_part_by_part() -> None:
    chain = Chain(
        Granted(
            ("impersonate", "users", "jane"),
            ("impersonate", "groups", "g1"),
            ("impersonate", "userextras/scopes", "view"),
            ("impersonate", "uids", "u-1"),
            ("impersonate", "serviceaccounts", "robot"),
        )
    )
    jane = ("Impersonate-User", "jane")
    assert (await chain(jane)).name == "jane"
    assert (await chain(jane, ("Impersonate-Group", "g1"))).groups == ("g1", "system:authenticated")
    assert (await chain(jane, ("Impersonate-Extra-scopes", "view"))).extra == {"scopes": ("view",)}
    assert (await chain(jane, ("Impersonate-Uid", "u-1"))).uid == "u-1"
    assert (await chain(("Impersonate-User", "system:serviceaccount:ns:robot"))).groups[0] == "system:serviceaccounts"
    cannot = 'is forbidden: User "alice" cannot impersonate resource'
    assert await refused(chain, ("Impersonate-User", "jack")) == (
        f'users "jack" {cannot} "users" in API group "" at the cluster scope'
    )
    assert await refused(chain, jane, ("Impersonate-Group", "g2")) == (
        f'groups "g2" {cannot} "groups" in API group "" at the cluster scope'
    )
    assert await refused(chain, jane, ("Impersonate-Extra-scopes", "edit")) == (
        f'userextras.authentication.k8s.io "edit" {cannot} "userextras/scopes" in API group "authentication.k8s.io" '
        "at the cluster scope"
    )
    assert await refused(chain, jane, ("Impersonate-Uid", "u-2")) == (
        f'uids.authentication.k8s.io "u-2" {cannot} "uids" in API group "authentication.k8s.io" at the cluster scope'
    )
    assert await refused(chain, ("Impersonate-User", "system:serviceaccount:other:x")) == (
        f'serviceaccounts "x" {cannot} "serviceaccounts" in API group "" in the namespace "other"'
    )


async def test_constrained_rights_need_both_halves() -> None:
    jane = ("Impersonate-User", "jane")
    action, identity = ("impersonate-on:user-info:list", "pods", "*"), ("impersonate:user-info", "users", "jane")
    assert (await Chain(Granted(action, identity))(jane)).name == "jane"
    assert "cannot impersonate:user-info resource" in await refused(Chain(Granted(action)), jane)
    assert "cannot impersonate-on:user-info:list" in await refused(Chain(Granted(identity)), jane)


@pytest.mark.parametrize(
    "header",
    [
        ("Impersonate-Group", "system:masters"),
        ("Impersonate-Group", ""),
        ("Impersonate-Extra-scopes", "view"),
        ("Impersonate-Extra-acme.com%2Fx", ""),
        ("Impersonate-Extra-%2Fx", "y"),
    ],
)
async def test_constrained_rights_never_reach_these(header: tuple[str, str]) -> None:
    everything = Granted(("impersonate-on:user-info:list", "*", "*"), ("impersonate:user-info", "*", "*"))
    assert "is not allowed" in await refused(Chain(everything), ("Impersonate-User", "jane"), header)


async def test_many_groups_may_be_allowed_at_once() -> None:
    granted = Granted(
        ("impersonate-on:user-info:list", "pods", "*"),
        ("impersonate:user-info", "users", "jane"),
        ("impersonate:user-info", "groups", "*"),
    )
    headers = [("Impersonate-Group", f"g{number}") for number in range(6)]
    assert len((await Chain(granted)(("Impersonate-User", "jane"), *headers)).groups) == 7
    assert [asked.name for asked in granted.asked if asked.resource == "groups"] == ["*"]


async def test_a_service_account_may_act_as_its_own_node() -> None:
    granted = Granted(
        ("impersonate-on:associated-node:list", "pods", "*"), ("impersonate:associated-node", "nodes", "*")
    )
    agent = UserInfo("system:serviceaccount:ns:agent", extra={NODE_NAME: ("n1",)})
    acting = await Chain(granted, agent)(("Impersonate-User", "system:node:n1"))
    assert acting == UserInfo("system:node:n1", groups=("system:nodes", "system:authenticated"))
    assert "arbitrary-node" in await refused(Chain(granted, agent), ("Impersonate-User", "system:node:n2"))
    impostor = UserInfo("alice", extra={NODE_NAME: ("n1",)})
    assert "arbitrary-node" in await refused(Chain(granted, impostor), ("Impersonate-User", "system:node:n1"))


async def test_undecodable_extra_keys_stay_as_they_are() -> None:
    assert (await as_admin()(("Impersonate-User", "jane"), ("Impersonate-Extra-a%ffb", "v"))).extra == {"a%ffb": ("v",)}
