"""An authenticator: tokens of the form ``NAME:PASSPHRASE``, where all share one passphrase.

It is off until ``--greetings-passphrase-file`` names a file.
"""

import hmac
from collections.abc import Sequence

from kapi.contracts.authn import AuthenticationError, AuthenticatorPlugin, AuthnResponse, UserInfo
from kapi.contracts.plugins import BuildContext, Option
from kapi.hookspecs import hookimpl

GROUP = "greeters"


class BadgeAuthenticator:
    """Lets everybody in who knows the passphrase, under the name that they give."""

    def __init__(self, passphrase: bytes) -> None:
        """Take the passphrase."""
        self._passphrase = passphrase

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> AuthnResponse | None:
        """Return the user; None for a token of another form. Raises AuthenticationError for a wrong passphrase."""
        name, colon, passphrase = token.partition(":")
        if not colon or not name:
            return None  # not ours: the next authenticator is asked
        if name.startswith("system:"):
            raise AuthenticationError("badges cannot be made out to system users")
        if not hmac.compare_digest(passphrase.encode(), self._passphrase):
            raise AuthenticationError("wrong passphrase")
        return AuthnResponse(UserInfo(name, groups=(GROUP, "system:authenticated")))


def build(context: BuildContext) -> BadgeAuthenticator | None:
    """Return the authenticator, or None without the flag: then it is left out."""
    path = context.options["greetings-passphrase-file"]
    return BadgeAuthenticator(path.read_bytes().strip()) if path else None


@hookimpl
def kapi_register_authenticators() -> Sequence[AuthenticatorPlugin]:
    """Contribute the authenticator with its flag."""
    flag = Option("greetings-passphrase-file", "path", None, "File with the passphrase of badges.", group="Greetings")
    return [AuthenticatorPlugin("badge", "tokens NAME:PASSPHRASE", "token", build, (flag,))]
