"""Lets through only what the authorizers allow."""

import asyncio
from functools import partial
from typing import Protocol

from kapi.authz.refusal import refused
from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, Authorizer, Verdict
from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.contracts.storage import StorageError
from kapi.endpoints.requestinfo import RequestInfo
from kapi.endpoints.state import RequestState, request_state
from kapi.meta.errors import internal_error

DECISION = "authorization.k8s.io/decision"
REASON = "authorization.k8s.io/reason"
CATCH_UP_SECONDS = 3.0
"""How long somebody who is to be refused may wait until this process knows the latest rules."""


class Progress(Protocol):
    """How far this process has followed the store: :class:`kapi.storage.feed.Feed`."""

    revision: int

    async def current(self) -> None:
        """Return when every write acknowledged before the call is known here."""


def with_authorization(app: ASGIApp, authorizer: Authorizer, progress: Progress | None = None) -> ASGIApp:
    """Wrap ``app`` so that it only sees requests that ``authorizer`` allows; raises the 403 Status for others.

    Authorizers know the rules as far as this process has followed the store, which another process may have changed a
    moment ago. So nobody is refused before it has caught up (``progress``), and a read that waits until it has caught
    up asks again (``state.confirm``): what was granted or revoked holds from the next such request on.
    """

    async def allow(state: RequestState, attributes: Attributes) -> None:
        asked_at = progress.revision if progress is not None else 0
        verdict, reason = await authorizer.authorize(attributes)
        if verdict is not Verdict.ALLOW and progress is not None and await _caught_up(progress, asked_at):
            verdict, reason = await authorizer.authorize(attributes)
        state.audit[REASON] = reason
        if verdict is not Verdict.ALLOW:
            state.audit[DECISION] = "forbid"
            raise refused(attributes, reason)
        state.audit[DECISION] = "allow"

    async def confirm(progress: Progress, asked_at: int, attributes: Attributes, state: RequestState) -> None:
        if progress.revision != asked_at:
            await allow(state, attributes)

    async def authorize(scope: Scope, receive: Receive, send: Send) -> None:
        state = request_state(scope)
        attributes = attributes_of(state.info, user_of(state))
        asked_at = progress.revision if progress is not None else 0
        await allow(state, attributes)
        if progress is not None:
            state.confirm = partial(confirm, progress, asked_at, attributes)
        await app(scope, receive, send)

    return authorize


async def _caught_up(progress: Progress, before: int) -> bool:
    """Wait a little until this process knows all that was written; tell whether it knows more than at a revision."""
    try:
        async with asyncio.timeout(CATCH_UP_SECONDS):
            await progress.current()
    except (TimeoutError, StorageError):
        return False
    return progress.revision != before


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
