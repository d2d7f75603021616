from typing import Any

import pytest

from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, NonResourceRule, ResourceRule, Verdict
from kapi.meta.gvk import GroupVersion
from kapi.testing.memory_client import MemoryClient
from kapi_authz.rbac import RBACAuthorizer

RBAC = GroupVersion("rbac.authorization.k8s.io", "v1")
BOB = UserInfo("bob", groups=("", "system:authenticated"))


class Cluster:
    """A client with shorthands for RBAC objects, and the authorizer over it."""

    def __init__(self) -> None:
        self.client = MemoryClient()
        self.authorizer = RBACAuthorizer(self.client)

    async def role(self, name: str, *rules: dict[str, Any], namespace: str = "ns") -> None:
        resource = RBAC.with_resource("roles" if namespace else "clusterroles")
        await self.client.create(resource, {"metadata": {"name": name}, "rules": list(rules)}, namespace)

    async def bind(
        self, name: str, role: str, *subjects: dict[str, str], kind: str = "Role", namespace: str = "ns"
    ) -> None:
        resource = RBAC.with_resource("rolebindings" if namespace else "clusterrolebindings")
        obj = {"metadata": {"name": name}, "roleRef": {"kind": kind, "name": role}, "subjects": list(subjects)}
        await self.client.create(resource, obj, namespace)

    async def may(self, user: UserInfo, verb: str, resource: str, **attributes: str) -> bool:
        asked = Attributes(user, verb, True, resource=resource, **{"namespace": "ns", **attributes})
        return (await self.authorizer.authorize(asked)).verdict is Verdict.ALLOW

    async def may_path(self, user: UserInfo, verb: str, path: str) -> bool:
        return (await self.authorizer.authorize(Attributes(user, verb, False, path))).verdict is Verdict.ALLOW


