"""Asks all authorizers, in the order of ``--authorization-mode``, whether a request may happen.

The first that allows or denies decides. One that fails has no opinion: a mistake in an authorizer never opens a door.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import cast

from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import (
    Attributes,
    Authorizer,
    AuthorizerPlugin,
    Decision,
    NonResourceRule,
    ResourceRule,
    RuleResolver,
    Rules,
    Verdict,
)
from kapi.contracts.plugins import BuildContext

PRIVILEGED_GROUP = "system:masters"
_ALLOW = Decision(Verdict.ALLOW)
_log = logging.getLogger(__name__)


class AuthorizerUnion:
    """An ordered list of authorizers that is an authorizer and a rule resolver itself.

    Members of system:masters may do everything, whatever the authorizers say: a cluster whose rules are broken
    stays repairable.
    """

    def __init__(self, members: Sequence[tuple[str, Authorizer]]) -> None:
        """Take the authorizers with their names, in the order in which they are asked."""
        self._members = list(members)

    async def authorize(self, attributes: Attributes) -> Decision:
        """Return the first decision that allows or denies; otherwise no opinion, with all reasons."""
        if PRIVILEGED_GROUP in attributes.user.groups:
            return _ALLOW
        reasons = []
        for name, authorizer in self._members:
            try:
                decision = await authorizer.authorize(attributes)
            except Exception:  # code of plugins: a failure is no opinion
                _log.exception("authorizer %s failed", name)
                continue
            if decision.verdict is not Verdict.NO_OPINION:
                return decision
            if decision.reason:
                reasons.append(decision.reason)
        return Decision(Verdict.NO_OPINION, "\n".join(reasons))

    async def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        """Return the rules of all members; incomplete when one of them cannot list its own."""
        resource_rules: list[ResourceRule] = []
        other_rules: list[NonResourceRule] = []
        errors: list[str] = []
        incomplete = False
        for name, authorizer in self._members:
            if not hasattr(authorizer, "rules_for"):
                errors.append(f"{name} authorizer does not support user rule resolution")
                continue
            rules = await cast(RuleResolver, authorizer).rules_for(user, namespace)
            resource_rules += rules.resource_rules
            other_rules += rules.non_resource_rules
            incomplete = incomplete or rules.incomplete
            if rules.error:
                errors.append(rules.error)
        return Rules(resource_rules, other_rules, incomplete or bool(errors), ", ".join(errors))


def build_authorizer(plugins: Iterable[AuthorizerPlugin], context: BuildContext) -> AuthorizerUnion:
    """Build the authorizers that ``--authorization-mode`` names, in its order.

    Raises KeyError for a mode that no plugin provides.
    """
    by_name = {plugin.name: plugin for plugin in plugins}
    return AuthorizerUnion([(mode, by_name[mode].build(context)) for mode in context.options["authorization-mode"]])
