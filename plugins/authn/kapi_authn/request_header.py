"""Front proxies: they have logged users in, and name them in headers (``--requestheader-*``).

Only a client certificate of the proxies' own CA makes the headers count; from everyone else they mean nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from kapi.contracts.authn import (
    AuthenticationError,
    AuthenticatorPlugin,
    AuthnRequest,
    AuthnResponse,
    UserInfo,
)
from kapi.contracts.plugins import BuildContext, Option
from kapi.hookspecs import hookimpl
from kapi_authn.certificates import CertificateVerifier


@dataclass(frozen=True, slots=True)
class HeaderNames:
    """Which headers hold what; all in lower case."""

    users: tuple[bytes, ...]
    uids: tuple[bytes, ...] = ()
    groups: tuple[bytes, ...] = ()
    extra_prefixes: tuple[bytes, ...] = ()


class RequestHeaderAuthenticator:
    """Takes the word of proxies whose certificate is good and whose common name is allowed (none given: any)."""

    def __init__(
        self,
        verifier: Callable[[], CertificateVerifier],
        names: HeaderNames,
        allowed: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take what makes the verifier, when the first certificate comes."""
        self._make = verifier
        self._verifier: CertificateVerifier | None = None
        self._names = names
        self._allowed = frozenset(allowed)
        self._clock = clock

    async def authenticate_request(self, request: AuthnRequest) -> AuthnResponse | None:
        """Return the user whom a proxy names; None without a certificate or a name.

        Raises AuthenticationError for a certificate that is no proxy's.
        """
        if not request.peer_certificate:
            return None
        if self._verifier is None:
            self._verifier = self._make()
        proxy, _ = self._verifier.verify(request.peer_certificate, self._clock())
        if self._allowed and (proxy is None or proxy.name not in self._allowed):
            raise AuthenticationError("x509: subject is not in the list of allowed front proxies")
        name = next(_values(request, self._names.users), "")
        return AuthnResponse(self._user(request, name)) if name else None

    def _user(self, request: AuthnRequest, name: str) -> UserInfo:
        uid = next(_values(request, self._names.uids), "")
        return UserInfo(name, uid, tuple(_values(request, self._names.groups)), self._extra(request))

    def _extra(self, request: AuthnRequest) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for name, value in request.headers:
            for prefix in self._names.extra_prefixes:
                if name.startswith(prefix):
                    key = unquote(name[len(prefix) :].decode("latin-1"), errors="replace")
                    found[key] = (*found.get(key, ()), value.decode("latin-1"))
        return found


def _values(request: AuthnRequest, names: Sequence[bytes]) -> Iterator[str]:
    """Yield the values that are not empty of the named headers, header by header."""
    for wanted in names:
        for name, value in request.headers:
            if name == wanted and value:
                yield value.decode("latin-1")


def build(context: BuildContext) -> RequestHeaderAuthenticator | None:
    """Return the authenticator if there is a ``--requestheader-client-ca-file``."""
    options = context.options
    path: Path | None = options["requestheader-client-ca-file"]
    if path is None:
        return None
    bundle = path

    def load() -> CertificateVerifier:
        try:
            return CertificateVerifier.from_pem(bundle.read_bytes())
        except (OSError, ValueError) as ex:
            raise AuthenticationError(f"the front proxies' CA file {bundle} cannot be used: {ex}") from ex

    parts = ("username-headers", "uid-headers", "group-headers", "extra-headers-prefix")
    names = HeaderNames(*(_lower(options[f"requestheader-{part}"]) for part in parts))
    return RequestHeaderAuthenticator(load, names, options["requestheader-allowed-names"])


def _lower(names: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(name.strip().lower().encode("latin-1") for name in names)


def _option(name: str, help: str) -> Option:
    return Option(f"requestheader-{name}", "strings", (), help, "Authentication")


@hookimpl
def kapi_register_authenticators() -> Sequence[AuthenticatorPlugin]:
    """Contribute the front proxy authenticator."""
    options = (
        Option(
            "requestheader-client-ca-file",
            "path",
            None,
            "CA bundle of front proxies. It must not be the one of users: whoever has a certificate of it is anyone.",
            "Authentication",
        ),
        _option("allowed-names", "Common names of accepted front proxies; empty: all that the CA has signed."),
        _option("username-headers", "Headers with the user name, such as X-Remote-User."),
        _option("uid-headers", "Headers with the user's uid, such as X-Remote-Uid."),
        _option("group-headers", "Headers with the user's groups, such as X-Remote-Group."),
        _option("extra-headers-prefix", "Prefixes of headers with extra user data, such as X-Remote-Extra-."),
    )
    return [AuthenticatorPlugin("request_header", "users named by front proxies", "front-proxy", build, options)]
