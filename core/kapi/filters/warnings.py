"""Adds the warnings that a request has collected to its answer."""

from collections.abc import Awaitable

from kapi.contracts.server import ASGIApp, Message, Receive, Scope, Send
from kapi.endpoints.answer import warning_headers
from kapi.endpoints.state import RequestState


def with_warnings(app: ASGIApp) -> ASGIApp:
    """Send ``state.warnings`` as Warning headers, one line each, with whatever answer the request gets.

    Stands outside panic recovery, so that refusals carry the warnings too.
    """

    async def warn(scope: Scope, receive: Receive, send: Send) -> None:
        def add(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                state: RequestState | None = scope.get("kapi")
                if state is not None and state.warnings:
                    message = {**message, "headers": [*message["headers"], *warning_headers(state)]}
            return send(message)

        await app(scope, receive, add)

    return warn
