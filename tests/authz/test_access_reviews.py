from collections.abc import Sequence
from typing import Any

import pytest

from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, Decision, NonResourceRule, ResourceRule, Rules, Verdict
from kapi.contracts.resources import RequestContext
from kapi.meta.errors import StatusError
from kapi.testing.memory_client import MemoryClient
from kapi_apigroups.authorization.reviews import LocalReview, RulesReview, SelfReview, SubjectReview

POD = {"verb": "get", "resource": "pods", "namespace": "ns"}
PATH = {"verb": "get", "path": "/x"}


class Authorizer:
    def __init__(self, decision: Decision = Decision(Verdict.NO_OPINION)) -> None:  # noqa: B008 - immutable
        self.decision = decision
        self.asked: list[Attributes] = []

    async def authorize(self, attributes: Attributes) -> Decision:
        self.asked.append(attributes)
        return self.decision


class Resolver:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    async def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        return self.rules


def context() -> RequestContext:
    return RequestContext(UserInfo("me", groups=("g",)), "create", "", "", "", False, MemoryClient())


def review(spec: dict[str, Any], **metadata: str) -> dict[str, Any]:
    return {"kind": "X", "apiVersion": "authorization.k8s.io/v1", "metadata": metadata, "spec": spec}


async def refused(handler: SubjectReview, spec: dict[str, Any], **metadata: str) -> Sequence[str]:
    with pytest.raises(StatusError) as caught:
        await handler.create(context(), review(spec, **metadata))
    assert caught.value.code == 422
    assert caught.value.message.startswith('.authorization.k8s.io "" is invalid: ')
    details = caught.value.details or {}
    assert details["group"] == "authorization.k8s.io"
    assert not details.keys() & {"name", "kind"}
    return [f"{cause['field']}: {cause['message']}" for cause in details["causes"]]


@pytest.mark.parametrize(
    ("decision", "status"),
    [
        (Decision(Verdict.ALLOW, "RBAC: so"), {"allowed": True, "reason": "RBAC: so"}),
        (Decision(Verdict.ALLOW), {"allowed": True}),
        (Decision(Verdict.NO_OPINION), {"allowed": False}),
        (Decision(Verdict.DENY, "no"), {"allowed": False, "denied": True, "reason": "no"}),
    ],
)
async def test_the_decision_is_the_status(decision: Decision, status: dict[str, Any]) -> None:
    spec = {"user": "bob", "resourceAttributes": POD}
    answered = await SubjectReview(Authorizer(decision)).create(
        context(), {**review(spec), "status": {"allowed": False}}
    )
    assert answered["status"] == status
    assert answered["spec"] == spec


async def test_everything_in_the_spec_is_asked() -> None:
    authorizer = Authorizer()
    resource = {**POD, "group": "g", "version": "v", "subresource": "log", "name": "p"}
    selectors = {
        "fieldSelector": {"rawSelector": "a=b"},
        "labelSelector": {"requirements": [{"key": "k", "operator": "In", "values": ["x", "y"]}]},
    }
    spec = {"user": "bob", "uid": "u", "groups": ["qa"], "extra": {"a": ["b"]}}
    await SubjectReview(authorizer).create(context(), review({**spec, "resourceAttributes": {**resource, **selectors}}))
    bob = UserInfo("bob", "u", ("qa",), {"a": ("b",)})
    assert authorizer.asked == [
        Attributes(bob, "get", True, "", "g", "v", "pods", "log", "ns", "p", "a=b", "k in (x,y)")
    ]


async def test_paths_are_asked_as_paths() -> None:
    authorizer = Authorizer()
    await SubjectReview(authorizer).create(context(), review({"user": "bob", "nonResourceAttributes": PATH}))
    assert authorizer.asked == [Attributes(UserInfo("bob"), "get", False, "/x")]


async def test_self_review_is_about_the_sender_whatever_it_says() -> None:
    authorizer = Authorizer()
    await SelfReview(authorizer).create(context(), review({"user": "admin", "resourceAttributes": POD}))
    assert authorizer.asked[0].user == UserInfo("me", groups=("g",))


BOTH_MISSING = (
    "spec.resourceAttributes: Invalid value: null: "
    "exactly one of nonResourceAttributes or resourceAttributes must be specified"
)
NO_SUBJECT = 'spec.user: Invalid value: "": at least one of user or group must be specified'
BOTH_GIVEN = (
    'spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":"get"}: '
    "cannot be specified in combination with resourceAttributes"
)


