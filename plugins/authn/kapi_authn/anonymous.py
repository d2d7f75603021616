"""Everyone else: requests without credentials are those of ``system:anonymous``."""

from collections.abc import Sequence

from kapi.contracts.authn import AuthenticatorPlugin, AuthnRequest, AuthnResponse, UserInfo
from kapi.contracts.plugins import BuildContext, Option
from kapi.hookspecs import hookimpl

_RESPONSE = AuthnResponse(UserInfo("system:anonymous", groups=("system:unauthenticated",)))


class AnonymousAuthenticator:
    """Gives every request the anonymous identity."""

    async def authenticate_request(self, request: AuthnRequest) -> AuthnResponse | None:
        """Return the anonymous user."""
        return _RESPONSE


def build(context: BuildContext) -> AnonymousAuthenticator | None:
    """Return the authenticator, unless ``--anonymous-auth=false`` or nothing would stop anonymous requests."""
    everything_allowed = "AlwaysAllow" in context.options.get("authorization-mode", ())
    if not context.options["anonymous-auth"] or everything_allowed:
        return None
    return AnonymousAuthenticator()


@hookimpl
def kapi_register_authenticators() -> Sequence[AuthenticatorPlugin]:
    """Contribute the anonymous authenticator."""
    option = Option(
        "anonymous-auth",
        "bool",
        True,
        "Accept requests without credentials as system:anonymous, in group system:unauthenticated. "
        "Off where --authorization-mode has AlwaysAllow.",
        "Authentication",
    )
    return [
        AuthenticatorPlugin("anonymous", "requests without credentials", "anonymous", build, (option,)),
    ]
