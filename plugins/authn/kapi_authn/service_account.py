"""Service accounts: bearer tokens that this server issued (KEP-1205, bound service account tokens)."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from kapi.contracts.authn import (
    AuthenticationError,
    AuthenticatorPlugin,
    AuthnResponse,
    ServiceAccountTokens,
    UserInfo,
)
from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.plugins import BuildContext, Option
from kapi.hookspecs import hookimpl
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource

_EXTRA = "authentication.kubernetes.io/"
_INVALIDATED = "service account token has been invalidated"
_GRACE = 60
_RESOURCES = {
    "serviceaccount": GroupVersionResource("", "v1", "serviceaccounts"),
    "pod": GroupVersionResource("", "v1", "pods"),
    "secret": GroupVersionResource("", "v1", "secrets"),
    "node": GroupVersionResource("", "v1", "nodes"),
}
_log = logging.getLogger(__name__)


class ServiceAccountAuthenticator:
    """Accepts tokens whose service account, and the object that they are bound to, still exist.

    ``client`` None skips that check (``--service-account-lookup=false``).
    """

    def __init__(
        self, tokens: ServiceAccountTokens, client: ObjectClient | None, clock: Callable[[], float] = time.time
    ) -> None:
        """Take the verifier and the way to the objects."""
        self._tokens = tokens
        self._client = client
        self._clock = clock

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> AuthnResponse | None:
        """Return the service account's identity; None for tokens of other issuers. Raises AuthenticationError."""
        claims = self._tokens.verify(token)
        if claims is None:
            return None
        about: Mapping[str, Any] = claims["kubernetes.io"]
        meant_for = tuple(claims["aud"])
        if self._client is not None and (not audiences or set(meant_for) & set(audiences)):
            await self._check_objects(self._client, about)
        if self._clock() > about.get("warnafter", float("inf")):
            _log.warning("stale token of service account %s/%s", about["namespace"], about["serviceaccount"]["name"])
        return AuthnResponse(_user(claims, about), meant_for)

    async def _check_objects(self, client: ObjectClient, about: Mapping[str, Any]) -> None:
        """Check that all that a token names is there, is the same and not long gone; raises AuthenticationError."""
        namespace = about["namespace"]
        account = about["serviceaccount"]
        found = await _find(client, "serviceaccount", account["name"], namespace)
        if found is None:
            raise AuthenticationError(f'serviceaccounts "{account["name"]}" not found')
        if self._gone(found):
            raise AuthenticationError(f"service account {namespace}/{account['name']} has been deleted")
        _check_uid("service account", found, account, "claim")
        for part in ("secret", "pod"):
            if part in about:
                await self._check_bound(client, part, about[part], namespace)
        if "node" in about and "pod" not in about:
            await self._check_bound(client, "node", about["node"], "")

    async def _check_bound(self, client: ObjectClient, part: str, claim: Mapping[str, str], namespace: str) -> None:
        found = await _find(client, part, claim.get("name", ""), namespace)
        if found is None or self._gone(found):
            raise AuthenticationError(_INVALIDATED)
        _check_uid(part, found, claim, f"service account {part} ref claim")

    def _gone(self, obj: Object) -> bool:
        """Tell whether the object should have been deleted a while ago."""
        deletion = obj["metadata"].get("deletionTimestamp")
        return deletion is not None and datetime.fromisoformat(deletion).timestamp() < self._clock() - _GRACE


async def _find(client: ObjectClient, part: str, name: str, namespace: str) -> Object | None:
    """Return an object from the shared view; one that is not there may be new, so the store is asked too."""
    resource = _RESOURCES[part]
    found = client.informer(resource).get(name, namespace)
    if found is not None:
        return found
    try:
        return await client.get(resource, name, namespace)
    except StatusError as ex:
        if ex.code == 404:
            return None
        raise


def _check_uid(what: str, obj: Object, claim: Mapping[str, str], claimed: str) -> None:
    uid = obj["metadata"].get("uid", "")
    if uid != claim.get("uid", ""):
        raise AuthenticationError(f"{what} UID ({uid}) does not match {claimed} ({claim.get('uid', '')})")


def _user(claims: Mapping[str, Any], about: Mapping[str, Any]) -> UserInfo:
    namespace, account = about["namespace"], about["serviceaccount"]
    extra: dict[str, tuple[str, ...]] = {}
    if claims.get("jti"):
        extra[_EXTRA + "credential-id"] = (f"JTI={claims['jti']}",)
    for part in ("node", "pod"):
        for member, value in about.get(part, {}).items():
            extra[f"{_EXTRA}{part}-{member}"] = (value,)
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return UserInfo(f"system:serviceaccount:{namespace}:{account['name']}", account.get("uid", ""), groups, extra)


def build(context: BuildContext) -> ServiceAccountAuthenticator | None:
    """Return the authenticator if the server has keys for service account tokens."""
    if context.service_account_tokens is None:
        return None
    lookup = context.options.get("service-account-lookup", True)
    return ServiceAccountAuthenticator(context.service_account_tokens, context.client if lookup else None)


@hookimpl
def kapi_register_authenticators() -> Sequence[AuthenticatorPlugin]:
    """Contribute the service account authenticator. It notices deleted accounts at once: no need to cache."""
    option = Option(
        "service-account-lookup",
        "bool",
        True,
        "Check that the service account of a token, and what the token is bound to, still exist.",
        "Authentication",
    )
    return [
        AuthenticatorPlugin("service_account", "tokens of service accounts", "token", build, (option,), cacheable=False)
    ]
