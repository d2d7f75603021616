"""Mode RBAC: what roles allow to those who are bound to them (rbac.authorization.k8s.io)."""

import asyncio
from collections.abc import Sequence

from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import (
    Attributes,
    AuthorizerPlugin,
    Decision,
    NonResourceRule,
    ResourceRule,
    Rules,
    Verdict,
)
from kapi.contracts.client import ObjectClient
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupVersion
from kapi_authz.index import Binding, Candidates, RoleIndex
from kapi_authz.rules import Rule

_RBAC = GroupVersion("rbac.authorization.k8s.io", "v1")
_ROLES = (_RBAC.with_resource("clusterroles"), _RBAC.with_resource("roles"))
_BINDINGS = (_RBAC.with_resource("clusterrolebindings"), _RBAC.with_resource("rolebindings"))
_NO_OPINION = Decision(Verdict.NO_OPINION)


class RBACAuthorizer:
    """Decides by an index that follows the RBAC objects."""

    def __init__(self, client: ObjectClient) -> None:
        """Take the way to the objects; they are followed from the first question on."""
        self._client = client
        self._index = RoleIndex()
        self._followed = False
        self._synced = False
        self._syncing = asyncio.Lock()

    async def authorize(self, attributes: Attributes) -> Decision:
        """Allow what a rule allows; otherwise no opinion, with the roles that are bound but not there."""
        if not self._synced:
            await self._sync()
        return decide(self._index, attributes)

    async def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        """Return the rules of all roles that ``user`` is bound to in ``namespace`` and in the cluster."""
        if not self._synced:
            await self._sync()
        resource_rules: list[ResourceRule] = []
        other_rules: list[NonResourceRule] = []
        errors: list[str] = []
        for binding in _distinct(self._index, user, namespace):
            rules = self._index.rules(binding.role)
            if rules is None:
                errors.append(binding.missing_role)
                continue
            resource_rules += filter(None, (rule.resource_rule for rule in rules))
            if not binding.namespace:
                other_rules += filter(None, (rule.non_resource_rule for rule in rules))
        return Rules(resource_rules, other_rules, bool(errors), _joined(errors))

    async def _sync(self) -> None:
        """Follow the four resources. Questions that come meanwhile wait."""
        async with self._syncing:
            if self._synced:
                return
            if not self._followed:
                self._follow()
            for resource in (*_ROLES, *_BINDINGS):
                await self._client.informer(resource).synced()
            self._synced = True

    def _follow(self) -> None:
        self._followed = True
        for resource in _ROLES:
            self._client.informer(resource).add_handler(self._index.role_changed)
        for resource in _BINDINGS:
            self._client.informer(resource).add_handler(self._index.binding_changed)


def decide(index: RoleIndex, attributes: Attributes) -> Decision:
    """Return the decision that the roles in ``index`` lead to."""
    user = attributes.user
    kind = (user.name, user.groups, attributes.verb, attributes.group, attributes.resource, attributes.subresource,
            attributes.namespace, "" if attributes.resource_request else attributes.path)  # fmt: skip
    found = index.remembered.get(kind)
    if found is None:
        found = _candidates(index, attributes)
        index.remember(kind, found)
    for rule, binding in found.rules:
        if not attributes.resource_request or rule.allows_name(attributes.name):
            return Decision(Verdict.ALLOW, binding.describe(user))
    if found.missing:
        return Decision(Verdict.NO_OPINION, f"RBAC: {_joined(found.missing)}")
    return _NO_OPINION


def _candidates(index: RoleIndex, attributes: Attributes) -> Candidates:
    """Return the rules that allow the request or one for an object of another name, and the roles that are missing."""
    resource = f"{attributes.resource}/{attributes.subresource}" if attributes.subresource else attributes.resource
    namespace = attributes.namespace if attributes.resource_request else ""
    allowing: list[tuple[Rule, Binding]] = []
    missing: list[str] = []
    for binding in index.bindings_for(attributes.user, namespace):
        rules = index.rules(binding.role)
        if rules is None:
            missing.append(binding.missing_role)
        elif attributes.resource_request:
            allowing += [(rule, binding) for rule in rules if rule.covers_resource(attributes, resource)]
        else:
            allowing += [(rule, binding) for rule in rules if rule.allows_path(attributes)]
    return Candidates(tuple(allowing), tuple(missing))


def _distinct(index: RoleIndex, user: UserInfo, namespace: str) -> Sequence[Binding]:
    """Return the bindings of a user, each once although it may name the user and a group of his."""
    return list({(b.namespace, b.name): b for b in index.bindings_for(user, namespace)}.values())


def _joined(messages: Sequence[str]) -> str:
    unique = list(dict.fromkeys(messages))
    return unique[0] if len(unique) == 1 else "[" + ", ".join(unique) + "]" if unique else ""


def build(context: BuildContext) -> RBACAuthorizer:
    """Return the authorizer; raises ValueError without a client to reach the roles by."""
    if context.client is None:
        raise ValueError("mode RBAC needs access to the server's objects")
    return RBACAuthorizer(context.client)


@hookimpl
def kapi_register_authorizers() -> Sequence[AuthorizerPlugin]:
    """Contribute the mode RBAC."""
    return [AuthorizerPlugin("RBAC", "roles and role bindings", build)]