def rule(verbs: str, resources: str, groups: str = "", names: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {
        "verbs": verbs.split(","),
        "apiGroups": groups.split(","),
        "resources": resources.split(","),
    }
    return {**made, "resourceNames": names.split(",")} if names else made


def user(name: str) -> dict[str, str]:
    return {"kind": "User", "name": name}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


async def test_a_role_allows_what_it_names_in_its_namespace(cluster: Cluster) -> None:
    await cluster.role("r", rule("get,update", "configmaps"))
    await cluster.bind("b", "r", user("bob"))
    assert await cluster.may(BOB, "get", "configmaps", name="a")
    assert not await cluster.may(BOB, "list", "configmaps")
    assert not await cluster.may(BOB, "get", "secrets")
    assert not await cluster.may(BOB, "get", "configmaps", group="apps")
    assert not await cluster.may(BOB, "get", "configmaps", namespace="default")
    assert not await cluster.may(BOB, "get", "configmaps", namespace="")
    assert not await cluster.may(UserInfo("alice"), "get", "configmaps")


async def test_changes_take_effect_at_once(cluster: Cluster) -> None:
    await cluster.role("r", rule("get", "pods"))
    await cluster.bind("b", "r", user("bob"))
    roles, bindings = RBAC.with_resource("roles"), RBAC.with_resource("rolebindings")
    assert await cluster.may(BOB, "get", "pods")
    await cluster.client.update(roles, "r", lambda role: {**role, "rules": [rule("list", "pods")]}, "ns")
    assert not await cluster.may(BOB, "get", "pods")
    assert await cluster.may(BOB, "list", "pods")
    await cluster.client.update(bindings, "b", lambda old: {**old, "subjects": [user("zed")]}, "ns")
    assert not await cluster.may(BOB, "list", "pods")
    assert await cluster.may(UserInfo("zed"), "list", "pods")
    await cluster.client.delete(bindings, "b", "ns")
    assert not await cluster.may(UserInfo("zed"), "list", "pods")
    await cluster.bind("b", "r", user("bob"))
    assert await cluster.may(BOB, "list", "pods")
    await cluster.client.delete(roles, "r", "ns")
    assert not await cluster.may(BOB, "list", "pods")


async def test_a_cluster_role_bound_in_a_namespace_counts_only_there(cluster: Cluster) -> None:
    await cluster.role(
        "cr", rule("get", "pods,nodes"), {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}, namespace=""
    )
    await cluster.bind("b", "cr", user("bob"), kind="ClusterRole")
    assert await cluster.may(BOB, "get", "pods")
    assert not await cluster.may(BOB, "get", "nodes", namespace="")
    assert not await cluster.may_path(BOB, "get", "/metrics")


async def test_a_cluster_role_binding_counts_everywhere(cluster: Cluster) -> None:
    await cluster.role("cr", rule("get", "pods"), {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}, namespace="")
    await cluster.bind("b", "cr", {"kind": "Group", "name": "dev"}, kind="ClusterRole", namespace="")
    alice = UserInfo("alice", groups=("dev",))
    assert await cluster.may(alice, "get", "pods")
    assert await cluster.may(alice, "get", "pods", namespace="")
    assert await cluster.may_path(alice, "get", "/metrics")
    assert not await cluster.may(UserInfo("dev"), "get", "pods")


@pytest.mark.parametrize(
    ("subject", "namespace", "good"),
    [
        ({"kind": "ServiceAccount", "name": "robot", "namespace": "ns"}, "ns", True),
        ({"kind": "ServiceAccount", "name": "robot"}, "ns", True),
        ({"kind": "ServiceAccount", "name": "robot"}, "", False),
        ({"kind": "ServiceAccount", "name": "robot", "namespace": "other"}, "ns", False),
        ({"kind": "User", "name": "system:serviceaccount:ns:robot"}, "ns", True),
        ({"kind": "Group", "name": "system:serviceaccounts:ns"}, "ns", True),
        ({"kind": "Robot", "name": "robot"}, "ns", False),
    ],
)
async def test_service_accounts_as_subjects(
    cluster: Cluster, subject: dict[str, str], namespace: str, good: bool
) -> None:
    await cluster.role("cr", rule("get", "pods"), namespace="")
    await cluster.bind("b", "cr", subject, kind="ClusterRole", namespace=namespace)
    robot = UserInfo("system:serviceaccount:ns:robot", groups=("system:serviceaccounts:ns",))
    assert await cluster.may(robot, "get", "pods") is good


@pytest.mark.parametrize(
    ("resources", "asked", "subresource", "good"),
    [
        ("pods", "pods", "", True),
        ("pods", "pods", "log", False),
        ("pods/log", "pods", "log", True),
        ("pods/log", "pods", "", False),
        ("*/status", "deployments", "status", True),
        ("*/status", "deployments", "scale", False),
        ("pods/*", "pods", "log", False),
        ("pods/*", "pods", "*", True),
        ("*", "pods", "log", True),
        ("*", "*", "", True),
        ("pods", "*", "", False),
    ],
)
async def test_resources_and_subresources(
    cluster: Cluster, resources: str, asked: str, subresource: str, good: bool
) -> None:
    await cluster.role("r", rule("get", resources))
    await cluster.bind("b", "r", user("bob"))
    assert await cluster.may(BOB, "get", asked, subresource=subresource) is good


async def test_wildcards_stand_for_all_verbs_and_groups(cluster: Cluster) -> None:
    await cluster.role("r", rule("*", "deployments", "apps"), rule("get", "things", "*"))
    await cluster.bind("b", "r", user("bob"))
    assert await cluster.may(BOB, "anything", "deployments", group="apps")
    assert await cluster.may(BOB, "get", "things", group="example.com")
    assert not await cluster.may(BOB, "*", "things", group="example.com")


async def test_names_limit_a_rule(cluster: Cluster) -> None:
    await cluster.role("r", rule("get,list,create", "configmaps", names="a"))
    await cluster.bind("b", "r", user("bob"))
    assert await cluster.may(BOB, "get", "configmaps", name="a")
    assert await cluster.may(BOB, "list", "configmaps", name="a")
    assert not await cluster.may(BOB, "get", "configmaps", name="b")
    assert not await cluster.may(BOB, "create", "configmaps")


@pytest.mark.parametrize(
    ("urls", "path", "good"),
    [
        (["/metrics"], "/metrics", True),
        (["/metrics"], "/metrics/x", False),
        (["/kc/*"], "/kc/", True),
        (["/kc/*"], "/kc", False),
        (["/kc/*"], "/kc/a/b", True),
        (["/any*"], "/anything", True),
        (["*"], "/", True),
        (["/a*b"], "/axb", False),
        (["/metrics"], "*", False),
    ],
)
async def test_paths(cluster: Cluster, urls: list[str], path: str, good: bool) -> None:
    await cluster.role("cr", {"nonResourceURLs": urls, "verbs": ["get"]}, namespace="")
    await cluster.bind("b", "cr", user("bob"), kind="ClusterRole", namespace="")
    assert await cluster.may_path(BOB, "get", path) is good
    assert not await cluster.may_path(BOB, "post", path)


async def reason(cluster: Cluster, asker: UserInfo, verb: str = "get") -> str:
    return (await cluster.authorizer.authorize(Attributes(asker, verb, True, resource="pods", namespace="ns"))).reason


async def test_the_reason_names_binding_role_and_subject(cluster: Cluster) -> None:
    await cluster.role("cr", rule("get", "pods"), namespace="")
    await cluster.bind("r", "cr", user("bob"), {"kind": "Group", "name": "qa"}, kind="ClusterRole")
    await cluster.bind("s", "cr", {"kind": "ServiceAccount", "name": "robot"}, kind="ClusterRole")
    await cluster.bind("c", "cr", user("eve"), kind="ClusterRole", namespace="")
    expected = 'RBAC: allowed by RoleBinding "r/ns" of ClusterRole "cr" to '
    assert await reason(cluster, BOB) == expected + 'User "bob"'
    assert await reason(cluster, UserInfo("x", groups=("qa",))) == expected + 'Group "qa"'
    robot = await reason(cluster, UserInfo("system:serviceaccount:ns:robot"))
    assert robot == 'RBAC: allowed by RoleBinding "s/ns" of ClusterRole "cr" to ServiceAccount "robot/ns"'
    everywhere = await reason(cluster, UserInfo("eve"))
    assert everywhere == 'RBAC: allowed by ClusterRoleBinding "c" of ClusterRole "cr" to User "eve"'
    assert await reason(cluster, BOB, "delete") == ""


async def test_a_missing_role_is_a_reason_to_refuse(cluster: Cluster) -> None:
    await cluster.bind("b", "gone", user("bob"))
    assert await reason(cluster, BOB) == 'RBAC: role.rbac.authorization.k8s.io "gone" not found'
    await cluster.bind("c", "lost", user("bob"), kind="ClusterRole", namespace="")
    assert await reason(cluster, BOB) == (
        'RBAC: [clusterrole.rbac.authorization.k8s.io "lost" not found, '
        'role.rbac.authorization.k8s.io "gone" not found]'
    )


async def test_rules_are_listed_once_per_binding(cluster: Cluster) -> None:
    await cluster.role(
        "cr", rule("create", "reviews", "a.io"), {"nonResourceURLs": ["/api"], "verbs": ["get"]}, namespace=""
    )
    await cluster.role("r", rule("get,list", "pods"), rule("*", "deployments", "apps", "d"))
    both = [user("bob"), {"kind": "Group", "name": "system:authenticated"}]
    await cluster.bind("b", "cr", *both, kind="ClusterRole", namespace="")
    await cluster.bind("c", "r", *both)
    rules = await cluster.authorizer.rules_for(BOB, "ns")
    assert list(rules.resource_rules) == [
        ResourceRule(("create",), ("a.io",), ("reviews",)),
        ResourceRule(("get", "list"), ("",), ("pods",)),
        ResourceRule(("*",), ("apps",), ("deployments",), ("d",)),
    ]
    assert list(rules.non_resource_rules) == [NonResourceRule(("get",), ("/api",))]
    assert not rules.incomplete
    elsewhere = await cluster.authorizer.rules_for(BOB, "default")
    assert [found.resources for found in elsewhere.resource_rules] == [("reviews",)]


async def test_rules_are_incomplete_when_a_role_is_missing(cluster: Cluster) -> None:
    await cluster.bind("b", "gone", user("bob"))
    rules = await cluster.authorizer.rules_for(BOB, "ns")
    assert rules.incomplete
    assert rules.error == 'role.rbac.authorization.k8s.io "gone" not found'


async def test_what_is_remembered_goes_with_every_change(cluster: Cluster) -> None:
    """Each question is asked twice, so that its answer is remembered."""

    async def asked(name: str = "a") -> bool:
        return [await cluster.may(BOB, "get", "configmaps", name=name) for _ in range(2)][1]

    assert not await asked()
    await cluster.role("r", rule("get", "configmaps"))
    assert not await asked()
    await cluster.bind("b", "r", user("bob"))
    assert await asked()
    await cluster.client.delete(RBAC.with_resource("roles"), "r", "ns")
    assert not await asked()
    await cluster.role("r", rule("get", "configmaps", names="a"))
    assert await asked()
    assert not await asked("b")
    await cluster.client.delete(RBAC.with_resource("rolebindings"), "b", "ns")
    assert not await asked()


async def test_what_is_remembered_is_bounded(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kapi_authz.index.REMEMBERED", 10)
    await cluster.role("r", rule("get", "configmaps"))
    await cluster.bind("b", "r", user("bob"))
    for number in range(50):
        assert not await cluster.may(BOB, "get", f"other{number}")
        assert await cluster.may(BOB, "get", "configmaps")
    assert len(cluster.authorizer._index.remembered) <= 10
