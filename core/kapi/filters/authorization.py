"""Lets through only what the authorizers allow."""

from kapi.authz.refusal import refused
from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, Authorizer, Verdict
from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.endpoints.requestinfo import RequestInfo
from kapi.endpoints.state import RequestState, request_state
from kapi.meta.errors import internal_error

DECISION = "authorization.k8s.io/decision"
REASON = "authorization.k8s.io/reason"


def with_authorization(app: ASGIApp, authorizer: Authorizer) -> ASGIApp:
    """Wrap ``app`` so that it only sees requests that ``authorizer`` allows; raises the 403 Status for others."""

    async def authorize(scope: Scope, receive: Receive, send: Send) -> None:
        state = request_state(scope)
        attributes = attributes_of(state.info, user_of(state))
        verdict, reason = await authorizer.authorize(attributes)
        state.audit[REASON] = reason
        if verdict is not Verdict.ALLOW:
            state.audit[DECISION] = "forbid"
            raise refused(attributes, reason)
        state.audit[DECISION] = "allow"
        await app(scope, receive, send)

    return authorize


def user_of(state: RequestState) -> UserInfo:
    """Return the request's user; raises the 500 Status if the authentication filter is missing in the chain."""
    if state.user is None:
        raise internal_error("no User found in the context")
    return state.user


def attributes_of(info: RequestInfo, user: UserInfo) -> Attributes:
    """Return what is asked of an authorizer about a request."""
    return Attributes(
        user,
        info.verb,
        info.is_resource_request,
        info.path,
        info.group,
        info.version,
        info.resource,
        info.subresource,
        info.namespace,
        info.name,
        info.field_selector,
        info.label_selector,
    )
