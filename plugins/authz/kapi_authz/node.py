"""Mode Node: kubelets may do what the cluster role system:node says, but only for themselves and their pods."""

import asyncio
from collections.abc import Callable, Sequence

from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, AuthorizerPlugin, Decision, Rules, Verdict
from kapi.contracts.client import ObjectClient
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupVersionResource
from kapi_authz.node_graph import NodeGraph
from kapi_authz.rules import Rule

_PREFIX, _NODES_GROUP = "system:node:", "system:nodes"
_LEASE_NAMESPACE = "kube-node-lease"
_READING = ("get", "list", "watch")
_ALLOW = Decision(Verdict.ALLOW)
_NO_OPINION = Decision(Verdict.NO_OPINION)
_NODE_ROLE = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterroles")
_PODS = GroupVersionResource("", "v1", "pods")
_VOLUMES = GroupVersionResource("", "v1", "persistentvolumes")
_ATTACHMENTS = GroupVersionResource("storage.k8s.io", "v1", "volumeattachments")


class NodeAuthorizer:
    """Decides about requests of nodes; has no opinion about others."""

    def __init__(self, client: ObjectClient) -> None:
        """Take the way to the objects; they are followed from the first node's request on."""
        self._client = client
        self._graph = NodeGraph()
        self._followed = False
        self._synced = False
        self._syncing = asyncio.Lock()
        self._checks: dict[tuple[str, str], Callable[[str, Attributes], Decision]] = {
            ("", "secrets"): self._read,
            ("", "configmaps"): self._read,
            ("", "persistentvolumeclaims"): self._claim,
            ("", "persistentvolumes"): self._get,
            ("", "serviceaccounts"): self._account,
            ("", "pods"): self._pod,
            ("", "nodes"): self._node,
            ("resource.k8s.io", "resourceclaims"): self._get,
            ("storage.k8s.io", "volumeattachments"): self._get,
            ("storage.k8s.io", "csinodes"): self._csi_node,
            ("coordination.k8s.io", "leases"): self._lease,
        }

    async def authorize(self, attributes: Attributes) -> Decision:
        """Allow what a node needs for itself and its pods; otherwise no opinion, with the reason."""
        node = node_of(attributes.user)
        if node is None:
            return _NO_OPINION
        if not node:
            return _no(f'unknown node for user "{attributes.user.name}"')
        if not self._synced:
            await self._sync()
        if attributes.resource_request:
            check = self._checks.get((attributes.group, attributes.resource))
            if check is not None:
                return check(node, attributes)
        return self._by_role(attributes)

    async def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        """Return no rules: others than nodes have none here, and those of nodes depend on their pods."""
        if node_of(user) is None:
            return Rules([], [])
        return Rules([], [], True, "the Node authorizer cannot list the rules of nodes")

    async def _sync(self) -> None:
        """Follow pods, volumes and attachments. Questions that come meanwhile wait."""
        async with self._syncing:
            if not self._followed:
                self._followed = True
                self._client.informer(_PODS).add_handler(self._graph.pod_changed)
                self._client.informer(_VOLUMES).add_handler(self._graph.volume_changed)
                self._client.informer(_ATTACHMENTS).add_handler(self._graph.attachment_changed)
            for resource in (_PODS, _VOLUMES, _ATTACHMENTS, _NODE_ROLE):
                await self._client.informer(resource).synced()
            self._synced = True

    def _by_role(self, attributes: Attributes) -> Decision:
        """Decide by the rules that hold for all nodes."""
        role = self._client.informer(_NODE_ROLE).get("system:node")
        rules = [Rule(rule) for rule in (role or {}).get("rules") or ()]
        resource = f"{attributes.resource}/{attributes.subresource}" if attributes.subresource else attributes.resource
        if attributes.resource_request:
            allowed = any(rule.allows_resource(attributes, resource) for rule in rules)
        else:
            allowed = any(rule.allows_path(attributes) for rule in rules)
        return _ALLOW if allowed else _NO_OPINION

    def _related(self, node: str, asked: Attributes) -> Decision:
        if not asked.name:
            return _no("No Object name found")
        if self._graph.needs(node, (asked.resource, asked.namespace, asked.name)):
            return _ALLOW
        return _no(f"no relationship found between node '{node}' and this object")

    def _read(self, node: str, asked: Attributes) -> Decision:
        if asked.verb not in _READING:
            return _no("can only read resources of this type")
        if asked.subresource:
            return _no("cannot read subresource")
        if not asked.namespace:
            return _no("can only read namespaced object of this type")
        return self._related(node, asked)

    def _get(self, node: str, asked: Attributes) -> Decision:
        if asked.verb != "get":
            return _no("can only get individual resources of this type")
        if asked.subresource:
            return _no("cannot get subresource")
        return self._related(node, asked)

    def _claim(self, node: str, asked: Attributes) -> Decision:
        if asked.subresource != "status":
            return self._get(node, asked)
        if asked.verb not in ("update", "patch"):
            return _no("can only update status of this type")
        return self._related(node, asked)

    def _account(self, node: str, asked: Attributes) -> Decision:
        if asked.subresource != "token":
            return self._get(node, asked)
        if asked.verb != "create" or not asked.name:
            return _no("can only create tokens for individual service accounts")
        return self._related(node, asked)

    def _pod(self, node: str, asked: Attributes) -> Decision:
        """Reading is limited to the node's pods; NodeRestriction limits what it may write."""
        if asked.verb not in _READING or asked.subresource:
            return self._by_role(asked)
        if not asked.name and f"spec.nodeName={node}" in asked.field_selector.split(","):
            return _ALLOW
        if not asked.name:
            return _no(f"can only list/watch pods with spec.nodeName field selector of {node}")
        return self._related(node, asked)

    def _node(self, node: str, asked: Attributes) -> Decision:
        if asked.name and asked.name != node and asked.verb in _READING:
            return _no(f"node '{node}' cannot read '{asked.name}', only its own Node object")
        if not asked.name and asked.verb in _READING:
            return _no(f"node '{node}' cannot read all nodes, only its own Node object")
        return self._by_role(asked)

    def _csi_node(self, node: str, asked: Attributes) -> Decision:
        if asked.subresource:
            return _no("cannot authorize CSINode subresources")
        if asked.verb not in ("get", "create", "update", "patch", "delete"):
            return _no("can only get, create, update, patch, or delete a CSINode")
        if asked.verb != "create" and asked.name != node:
            return _no("can only access CSINode with the same name as the requesting node")
        return _ALLOW

    def _lease(self, node: str, asked: Attributes) -> Decision:
        if asked.namespace != _LEASE_NAMESPACE:
            return _no(f'can only access leases in the "{_LEASE_NAMESPACE}" system namespace')
        if asked.verb not in ("get", "create", "update", "patch", "delete"):
            return _no("can only get, create, update, patch, or delete a node lease")
        if asked.verb != "create" and asked.name != node:
            return _no("can only access node lease with the same name as the requesting node")
        return _ALLOW


def node_of(user: UserInfo) -> str | None:
    """Return the node that a user is; None for users that are no nodes."""
    if not user.name.startswith(_PREFIX) or _NODES_GROUP not in user.groups:
        return None
    return user.name.removeprefix(_PREFIX)


def _no(reason: str) -> Decision:
    return Decision(Verdict.NO_OPINION, reason)


def build(context: BuildContext) -> NodeAuthorizer:
    """Return the authorizer; raises ValueError without a client to reach the pods by."""
    if context.client is None:
        raise ValueError("mode Node needs access to the server's objects")
    return NodeAuthorizer(context.client)


@hookimpl
def kapi_register_authorizers() -> Sequence[AuthorizerPlugin]:
    """Contribute the mode Node."""
    return [AuthorizerPlugin("Node", "kubelets, for themselves and their pods", build)]
