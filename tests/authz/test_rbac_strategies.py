from typing import Any

import pytest

from kapi.authz.union import AuthorizerUnion
from kapi.contracts.authn import UserInfo
from kapi.contracts.resources import RequestContext
from kapi.meta.errors import FieldError, StatusError
from kapi.meta.gvk import GroupVersion
from kapi.testing.memory_client import MemoryClient
from kapi_apigroups.rbac.bindings import BindingStrategy
from kapi_apigroups.rbac.escalation import EscalationGuard, only_for_collector
from kapi_apigroups.rbac.roles import ClusterRoleStrategy, RoleStrategy
from kapi_authz.rbac import RBACAuthorizer

GROUP = "rbac.authorization.k8s.io"
RBAC = GroupVersion(GROUP, "v1")
BOB = UserInfo("bob", groups=("", "system:authenticated"))
ADMIN = UserInfo("admin", groups=("system:masters",))
GET_CONFIGMAPS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["configmaps"]}
GET_SECRETS = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}
EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
EVERY_PATH = {"verbs": ["*"], "nonResourceURLs": ["*"]}
HELD = 'user "bob" (groups=["" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'


class Cluster:
    """A namespace in which bob holds some rules."""

    def __init__(self) -> None:
        self.client = MemoryClient()
        rbac = RBACAuthorizer(self.client)
        union = AuthorizerUnion([("RBAC", rbac)])
        self.guard = EscalationGuard(union, union)

    async def grant(self, *rules: dict[str, Any], namespace: str = "ns") -> None:
        kind = "Role" if namespace else "ClusterRole"
        await self.role("held", *rules, namespace=namespace)
        binding = {
            "metadata": {"name": "held"},
            "roleRef": {"kind": kind, "name": "held"},
            "subjects": [{"kind": "User", "name": "bob"}],
        }
        resource = RBAC.with_resource("rolebindings" if namespace else "clusterrolebindings")
        await self.client.create(resource, binding, namespace)

    async def role(self, name: str, *rules: dict[str, Any], namespace: str = "ns") -> None:
        resource = RBAC.with_resource("roles" if namespace else "clusterroles")
        await self.client.create(resource, {"metadata": {"name": name}, "rules": list(rules)}, namespace)

    def context(self, user: UserInfo = BOB, namespace: str = "ns", name: str = "") -> RequestContext:
        return RequestContext(user, "create", namespace, name, "", False, self.client)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def role(*rules: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"metadata": {"name": "new"}, "rules": list(rules), **members}


def binding(name: str, kind: str = "Role", **members: Any) -> dict[str, Any]:
    return {"metadata": {"name": "b"}, "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name}, **members}


async def test_what_is_held_may_be_granted(cluster: Cluster) -> None:
    await cluster.grant(GET_CONFIGMAPS)
    strategy = RoleStrategy(cluster.guard)
    await strategy.before_create(cluster.context(), role({**GET_CONFIGMAPS, "verbs": ["get"], "resourceNames": ["a"]}))
    await strategy.before_create(cluster.context(), role())


@pytest.mark.parametrize(
    ("rules", "lacking"),
    [
        ([GET_SECRETS], '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'),
        ([EVERYTHING], '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}'),
        (
            [{**GET_SECRETS, "resourceNames": ["b", "a"]}],
            '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}\n'
            '{APIGroups:[""], Resources:["secrets"], ResourceNames:["b"], Verbs:["get"]}',
        ),
        (
            [
                {"verbs": ["get", "delete"], "apiGroups": [""], "resources": ["configmaps", "secrets"]},
                {"verbs": ["list"], "apiGroups": ["apps"], "resources": ["deployments"]},
            ],
            '{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}\n'
            '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}\n'
            '{APIGroups:["apps"], Resources:["deployments"], Verbs:["list"]}',
        ),
    ],
)
async def test_what_is_not_held_may_not_be_granted(cluster: Cluster, rules: list[dict[str, Any]], lacking: str) -> None:
    await cluster.grant(GET_CONFIGMAPS)
    strategy = RoleStrategy(cluster.guard)
    for write in (
        strategy.before_create(cluster.context(), role(*rules)),
        strategy.before_update(cluster.context(), role(*rules), role()),
    ):
        with pytest.raises(StatusError) as caught:
            await write
        assert caught.value.code == 403
        assert caught.value.message == f'roles.{GROUP} "new" is forbidden: {HELD}{lacking}'


async def test_rights_in_one_namespace_grant_nothing_in_another(cluster: Cluster) -> None:
    await cluster.grant(GET_CONFIGMAPS)
    with pytest.raises(StatusError):
        await RoleStrategy(cluster.guard).before_create(cluster.context(namespace="other"), role(GET_CONFIGMAPS))


async def test_masters_and_those_who_may_escalate_are_free(cluster: Cluster) -> None:
    strategy = RoleStrategy(cluster.guard)
    await strategy.before_create(cluster.context(ADMIN), role(EVERYTHING))
    await cluster.grant({"verbs": ["escalate"], "apiGroups": [GROUP], "resources": ["roles"]})
    await strategy.before_create(cluster.context(), role(EVERYTHING))


async def test_without_authorizers_only_masters_write() -> None:
    ctx = Cluster().context()
    strategy = RoleStrategy(EscalationGuard(None, None))
    with pytest.raises(StatusError):
        await strategy.before_create(ctx, role(GET_SECRETS))
    ctx.user = ADMIN
    await strategy.before_create(ctx, role(GET_SECRETS))


async def test_the_garbage_collector_may_tidy_away_what_it_does_not_hold(cluster: Cluster) -> None:
    old = {**role(EVERYTHING), "metadata": {"name": "new", "finalizers": ["f"], "resourceVersion": "1"}}
    new = {**role(EVERYTHING), "metadata": {"name": "new", "ownerReferences": [], "resourceVersion": "2"}}
    assert only_for_collector(new, old)
    await RoleStrategy(cluster.guard).before_update(cluster.context(), new, old)
    with pytest.raises(StatusError):
        await RoleStrategy(cluster.guard).before_update(cluster.context(), {**new, "metadata": {"labels": {}}}, old)


AGGREGATION = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}


