"""Asks all authenticators who sent a request: the first identity wins, errors are collected.

A request that carries bad credentials is refused even where anonymous requests are welcome. Errors never hold the
credentials themselves, and what an authenticator raises unexpectedly refuses the request rather than skipping it.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from kapi.authn.bearer import NO_BEARER, Bearer, parse_authorization
from kapi.authn.cache import TokenCache
from kapi.contracts.authn import (
    AuthenticationError,
    AuthenticatorPlugin,
    AuthnRequest,
    AuthnResponse,
    Phase,
    RequestAuthenticator,
    TokenAuthenticator,
)
from kapi.contracts.plugins import BuildContext

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = "system:anonymous"
INVALID_TOKEN = "invalid bearer token"  # noqa: S105 - a message, not a secret

_PHASES: tuple[Phase, ...] = ("front-proxy", "certificate", "token", "anonymous")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    """A built authenticator with what the union needs to know about it."""

    name: str
    phase: Phase
    authenticator: RequestAuthenticator | TokenAuthenticator
    cacheable: bool = True


class TokenUnion:
    """The token authenticators, asked by name; itself one of them.

    ``audiences`` are the server's own: a token that is bound to none is good for exactly these.
    """

    def __init__(self, members: Iterable[Member], audiences: Sequence[str], cache: TokenCache | None = None) -> None:
        """Take the members of phase "token"."""
        self._members = [
            (member.name, cast(TokenAuthenticator, member.authenticator), member.cacheable)
            for member in sorted(members, key=lambda member: member.name)
        ]
        self._audiences = tuple(audiences)
        self._cache = cache or TokenCache()

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> AuthnResponse | None:
        """Return the identity that ``token`` proves to those who accept ``audiences`` (empty: to this server).

        None when no authenticator knows the token. Raises AuthenticationError with the findings of those that did.
        """
        key = self._cache.key(token, audiences)
        known = self._cache.get(key)
        if known is not None:
            return known
        response, cacheable = await self._ask_all(token, audiences or self._audiences)
        if response is not None and cacheable:
            self._cache.put(key, response)
        return response

    async def _ask_all(self, token: str, audiences: tuple[str, ...]) -> tuple[AuthnResponse | None, bool]:
        errors: list[str] = []
        for name, authenticator, cacheable in self._members:
            try:
                response = await authenticator.authenticate_token(token, audiences)
                if response is not None:
                    response = self._for_audiences(response, audiences)
                if response is not None:
                    return with_group(response), cacheable
            except Exception as ex:  # code of plugins: whatever it raises must refuse, not skip
                errors.append(_finding(name, ex))
        if errors:
            raise AuthenticationError(aggregate([INVALID_TOKEN, *errors]))
        return None, False

    def _for_audiences(self, response: AuthnResponse, audiences: tuple[str, ...]) -> AuthnResponse | None:
        """Narrow the response to the accepted audiences; None when an unbound token is not meant for them."""
        if not audiences:
            return response
        good = tuple(name for name in response.audiences or self._audiences if name in audiences)
        if good or not (response.audiences or self._audiences):
            return replace(response, audiences=good)
        if not response.audiences:
            return None
        raise AuthenticationError(audience_mismatch(response.audiences, audiences))


class RequestUnion:
    """All authenticators of a server, asked by phase and name."""

    def __init__(self, members: Iterable[Member], audiences: Sequence[str], cache: TokenCache | None = None) -> None:
        """Take the built authenticators and the server's own audiences."""
        ordered = sorted(members, key=lambda member: (_PHASES.index(member.phase), member.name))
        self.tokens = TokenUnion([m for m in ordered if m.phase == "token"], audiences, cache)
        self._first = _requesters(ordered, ("front-proxy", "certificate"))
        self._last = _requesters(ordered, ("anonymous",))

    async def authenticate(self, request: AuthnRequest, warn: Callable[[str], None]) -> AuthnResponse | None:
        """Return who sent the request; None when it carries no credentials and none are asked for.

        ``warn`` takes texts for Warning headers. Raises AuthenticationError when there were credentials, but
        nothing that proves an identity.
        """
        errors: list[str] = []
        response = await _first_of(self._first, request, errors)
        if response is not None:
            return with_group(response)
        response = await self._by_token(request, errors, warn)
        if response is not None:
            return response
        if errors:
            raise AuthenticationError(aggregate(errors))
        response = await _first_of(self._last, request, errors)
        if errors:
            raise AuthenticationError(aggregate(errors))
        return with_group(response, UNAUTHENTICATED) if response is not None else None

    async def _by_token(
        self, request: AuthnRequest, errors: list[str], warn: Callable[[str], None]
    ) -> AuthnResponse | None:
        bearer = bearer_of(request)
        if bearer.warning:
            warn(bearer.warning)
        if not bearer.token:
            return None
        try:
            response = await self.tokens.authenticate_token(bearer.token, ())
        except AuthenticationError as ex:
            errors.append(str(ex))
            return None
        if response is None:
            errors.append(INVALID_TOKEN)
        return response


