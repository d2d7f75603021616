"""The links of the delegation chain as Falcon applications.

What a request asks for has been decided before Falcon (RequestInfo); Falcon reads the body and sends the answer.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import falcon.asgi

from kapi.contracts.server import ASGIApp, ChainLink, Receive, Scope, Send
from kapi.endpoints.answer import CHUNK, Answer, compressed, pieces, status_answer
from kapi.endpoints.api import ResourceEndpoint
from kapi.endpoints.body import ReadBody
from kapi.endpoints.state import request_state
from kapi.meta.errors import StatusError

Respond = Callable[[Scope, ReadBody], Awaitable[Answer]]


def falcon_app(respond: Respond) -> ASGIApp:
    """Return a Falcon application that answers every request by ``respond``."""
    app: Any = falcon.asgi.App()
    app.resp_options.default_media_type = None

    async def answer(req: falcon.asgi.Request, resp: falcon.asgi.Response, **_: Any) -> None:
        await _fill(req.scope, resp, await respond(req.scope, req.stream.read))

    async def refuse(req: Any, resp: Any, error: StatusError, _: Any, **__: Any) -> None:
        await _fill(req.scope, resp, status_answer(req.scope, error))

    async def raise_on(req: Any, resp: Any, error: Exception, _: Any, **__: Any) -> None:
        raise error  # the panic filter answers and logs

    app.add_sink(answer, "/")
    app.add_error_handler(Exception, raise_on)
    app.add_error_handler(StatusError, refuse)
    return app  # type: ignore[no-any-return]  # Falcon's application is an ASGI callable


async def _fill(scope: Scope, resp: falcon.asgi.Response, answer: Answer) -> None:
    """Make Falcon's response of an answer."""
    answer = await compressed(scope, answer)
    request_state(scope).status = answer.status
    resp.status = answer.status
    if answer.content_type:
        resp.content_type = answer.content_type
    resp.set_header("Cache-Control", "no-cache, private")
    for name, value in answer.headers:
        resp.set_header(name, value)
    if not answer.body and not answer.content_type:
        return  # Falcon would name a type if there were data, even none
    if len(answer.body) <= CHUNK:
        resp.data = answer.body
    else:
        resp.set_stream(pieces(answer.body), len(answer.body))


def resource_link(endpoint: ResourceEndpoint) -> ChainLink:
    """Return the link that serves the resources of API groups: watches as raw ASGI, everything else by Falcon."""
    app = falcon_app(endpoint.answer)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if request_state(scope).info.verb == "watch":
            await endpoint.watch(scope, receive, send)
        else:
            await app(scope, receive, send)

    return ChainLink(endpoint.handles, serve)