@pytest.mark.parametrize("before", [True, False])
async def test_gathering_rules_takes_all_rights(cluster: Cluster, before: bool) -> None:
    await cluster.grant(GET_SECRETS, namespace="")
    strategy = ClusterRoleStrategy(cluster.guard)
    ctx = cluster.context(namespace="")
    plain, gathering = role(GET_SECRETS), role(GET_SECRETS, aggregationRule=AGGREGATION)
    new, old = (plain, gathering) if before else (gathering, plain)
    with pytest.raises(StatusError, match="must have cluster-admin privileges to use the aggregationRule"):
        await strategy.before_update(ctx, new, old)
    await cluster.client.update(
        RBAC.with_resource("clusterroles"), "held", lambda held: {**held, "rules": [EVERYTHING, EVERY_PATH]}
    )
    await strategy.before_update(ctx, new, old)


async def test_binding_a_role_takes_its_rights(cluster: Cluster) -> None:
    await cluster.grant(GET_CONFIGMAPS)
    await cluster.role("small", GET_CONFIGMAPS)
    await cluster.role("big", GET_SECRETS)
    await cluster.role("all", EVERYTHING, EVERY_PATH, namespace="")
    strategy = BindingStrategy(cluster.guard, "rolebindings")
    await strategy.before_create(cluster.context(), binding("small"))
    with pytest.raises(StatusError) as caught:
        await strategy.before_create(cluster.context(), binding("big"))
    lacking = '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'
    assert caught.value.message == f'rolebindings.{GROUP} "b" is forbidden: {HELD}{lacking}'
    with pytest.raises(StatusError) as caught:
        await strategy.before_create(cluster.context(), binding("all", "ClusterRole"))
    assert caught.value.message.endswith(
        '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}'
    )


async def test_a_role_that_is_not_there_cannot_be_compared(cluster: Cluster) -> None:
    strategy = BindingStrategy(cluster.guard, "rolebindings")
    with pytest.raises(StatusError) as caught:
        await strategy.before_update(cluster.context(), binding("nope", subjects=[]), binding("nope"))
    assert (caught.value.code, caught.value.message) == (404, f'rolebindings.{GROUP} "nope" not found')
    await strategy.before_create(cluster.context(ADMIN), binding("nope"))


async def test_the_right_to_bind_a_role_needs_no_other(cluster: Cluster) -> None:
    bind = {"verbs": ["bind"], "apiGroups": [GROUP], "resources": ["roles"], "resourceNames": ["big"]}
    await cluster.grant(bind)
    for name in ("big", "other"):
        await cluster.role(name, GET_SECRETS)
    strategy = BindingStrategy(cluster.guard, "rolebindings")
    await strategy.before_create(cluster.context(), binding("big"))
    with pytest.raises(StatusError):
        await strategy.before_create(cluster.context(), binding("other"))


def causes(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (GET_SECRETS, []),
        ({**GET_SECRETS, "verbs": []}, ["rules[0].verbs: Required value: verbs must contain at least one value"]),
        (
            {"verbs": ["get"]},
            [
                "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[0].resources: Required value: resource rules must supply at least one resource",
            ],
        ),
        (
            {"verbs": ["get"], "nonResourceURLs": ["/x"]},
            [
                'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
            ],
        ),
    ],
)
def test_rules_of_roles(cluster: Cluster, rule: dict[str, Any], expected: list[str]) -> None:
    assert causes(RoleStrategy(cluster.guard).validate(cluster.context(), role(rule))) == expected


