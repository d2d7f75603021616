"""Mode AlwaysDeny: for tests."""

from collections.abc import Sequence

from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, AuthorizerPlugin, Decision, Rules, Verdict
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl

_REFUSE = Decision(Verdict.NO_OPINION, "Everything is forbidden.")


class AlwaysDeny:
    """Allows nothing."""

    async def authorize(self, attributes: Attributes) -> Decision:
        """Allow nothing; a later authorizer still may."""
        return _REFUSE

    async def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        """Return no rules."""
        return Rules([], [])


def build(context: BuildContext) -> AlwaysDeny:
    """Return the authorizer."""
    return AlwaysDeny()


@hookimpl
def kapi_register_authorizers() -> Sequence[AuthorizerPlugin]:
    """Contribute the mode AlwaysDeny."""
    return [AuthorizerPlugin("AlwaysDeny", "allows no request", build)]