@pytest.mark.parametrize(
    ("spec", "causes"),
    [
        ({"user": "bob"}, [BOTH_MISSING]),
        ({"resourceAttributes": POD}, [NO_SUBJECT]),
        ({"resourceAttributes": POD, "groups": []}, [NO_SUBJECT]),
        ({}, [BOTH_MISSING, NO_SUBJECT]),
        ({"user": "bob", "resourceAttributes": POD, "nonResourceAttributes": PATH}, [BOTH_GIVEN]),
    ],
)
async def test_questions_that_make_no_sense_are_refused(spec: dict[str, Any], causes: list[str]) -> None:
    assert await refused(SubjectReview(Authorizer()), spec) == causes


@pytest.mark.parametrize("handler", [SubjectReview(Authorizer()), SelfReview(Authorizer())])
async def test_reviews_have_no_metadata(handler: SubjectReview) -> None:
    spec = {"user": "bob", "resourceAttributes": POD}
    assert await refused(handler, spec, name="n") == ['metadata: Invalid value: {"name":"n"}: must be empty']
    obj = {**review(spec), "metadata": {"managedFields": [{}]}}
    assert (await handler.create(context(), obj))["status"] == {"allowed": False}


async def test_local_reviews_are_about_their_namespace() -> None:
    local = LocalReview(Authorizer())
    spec = {"user": "bob", "resourceAttributes": POD}
    assert (await local.create(context(), review(spec, namespace="ns")))["status"] == {"allowed": False}
    assert await refused(local, spec, namespace="other") == [
        'spec.resourceAttributes.namespace: Invalid value: "ns": must match metadata.namespace'
    ]
    assert await refused(local, {"user": "bob", "nonResourceAttributes": PATH}, namespace="ns") == [
        'spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":"get"}: disallowed on this kind of request'
    ]
    assert await refused(local, spec, namespace="ns", name="n") == [
        'metadata: Invalid value: {"namespace":"ns","name":"n"}: must be empty except for namespace'
    ]


@pytest.mark.parametrize(
    ("selector", "cause"),
    [
        ({"rawSelector": "a", "requirements": [{"key": "a", "operator": "Exists"}]}, "rawSelector: Invalid value"),
        ({}, "requirements: Required value"),
        ({"requirements": [{"operator": "Exists"}]}, "requirements[0].key: Required value"),
        ({"requirements": [{"key": "a", "operator": "In"}]}, "requirements[0].values: Required value"),
        (
            {"requirements": [{"key": "a", "operator": "Exists", "values": ["x"]}]},
            "requirements[0].values: Forbidden",
        ),
        ({"requirements": [{"key": "a", "operator": "Like"}]}, "requirements[0].operator: Unsupported value"),
    ],
)
@pytest.mark.parametrize("member", ["fieldSelector", "labelSelector"])
async def test_selectors_are_checked(selector: dict[str, Any], cause: str, member: str) -> None:
    spec = {"user": "bob", "resourceAttributes": {**POD, member: selector}}
    causes = await refused(SubjectReview(Authorizer()), spec)
    assert len(causes) == 1
    assert causes[0].startswith(f"spec.resourceAttributes.{member}.{cause}")


async def test_rules_are_listed_and_the_spec_is_not_repeated() -> None:
    rules = Rules([ResourceRule(("get",), ("",), ("pods",), ("p",))], [NonResourceRule(("get",), ("/api",))])
    answered = await RulesReview(Resolver(rules)).create(context(), review({"namespace": "ns"}))
    assert answered["spec"] == answered["metadata"] == {}
    assert answered["status"] == {
        "resourceRules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["p"]}],
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/api"]}],
        "incomplete": False,
    }


async def test_rules_that_cannot_be_listed_are_said_to_be_incomplete() -> None:
    for resolver in (None, Resolver(Rules([], [], True, "because"))):
        status = (await RulesReview(resolver).create(context(), review({"namespace": "ns"})))["status"]
        assert status["incomplete"] is True
        assert status["evaluationError"]


@pytest.mark.parametrize("spec", [{}, {"namespace": ""}])
async def test_a_rules_review_needs_a_namespace(spec: dict[str, str]) -> None:
    with pytest.raises(StatusError) as caught:
        await RulesReview(None).create(context(), review(spec))
    assert (caught.value.code, caught.value.message) == (400, "no namespace on request")