def test_rules_of_cluster_roles(cluster: Cluster) -> None:
    strategy = ClusterRoleStrategy(cluster.guard)
    ctx = cluster.context(namespace="")
    assert strategy.validate(ctx, role({"verbs": ["get"], "nonResourceURLs": ["x"]})) == []
    both = {**GET_SECRETS, "nonResourceURLs": ["/x"]}
    assert causes(strategy.validate(ctx, role(both))) == [
        'rules[0].nonResourceURLs: Invalid value: ["/x"]: '
        "rules cannot apply to both regular resources and non-resource URLs"
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (AGGREGATION, []),
        (
            {"clusterRoleSelectors": []},
            [
                "aggregationRule.clusterRoleSelectors: Required value: "
                "at least one clusterRoleSelector required if aggregationRule is non-nil"
            ],
        ),
        (
            {"clusterRoleSelectors": [{"matchExpressions": [{"key": "x", "operator": "Bad"}]}]},
            [
                'aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: Invalid value: "Bad": '
                "not a valid selector operator",
                "aggregationRule.clusterRoleSelectors[0]: Invalid value: null: invalid label selector.",
            ],
        ),
    ],
)
def test_selectors_of_aggregated_roles(cluster: Cluster, rule: dict[str, Any], expected: list[str]) -> None:
    obj = role(aggregationRule=rule)
    assert causes(ClusterRoleStrategy(cluster.guard).validate(cluster.context(namespace=""), obj)) == expected


@pytest.mark.parametrize(("name", "good"), [("Upper:Case.ok", True), ("a%2Fb", False), ("..", False), ("a/b", False)])
def test_names_are_path_segments(cluster: Cluster, name: str, good: bool) -> None:
    for strategy in (RoleStrategy(cluster.guard), BindingStrategy(cluster.guard, "rolebindings")):
        assert (strategy.validate_name(name, False) == []) is good


def test_api_groups_are_defaulted(cluster: Cluster) -> None:
    obj: dict[str, Any] = {
        "metadata": {"name": "b"},
        "roleRef": {"kind": "Role", "name": "x"},
        "subjects": [
            {"kind": "User", "name": "u"},
            {"kind": "Group", "name": "g", "apiGroup": "v1"},
            {"kind": "ServiceAccount", "name": "s"},
        ],
    }
    BindingStrategy(cluster.guard, "rolebindings").default(obj)
    assert obj["roleRef"] == {"apiGroup": GROUP, "kind": "Role", "name": "x"}
    assert [subject.get("apiGroup") for subject in obj["subjects"]] == [GROUP, "v1", None]


def validated(cluster: Cluster, obj: dict[str, Any], *, cluster_wide: bool = False) -> list[str]:
    strategy = BindingStrategy(cluster.guard, "clusterrolebindings" if cluster_wide else "rolebindings")
    strategy.default(obj)
    return causes(strategy.validate(cluster.context(), obj))


def test_roles_of_bindings(cluster: Cluster) -> None:
    kinds = 'supported values: "Role", "ClusterRole"'
    assert validated(cluster, {"metadata": {"name": "b"}}) == [
        f'roleRef.kind: Unsupported value: "": {kinds}',
        "roleRef.name: Required value",
    ]
    assert validated(cluster, binding("x", "Foo")) == [f'roleRef.kind: Unsupported value: "Foo": {kinds}']
    assert validated(cluster, binding("x", "Role"), cluster_wide=True) == [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'
    ]
    other = {"metadata": {"name": "b"}, "roleRef": {"apiGroup": "x", "kind": "Role", "name": "../y"}}
    assert validated(cluster, other) == [
        f'roleRef.apiGroup: Unsupported value: "x": supported values: "{GROUP}"',
        "roleRef.name: Invalid value: \"../y\": may not contain '/'",
    ]


def test_subjects_of_bindings(cluster: Cluster) -> None:
    subjects = [
        {"kind": "ServiceAccount", "name": "Bad_Name"},
        {"kind": "Robot", "name": "x"},
        {"kind": "User", "apiGroup": "v1", "name": "x"},
        {"kind": "ServiceAccount", "name": "s", "apiGroup": GROUP},
        {"kind": "User", "name": ""},
    ]
    found = validated(cluster, binding("x", subjects=subjects))
    assert found[0].startswith('subjects[0].name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain')
    assert found[1:] == [
        'subjects[1].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
        f'subjects[2].apiGroup: Unsupported value: "v1": supported values: "{GROUP}"',
        f'subjects[3].apiGroup: Unsupported value: "{GROUP}": supported values: ""',
        "subjects[4].name: Required value",
    ]
    account = [{"kind": "ServiceAccount", "name": "s"}]
    assert validated(cluster, binding("x", "ClusterRole", subjects=account), cluster_wide=True) == [
        "subjects[0].namespace: Required value"
    ]


def test_a_binding_keeps_its_role(cluster: Cluster) -> None:
    strategy = BindingStrategy(cluster.guard, "rolebindings")
    changed = strategy.validate_update(cluster.context(), binding("r2"), binding("r1"))
    shown = f'{{"APIGroup":"{GROUP}","Kind":"Role","Name":"r2"}}'
    assert causes(changed) == [f"roleRef: Invalid value: {shown}: cannot change roleRef"]
    assert strategy.validate_update(cluster.context(), binding("r1", subjects=[]), binding("r1")) == []