def bearer_of(request: AuthnRequest) -> Bearer:
    """Return the bearer token of a request's first Authorization header."""
    for name, value in request.headers:
        if name == b"authorization":
            return parse_authorization(value.decode("latin-1"))
    return NO_BEARER


def with_group(response: AuthnResponse, group: str = AUTHENTICATED) -> AuthnResponse:
    """Return the response with its user in ``group``, unless it already is known to be logged in or not."""
    user = response.user
    if user.name == ANONYMOUS:
        group = UNAUTHENTICATED
    if AUTHENTICATED in user.groups or UNAUTHENTICATED in user.groups:
        return response
    return replace(response, user=replace(user, groups=(*user.groups, group)))


def aggregate(messages: Sequence[str]) -> str:
    """Join messages as kube-apiserver prints several errors: ``[first, second]``, duplicates dropped."""
    unique = list(dict.fromkeys(messages))
    return unique[0] if len(unique) == 1 else "[" + ", ".join(unique) + "]"


def audience_mismatch(have: Sequence[str], want: Sequence[str]) -> str:
    """Say that a token is meant for others."""

    def quoted(names: Sequence[str]) -> str:
        return "[" + " ".join(f'"{name}"' for name in names) + "]"

    return f"token audiences {quoted(have)} is invalid for the target audiences {quoted(want)}"


def build_authenticator(plugins: Iterable[AuthenticatorPlugin], context: BuildContext) -> RequestUnion:
    """Build all authenticators that the options configure, and their union.

    The server's audiences are ``--api-audiences``, or the issuer of service account tokens.
    """
    members = []
    for plugin in plugins:
        built = plugin.build(context)
        if built is not None:
            members.append(Member(plugin.name, plugin.phase, built, plugin.cacheable))
    tokens = context.service_account_tokens
    audiences = tokens.audiences if tokens is not None else tuple(context.options.get("api-audiences") or ())
    return RequestUnion(members, audiences)


def _requesters(members: Iterable[Member], phases: Sequence[Phase]) -> list[tuple[str, RequestAuthenticator]]:
    return [(m.name, cast(RequestAuthenticator, m.authenticator)) for m in members if m.phase in phases]


async def _first_of(
    members: Iterable[tuple[str, RequestAuthenticator]], request: AuthnRequest, errors: list[str]
) -> AuthnResponse | None:
    for name, authenticator in members:
        try:
            response = await authenticator.authenticate_request(request)
        except Exception as ex:  # code of plugins: whatever it raises must refuse, not skip
            errors.append(_finding(name, ex))
            continue
        if response is not None:
            return response
    return None


def _finding(name: str, error: Exception) -> str:
    """Return what may be said of an authenticator's error. Only its type is logged: the text could hold a secret."""
    if isinstance(error, AuthenticationError):
        return str(error)
    _log.error("authenticator %s failed with %s", name, type(error).__name__)
    return f"authenticator {name} failed"
