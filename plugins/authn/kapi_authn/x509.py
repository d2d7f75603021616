"""Client certificates: the common name is the user, each organization a group."""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from kapi.contracts.authn import AuthenticationError, AuthenticatorPlugin, AuthnRequest, AuthnResponse
from kapi.contracts.plugins import BuildContext, Option
from kapi.hookspecs import hookimpl
from kapi_authn.certificates import CertificateVerifier

_CACHED = 1024


class _Verified(NamedTuple):
    until: float
    response: AuthnResponse | None


class CertificateAuthenticator:
    """Verifies client certificates against a CA bundle.

    What was verified is remembered by the certificate's hash until the certificate, or its issuer, runs out.
    """

    def __init__(self, verifier: CertificateVerifier, clock: Callable[[], float] = time.time) -> None:
        """Take what verifies a certificate."""
        self._verifier = verifier
        self._clock = clock
        self._known: dict[bytes, _Verified] = {}

    async def authenticate_request(self, request: AuthnRequest) -> AuthnResponse | None:
        """Return the certificate's user; None without a certificate or when it names nobody.

        Raises AuthenticationError for a certificate that is not good (any more).
        """
        der = request.peer_certificate
        if not der:
            return None
        digest = hashlib.sha256(der).digest()
        known = self._known.get(digest)
        if known is not None and self._clock() < known.until:
            return known.response
        return self._verify(der, digest)

    def _verify(self, der: bytes, digest: bytes) -> AuthnResponse | None:
        self._known.pop(digest, None)
        user, until = self._verifier.verify(der, self._clock())
        response = AuthnResponse(user) if user is not None else None
        if len(self._known) >= _CACHED:
            del self._known[next(iter(self._known))]
        self._known[digest] = _Verified(until, response)
        return response


class _LazyAuthenticator:
    """Reads the CA bundle when the first certificate comes: most servers never see one."""

    def __init__(self, context: BuildContext) -> None:
        self._path = context.options["client-ca-file"]
        self._authenticator: CertificateAuthenticator | None = None

    async def authenticate_request(self, request: AuthnRequest) -> AuthnResponse | None:
        """Do what CertificateAuthenticator does."""
        if not request.peer_certificate:
            return None
        if self._authenticator is None:
            self._authenticator = CertificateAuthenticator(self._load())
        return await self._authenticator.authenticate_request(request)

    def _load(self) -> CertificateVerifier:
        try:
            return CertificateVerifier.from_pem(self._path.read_bytes())
        except (OSError, ValueError) as ex:
            raise AuthenticationError(f"the client CA file {self._path} cannot be used: {ex}") from ex


def build(context: BuildContext) -> _LazyAuthenticator | None:
    """Return the authenticator if there is a ``--client-ca-file``."""
    return _LazyAuthenticator(context) if context.options["client-ca-file"] else None


@hookimpl
def kapi_register_authenticators() -> Sequence[AuthenticatorPlugin]:
    """Contribute the client certificate authenticator."""
    option = Option(
        "client-ca-file", "path", None, "CA bundle whose client certificates are accepted.", "Authentication"
    )
    return [AuthenticatorPlugin("x509", "client certificates", "certificate", build, (option,))]
