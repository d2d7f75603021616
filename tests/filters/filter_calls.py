"""Calls filters around small applications."""

from typing import Any

from kapi.contracts.server import ASGIApp, Message, Receive, Scope, Send
from kapi.endpoints.requestinfo import parse_request_info
from kapi.endpoints.state import RequestState
from kapi.testing.asgi import AsgiClient, Reply

PODS = "/api/v1/namespaces/ns/pods"


def informed(app: ASGIApp) -> ASGIApp:
    """Return ``app`` with what the request-info filter would have put into the scope."""

    async def inform(scope: Scope, receive: Receive, send: Send) -> None:
        scope["kapi"] = RequestState(parse_request_info(scope["method"], scope["raw_path"], scope["query_string"]))
        await app(scope, receive, send)

    return inform


async def ask(app: ASGIApp, target: str = PODS, method: str = "GET", **headers: str) -> Reply:
    return await AsgiClient(informed(app)).request(method, target, headers=headers)


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 200."""
    await begin(send)
    await send({"type": "http.response.body", "body": b"fine"})


async def begin(send: Send) -> None:
    message: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
    await send(message)


def raising(error: BaseException, *, begun: bool = False) -> ASGIApp:
    """Return an application that raises, before or after its answer has begun."""

    async def fail(scope: Scope, receive: Receive, send: Send) -> Any:
        if begun:
            await begin(send)
        raise error

    return fail
