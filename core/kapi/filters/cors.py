"""Lets scripts of other origins call the API from a browser (Cross-Origin Resource Sharing, Fetch standard 3.2)."""

from collections.abc import Sequence
from typing import Final

from kapi.contracts.server import ASGIApp, Message, Receive, Scope, Send
from kapi.endpoints.state import header

Headers = list[tuple[bytes, bytes]]

_SAME_FOR_ALL: Final[Headers] = [
    (b"access-control-allow-methods", b"POST, GET, OPTIONS, PUT, DELETE, PATCH"),
    (
        b"access-control-allow-headers",
        b"Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, "
        b"If-Modified-Since",
    ),
    (b"access-control-expose-headers", b"Date"),
    (b"access-control-allow-credentials", b"true"),
]
"""What kube-apiserver sends."""


def with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Add the headers that allow an origin, if one of the patterns ``origins`` is found in it.

    An OPTIONS request of an allowed origin is answered at once, whoever asks. Stands outside panic recovery, so that a
    script can read refusals too. Without origins nothing is wrapped. The patterns are RE2's, and checked before
    (:func:`kapi.config.checks.origin_patterns`).
    """
    if not origins:
        return app
    import re2

    patterns = [re2.compile(origin) for origin in origins]

    async def share(scope: Scope, receive: Receive, send: Send) -> None:
        origin = header(scope, b"origin")
        if not origin or not any(pattern.search(origin) for pattern in patterns):
            await app(scope, receive, send)
            return
        allowed = [(b"access-control-allow-origin", origin.encode("latin-1")), *_SAME_FOR_ALL]
        if scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": allowed})
            await send({"type": "http.response.body", "body": b""})
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *allowed]}
            await send(message)

        await app(scope, receive, add)

    return share
