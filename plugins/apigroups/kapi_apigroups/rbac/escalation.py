"""Nobody grants rights that he does not hold.

Who writes a role must hold its rules, or the verb ``escalate`` on it; who writes a binding must hold the rules of
its role, or the verb ``bind`` on it. Members of system:masters, as which the server itself writes, may do anything.
"""

from collections.abc import Iterable, Sequence
from copy import copy

from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, Authorizer, RuleResolver, Verdict
from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import StatusError, forbidden, go_quote, not_found
from kapi.meta.gvk import GroupResource, GroupVersion
from kapi_apigroups.rbac.coverage import Grant, compact, held, missing, quoted

GROUP = "rbac.authorization.k8s.io"
_VERSION = GroupVersion(GROUP, "v1")
_MASTERS = "system:masters"
_EVERYTHING = (Grant(("*",), ("*",), ("*",)), Grant(("*",), urls=("*",)))
_COLLECTOR_FIELDS = ("ownerReferences", "finalizers", "managedFields", "resourceVersion")


class EscalationGuard:
    """Refuses to grant more than the writer holds."""

    def __init__(self, authorizer: Authorizer | None, resolver: RuleResolver | None) -> None:
        """Take the server's authorizer and what lists a user's rules; without them only masters may write."""
        self._authorizer = authorizer
        self._resolver = resolver

    async def check_role(self, ctx: RequestContext, resource: str, role: Object, aggregates: bool = False) -> None:
        """Raise the 403 Status unless the user may write this role.

        ``aggregates`` tells that the role gathers, or gathered, the rules of others: that may become anything.
        """
        if await self._exempt(ctx, "escalate", resource, ctx.name):
            return
        name = role["metadata"].get("name", "")
        wanted = [Grant.of(rule) for rule in role.get("rules") or ()]
        problem = await self._problem(ctx.user, ctx.namespace, wanted)
        if problem:
            raise forbidden(GroupResource(GROUP, resource), name, problem)
        if aggregates and await self._problem(ctx.user, ctx.namespace, _EVERYTHING):
            text = "must have cluster-admin privileges to use the aggregationRule"
            raise forbidden(GroupResource(GROUP, resource), name, text)

    async def check_binding(self, ctx: RequestContext, resource: str, binding: Object) -> None:
        """Raise the 403 Status unless the user may bind this role; 404 when the role is not there to be compared."""
        reference = binding.get("roleRef") or {}
        role_resource = "roles" if reference.get("kind") == "Role" else "clusterroles"
        if await self._exempt(ctx, "bind", role_resource, reference.get("name", "")):
            return
        rules = await self._rules_of(ctx, resource, role_resource, reference.get("name", ""))
        problem = await self._problem(ctx.user, ctx.namespace, rules)
        if problem:
            raise forbidden(GroupResource(GROUP, resource), binding["metadata"].get("name", ""), problem)

    async def _exempt(self, ctx: RequestContext, verb: str, resource: str, name: str) -> bool:
        """Tell whether the user may do this without holding the rules."""
        if _MASTERS in ctx.user.groups:
            return True
        if self._authorizer is None:
            return False
        asked = Attributes(
            ctx.user,
            verb,
            True,
            group=GROUP,
            version="*",
            resource=resource,
            namespace=ctx.namespace,
            name=name,
        )
        return (await self._authorizer.authorize(asked)).verdict is Verdict.ALLOW

    async def _rules_of(self, ctx: RequestContext, resource: str, role_resource: str, name: str) -> list[Grant]:
        namespace = ctx.namespace if role_resource == "roles" else ""
        try:
            role = await ctx.client.get(_VERSION.with_resource(role_resource), name, namespace)
        except StatusError as ex:
            if ex.code != 404:
                raise
            raise not_found(GroupResource(GROUP, resource), name) from None
        return [Grant.of(rule) for rule in role.get("rules") or ()]

    async def _problem(self, user: UserInfo, namespace: str, wanted: Sequence[Grant]) -> str:
        """Return what the user lacks of ``wanted``; "" for nothing."""
        holder: list[Grant] = []
        error = ""
        if self._resolver is not None:
            rules = await self._resolver.rules_for(user, namespace)
            holder, error = held(rules.resource_rules, rules.non_resource_rules), rules.error
        lacking = missing(holder, wanted)
        return _refusal(user, lacking, error) if lacking else ""


def only_for_collector(new: Object, old: Object) -> bool:
    """Tell whether an update changes nothing but what the garbage collector writes."""
    return _without_collector_fields(new) == _without_collector_fields(old)


def _without_collector_fields(obj: Object) -> Object:
    rest = copy(obj)
    rest["metadata"] = {k: v for k, v in obj["metadata"].items() if k not in _COLLECTOR_FIELDS}
    return rest


def _refusal(user: UserInfo, lacking: Iterable[Grant], error: str) -> str:
    listed = "\n".join(sorted({str(grant) for grant in compact(lacking)}))
    text = (
        f"user {go_quote(user.name)} (groups={quoted(user.groups)}) is attempting to grant RBAC permissions "
        f"not currently held:\n{listed}"
    )
    return f"{text}; resolution errors: [{error}]" if error else text
