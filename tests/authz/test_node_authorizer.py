from typing import Any

import pytest

from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, Decision, Rules, Verdict
from kapi.meta.gvk import GroupVersionResource
from kapi.testing.memory_client import MemoryClient
from kapi_authz.node import NodeAuthorizer, node_of

NODE = UserInfo("system:node:n1", groups=("system:nodes", "system:authenticated"))
POD = {
    "metadata": {"name": "p"},
    "spec": {
        "nodeName": "n1",
        "serviceAccountName": "robot",
        "imagePullSecrets": [{"name": "pull"}],
        "containers": [{"envFrom": [{"configMapRef": {"name": "env"}}]}],
        "initContainers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "init"}}}]}],
        "ephemeralContainers": [{"env": [{"name": "PLAIN", "value": "x"}]}],
        "volumes": [
            {"name": "s", "secret": {"secretName": "mounted"}},
            {"name": "c", "configMap": {"name": "files"}},
            {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "scratch", "ephemeral": {}},
            {"name": "csi", "csi": {"nodePublishSecretRef": {"name": "publish"}}},
            {"name": "all", "projected": {"sources": [{"secret": {"name": "part"}}, {"configMap": {"name": "bit"}}]}},
        ],
        "resourceClaims": [{"name": "gpu", "resourceClaimName": "gpu-1"}],
    },
}
VOLUME = {
    "metadata": {"name": "pv"},
    "spec": {
        "claimRef": {"namespace": "ns", "name": "data"},
        "csi": {"nodeStageSecretRef": {"namespace": "vault", "name": "stage"}},
    },
}
ROLE = {
    "metadata": {"name": "system:node"},
    "rules": [
        {"verbs": ["create", "get", "update"], "apiGroups": [""], "resources": ["nodes", "services", "pods"]},
        {"verbs": ["get"], "nonResourceURLs": ["/special"]},
    ],
}


def resource(name: str, group: str = "") -> GroupVersionResource:
    return GroupVersionResource(group, "v1", name)


async def ask(verb: str, name: str, obj: str, user: UserInfo = NODE, **attributes: Any) -> Decision:
    client = MemoryClient()
    await client.create(resource("pods"), POD, "ns")
    await client.create(resource("persistentvolumes"), VOLUME)
    attached = {"metadata": {"name": "va"}, "spec": {"nodeName": "n1"}}
    await client.create(resource("volumeattachments", "storage.k8s.io"), attached)
    await client.create(resource("clusterroles", "rbac.authorization.k8s.io"), ROLE)
    group, _, plain = name.rpartition("/")
    asked = Attributes(user, verb, True, group=group, resource=plain, name=obj)
    return await NodeAuthorizer(client).authorize(asked._replace(**{"namespace": "ns", **attributes}))


NEEDED = [
    ("secrets", ["pull", "init", "mounted", "publish", "part"]),
    ("configmaps", ["env", "files", "bit"]),
    ("persistentvolumeclaims", ["data", "p-scratch"]),
    ("serviceaccounts", ["robot"]),
    ("pods", ["p"]),
    ("resource.k8s.io/resourceclaims", ["gpu-1"]),
]


@pytest.mark.parametrize(("kind", "names"), NEEDED)
async def test_a_node_reads_what_its_pods_need(kind: str, names: list[str]) -> None:
    other = UserInfo("system:node:n2", groups=("system:nodes",))
    for name in names:
        assert (await ask("get", kind, name)).verdict is Verdict.ALLOW, name
        refused = await ask("get", kind, name, other)
        assert refused == Decision(Verdict.NO_OPINION, "no relationship found between node 'n2' and this object")
    assert (await ask("get", kind, names[0], namespace="other")).verdict is Verdict.NO_OPINION
    assert (await ask("get", kind, "unrelated")).verdict is Verdict.NO_OPINION


