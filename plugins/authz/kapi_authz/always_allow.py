"""Mode AlwaysAllow: for experiments on a machine of one's own."""

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
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl

_ALLOW = Decision(Verdict.ALLOW)
_ALL = ("*",)


class AlwaysAllow:
    """Allows everything."""

    async def authorize(self, attributes: Attributes) -> Decision:
        """Allow."""
        return _ALLOW

    async def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        """Return one rule for all resources and one for all paths."""
        return Rules([ResourceRule(_ALL, _ALL, _ALL)], [NonResourceRule(_ALL, _ALL)])


def build(context: BuildContext) -> AlwaysAllow:
    """Return the authorizer."""
    return AlwaysAllow()


@hookimpl
def kapi_register_authorizers() -> Sequence[AuthorizerPlugin]:
    """Contribute the mode AlwaysAllow."""
    return [AuthorizerPlugin("AlwaysAllow", "allows every request", build)]
