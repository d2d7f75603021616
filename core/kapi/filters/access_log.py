"""Writes one line for every request, from ``-v2`` on."""

import logging
from time import perf_counter

from kapi.contracts.server import ASGIApp, Message, Receive, Scope, Send
from kapi.endpoints.state import RequestState, header

_log = logging.getLogger("kapi.access")


def with_access_log(app: ASGIApp) -> ASGIApp:
    """Log method, path, status, duration, user and user agent of each request. Just outside panic recovery.

    The query is left out: it may hold tokens. When the log is off (``-v`` below 2) nothing is wrapped.
    """
    if not _log.isEnabledFor(logging.INFO):
        return app

    async def log(scope: Scope, receive: Receive, send: Send) -> None:
        status = 0

        async def watch_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = perf_counter()
        try:
            await app(scope, receive, watch_send)
        finally:
            _log.info("HTTP", extra={"fields": _fields(scope, status, perf_counter() - started)})

    return log


def _fields(scope: Scope, status: int, seconds: float) -> dict[str, str | int]:
    state: RequestState | None = scope.get("kapi")
    client = scope.get("client")
    return {
        "verb": state.info.verb if state else "",
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "latency": f"{seconds * 1000:.3f}ms",
        "user": state.user.name if state and state.user else "",
        "userAgent": header(scope, b"user-agent"),
        "client": f"{client[0]}:{client[1]}" if client else "",
    }
