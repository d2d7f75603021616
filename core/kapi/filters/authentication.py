"""Finds out who sends a request."""

import logging
from collections.abc import Sequence

from kapi.authn.union import RequestUnion
from kapi.contracts.authn import AuthenticationError, AuthnRequest
from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.endpoints.state import request_state
from kapi.meta.errors import unauthorized

_log = logging.getLogger(__name__)


def with_authentication(app: ASGIApp, authenticator: RequestUnion) -> ASGIApp:
    """Wrap ``app`` so that it only sees requests whose sender is known, as ``state.user``.

    Raises the 401 Status otherwise. Credentials are gone from the headers that ``app`` sees, and so are the
    headers by which a front proxy names users: whoever forwards a request sets its own.
    """

    async def authenticate(scope: Scope, receive: Receive, send: Send) -> None:
        state = request_state(scope)
        headers = scope["headers"]
        request = AuthnRequest(scope["method"], scope["path"], headers, peer_certificate(scope), scope.get("client"))
        try:
            response = await authenticator.authenticate(request, state.warnings.append)
        except AuthenticationError as ex:
            _log.info("refused %s %r: %s", scope["method"], scope["path"], ex)
            raise unauthorized() from None
        if response is None:
            raise unauthorized()
        state.user = response.user
        scope["headers"] = without_credentials(headers)
        await app(scope, receive, send)

    return authenticate


def peer_certificate(scope: Scope) -> bytes | None:
    """Return the certificate (DER) that the client presented, if any."""
    tls = scope.get("extensions", {}).get("tls")
    return tls.get("client_cert_der") if tls else None


def without_credentials(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers without Authorization and X-Remote-*."""
    return [item for item in headers if item[0] != b"authorization" and not item[0].startswith(b"x-remote-")]