async def test_volumes_lead_on_to_their_own_secrets() -> None:
    assert (await ask("get", "persistentvolumes", "pv", namespace="")).verdict is Verdict.ALLOW
    assert (await ask("get", "secrets", "stage", namespace="vault")).verdict is Verdict.ALLOW
    assert (await ask("get", "secrets", "stage")).verdict is Verdict.NO_OPINION
    attachment = await ask("get", "storage.k8s.io/volumeattachments", "va", namespace="")
    assert attachment.verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("verb", "kind", "name", "more", "reason"),
    [
        ("list", "secrets", "", {}, "No Object name found"),
        ("create", "configmaps", "", {}, "can only read resources of this type"),
        ("get", "secrets", "pull", {"subresource": "x"}, "cannot read subresource"),
        ("get", "secrets", "pull", {"namespace": ""}, "can only read namespaced object of this type"),
        ("list", "persistentvolumes", "", {"namespace": ""}, "can only get individual resources of this type"),
        ("get", "nodes", "n2", {"namespace": ""}, "node 'n1' cannot read 'n2', only its own Node object"),
        (
            "get",
            "coordination.k8s.io/leases",
            "n2",
            {"namespace": "kube-node-lease"},
            "can only access node lease with the same name as the requesting node",
        ),
        (
            "get",
            "coordination.k8s.io/leases",
            "n1",
            {},
            'can only access leases in the "kube-node-lease" system namespace',
        ),
        (
            "get",
            "storage.k8s.io/csinodes",
            "n2",
            {"namespace": ""},
            "can only access CSINode with the same name as the requesting node",
        ),
        (
            "create",
            "serviceaccounts",
            "default",
            {"subresource": "token"},
            "no relationship found between node 'n1' and this object",
        ),
    ],
)
async def test_reasons(verb: str, kind: str, name: str, more: dict[str, Any], reason: str) -> None:
    assert await ask(verb, kind, name, **more) == Decision(Verdict.NO_OPINION, reason)


@pytest.mark.parametrize(
    ("verb", "kind", "name", "more"),
    [
        ("get", "nodes", "n1", {"namespace": ""}),
        ("create", "nodes", "", {"namespace": ""}),
        ("get", "services", "any", {}),
        ("list", "pods", "", {"namespace": "", "field_selector": "spec.nodeName=n1"}),
        ("create", "pods", "", {}),
        ("create", "serviceaccounts", "robot", {"subresource": "token"}),
        ("update", "persistentvolumeclaims", "data", {"subresource": "status"}),
        ("update", "coordination.k8s.io/leases", "n1", {"namespace": "kube-node-lease"}),
        ("create", "coordination.k8s.io/leases", "", {"namespace": "kube-node-lease"}),
        ("patch", "storage.k8s.io/csinodes", "n1", {"namespace": ""}),
    ],
)
async def test_what_a_node_does_for_itself(verb: str, kind: str, name: str, more: dict[str, Any]) -> None:
    assert await ask(verb, kind, name, **more) == Decision(Verdict.ALLOW)


async def test_a_pod_that_leaves_takes_its_needs_with_it() -> None:
    client = MemoryClient()
    await client.create(resource("pods"), POD, "ns")
    authorizer = NodeAuthorizer(client)
    asked = Attributes(NODE, "get", True, resource="secrets", namespace="ns", name="pull")
    assert (await authorizer.authorize(asked)).verdict is Verdict.ALLOW
    await client.delete(resource("pods"), "p", "ns")
    assert (await authorizer.authorize(asked)).verdict is Verdict.NO_OPINION


@pytest.mark.parametrize(
    ("name", "groups", "node"),
    [
        ("system:node:n1", ("system:nodes",), "n1"),
        ("system:node:n1", (), None),
        ("robot", ("system:nodes",), None),
        ("system:node:", ("system:nodes",), ""),
    ],
)
def test_who_is_a_node(name: str, groups: tuple[str, ...], node: str | None) -> None:
    assert node_of(UserInfo(name, groups=groups)) == node


async def test_others_are_no_concern() -> None:
    assert await ask("get", "secrets", "pull", UserInfo("alice")) == Decision(Verdict.NO_OPINION)
    unknown = await ask("get", "secrets", "pull", UserInfo("system:node:", groups=("system:nodes",)))
    assert unknown.reason == 'unknown node for user "system:node:"'


async def test_rules_of_nodes_cannot_be_listed_and_others_have_none() -> None:
    authorizer = NodeAuthorizer(MemoryClient())
    assert (await authorizer.rules_for(NODE, "ns")).incomplete
    assert await authorizer.rules_for(UserInfo("alice"), "ns") == Rules([], [])
