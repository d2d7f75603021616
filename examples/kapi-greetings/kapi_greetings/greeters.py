"""An authorizer: the group ``greeters`` may do anything with greetings, and nothing else is its business.

It is asked when ``--authorization-mode`` names it: ``--authorization-mode=RBAC,Greeters``.
"""

from collections.abc import Sequence

from kapi.contracts.authz import Attributes, AuthorizerPlugin, Decision, Verdict
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl

GROUP = "greeters"
API_GROUP = "greetings.example.com"


class Greeters:
    """Allows requests about greetings to the group."""

    async def authorize(self, attributes: Attributes) -> Decision:
        """Return ALLOW or NO_OPINION; DENY would keep the authorizers after this one from being asked."""
        if GROUP in attributes.user.groups and attributes.resource_request and attributes.group == API_GROUP:
            return Decision(Verdict.ALLOW, "greeters may greet")
        return Decision(Verdict.NO_OPINION)


def build(context: BuildContext) -> Greeters:
    """Return the authorizer."""
    return Greeters()


@hookimpl
def kapi_register_authorizers() -> Sequence[AuthorizerPlugin]:
    """Contribute the authorizer."""
    return [AuthorizerPlugin("Greeters", "the group greeters may do anything with greetings", build)]
