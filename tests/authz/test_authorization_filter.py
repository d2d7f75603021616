from collections.abc import MutableMapping
from typing import Any

import pytest

from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, Decision, Verdict
from kapi.contracts.storage import Unavailable
from kapi.endpoints.requestinfo import parse_request_info
from kapi.endpoints.state import RequestState
from kapi.filters.authorization import with_authorization
from kapi.meta.errors import StatusError


class Authorizer:
    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.asked: list[Attributes] = []

    async def authorize(self, attributes: Attributes) -> Decision:
        self.asked.append(attributes)
        return self.decision


NO = Decision(Verdict.NO_OPINION)


async def run(method: str, path: str, decision: Decision = NO, user: str = "alice") -> tuple[Attributes, RequestState]:
    raw, _, query = path.partition("?")
    state = RequestState(parse_request_info(method, raw.encode(), query.encode()))
    state.user = UserInfo(user) if user else None
    authorizer = Authorizer(decision)
    reached: list[MutableMapping[str, Any]] = []

    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        reached.append(scope)

    await with_authorization(app, authorizer)({"kapi": state}, None, None)  # type: ignore[arg-type]  # not used
    assert reached
    return authorizer.asked[0], state


REFUSALS = [
    (
        "GET",
        "/api/v1/namespaces/x/configmaps/a",
        'configmaps "a" is forbidden: User "alice" cannot get resource "configmaps" in API group "" '
        'in the namespace "x"',
        {"name": "a", "kind": "configmaps"},
    ),
    (
        "GET",
        "/api/v1/nodes",
        'nodes is forbidden: User "alice" cannot list resource "nodes" in API group "" at the cluster scope',
        {"kind": "nodes"},
    ),
    (
        "PUT",
        "/apis/certificates.k8s.io/v1/certificatesigningrequests/c/approval",
        'certificatesigningrequests.certificates.k8s.io "c" is forbidden: User "alice" cannot update resource '
        '"certificatesigningrequests/approval" in API group "certificates.k8s.io" at the cluster scope',
        {"name": "c", "group": "certificates.k8s.io", "kind": "certificatesigningrequests"},
    ),
    ("GET", "/metrics", 'forbidden: User "alice" cannot get path "/metrics"', {}),
    ("PROPFIND", "/foo", 'forbidden: User "alice" cannot propfind path "/foo"', {}),
    (
        "DELETE",
        "/api/v1/namespaces/x/pods",
        'pods is forbidden: User "alice" cannot deletecollection resource "pods" in API group "" in the namespace "x"',
        {"kind": "pods"},
    ),
    (
        "GET",
        "/apis/apps/v1/deployments?watch=true",
        'deployments.apps is forbidden: User "alice" cannot watch resource "deployments" in API group "apps" '
        "at the cluster scope",
        {"group": "apps", "kind": "deployments"},
    ),
]


@pytest.mark.parametrize(("method", "path", "message", "details"), REFUSALS)
async def test_refusals_say_who_cannot_do_what(method: str, path: str, message: str, details: dict[str, str]) -> None:
    with pytest.raises(StatusError) as caught:
        await run(method, path)
    assert (caught.value.code, caught.value.reason) == (403, "Forbidden")
    assert caught.value.message == message
    assert caught.value.details == details


async def test_the_reason_follows_the_refusal() -> None:
    with pytest.raises(StatusError, match=r'cannot get path "/x": because$'):
        await run("GET", "/x", Decision(Verdict.DENY, "because"))


async def test_names_in_messages_cannot_be_markup() -> None:
    with pytest.raises(StatusError, match="&lt;b&gt;"):
        await run("GET", "/x", user="<b>")


async def test_what_is_allowed_goes_on_and_is_noted_for_audit() -> None:
    asked, state = await run("GET", "/api/v1/namespaces/x/pods/p/log", Decision(Verdict.ALLOW, "as asked"))
    assert (asked.verb, asked.resource, asked.subresource, asked.namespace, asked.name) == (
        "get",
        "pods",
        "log",
        "x",
        "p",
    )
    assert asked.resource_request
    assert state.audit == {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": "as asked",
    }


async def test_nothing_is_authorized_before_it_is_authenticated() -> None:
    with pytest.raises(StatusError) as caught:
        await run("GET", "/x", Decision(Verdict.ALLOW), user="")
    assert caught.value.code == 500


class Following:
    """A process that is behind the store, until it catches up; the authorizer changes its mind with it."""

    def __init__(self, before: Verdict, after: Verdict) -> None:
        self.revision = 1
        self.verdicts = {1: before, 2: after}
        self.error: Exception | None = None
        self.asked = 0

    async def current(self) -> None:
        if self.error:
            raise self.error
        self.revision = 2

    async def authorize(self, attributes: Attributes) -> Decision:
        self.asked += 1
        return Decision(self.verdicts[self.revision])


async def pass_through(following: Following, *, confirm: bool = False) -> None:
    state = RequestState(parse_request_info("GET", b"/api/v1/namespaces/x/pods/p"))
    state.user = UserInfo("alice")

    async def read(scope: Any, receive: Any, send: Any) -> None:
        if confirm:
            await following.current()
        assert state.confirm is not None
        await state.confirm(state)

    await with_authorization(read, following, following)({"kapi": state}, None, None)  # type: ignore[arg-type]


async def test_nobody_is_refused_by_old_rules() -> None:
    following = Following(Verdict.NO_OPINION, Verdict.ALLOW)
    await pass_through(following)
    assert following.revision == 2


async def test_who_is_refused_by_the_latest_rules_stays_so() -> None:
    following = Following(Verdict.NO_OPINION, Verdict.NO_OPINION)
    with pytest.raises(StatusError):
        await pass_through(following)
    following.error = Unavailable("gone")
    following.revision = 1
    with pytest.raises(StatusError):
        await pass_through(following)


async def test_a_read_that_has_caught_up_asks_again() -> None:
    following = Following(Verdict.ALLOW, Verdict.NO_OPINION)
    with pytest.raises(StatusError):
        await pass_through(following, confirm=True)


async def test_nothing_is_asked_twice_when_nothing_has_changed() -> None:
    following = Following(Verdict.ALLOW, Verdict.NO_OPINION)
    await pass_through(following)
    assert following.asked == 1
