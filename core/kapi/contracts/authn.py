"""Who is asking: authenticators and the identities that they return."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext, Option


class AuthenticationError(Exception):
    """The credential is of the authenticator's kind, but bad. The message never holds the credential."""


@dataclass(frozen=True, slots=True)
class UserInfo:
    """An identity (the ``UserInfo`` of authentication.k8s.io/v1)."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class AuthnRequest(NamedTuple):
    """What an authenticator may look at: never the body.

    ``headers`` are in arrival order with lower-case names; ``peer_certificate`` is the client's certificate
    in DER form if TLS presented one (signed by nobody in particular: the authenticator verifies it);
    ``client`` is the peer's (address, port) if known.
    """

    method: str
    path: str
    headers: Sequence[tuple[bytes, bytes]]
    peer_certificate: bytes | None = None
    client: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class AuthnResponse:
    """An established identity, and the audiences that the credential was good for (empty: not bound)."""

    user: UserInfo
    audiences: tuple[str, ...] = ()


class RequestAuthenticator(Protocol):
    """Authenticates by anything in the request other than a bearer token."""

    async def authenticate_request(self, request: AuthnRequest) -> AuthnResponse | None:
        """Return the identity; None when the request carries no credential of this kind.

        Raises AuthenticationError when it carries one that is bad: later authenticators are still asked,
        and the request is refused (401) if none of them succeeds.
        """


class TokenAuthenticator(Protocol):
    """Authenticates by a bearer token (RFC 6750)."""

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> AuthnResponse | None:
        """Return the identity that ``token`` proves; None when the token is not of this kind.

        ``audiences`` are those that the caller accepts (empty: the server's own). Raises
        AuthenticationError when the token is of this kind but bad.
        """


Phase = Literal["front-proxy", "certificate", "token", "anonymous"]
"""The order in which authenticators are asked; ties in a phase are resolved by name."""


@dataclass(frozen=True, slots=True)
class AuthenticatorPlugin:
    """An authenticator. ``build`` returns None when its options leave it unconfigured.

    ``phase`` "token" means that ``build`` returns a TokenAuthenticator, the others a RequestAuthenticator.
    ``cacheable`` allows the server to remember for some seconds that a token was good; a plugin that notices the
    end of a token by itself, and is fast, says no.
    """

    name: str
    summary: str
    phase: Phase
    build: "Callable[[BuildContext], RequestAuthenticator | TokenAuthenticator | None]"
    options: "tuple[Option, ...]" = ()
    cacheable: bool = True


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A signed service account token; ``expires`` is in seconds since the epoch."""

    token: str
    expires: int


class ServiceAccountTokens(Protocol):
    """Signs and verifies service account tokens (KEP-1205, bound service account tokens)."""

    issuer: str
    audiences: tuple[str, ...]

    def issue(
        self,
        *,
        namespace: str,
        name: str,
        uid: str,
        audiences: Sequence[str],
        seconds: int,
        bound: Mapping[str, Mapping[str, str]] | None = None,
        warn_after: int = 0,
    ) -> IssuedToken:
        """Sign a token for a service account.

        ``audiences`` empty means the server's own; ``bound`` holds the claims about the object that the token
        is bound to, e.g. ``{"pod": {"name": …, "uid": …}}``; ``warn_after`` seconds from now its use should have
        ended although it is still good (0: never).
        """

    def verify(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims of a token that this server signed and that has not expired.

        None when the issuer is another. Raises AuthenticationError when it names this issuer but is bad.
        The audience and the objects it is bound to are left for the caller to check.
        """

    def public_keys(self) -> Sequence[Mapping[str, Any]]:
        """Return the verification keys as JWKs (RFC 7517), for ``/openid/v1/jwks``."""
