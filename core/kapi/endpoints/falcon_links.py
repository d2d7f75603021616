"""The links of the delegation chain as Falcon applications.

What a request asks for has been decided before Falcon (RequestInfo); Falcon reads the body and sends the answer. The
verbs that make nearly all requests for resources go past it: Request, Response and routing would cost as much again as
a GET from the cache.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import falcon.asgi

from kapi.contracts.server import ASGIApp, ChainLink, Receive, Scope, Send
from kapi.endpoints.answer import GZIP_FROM, WHOLE, Answer, compressed, pieces_of, send_answer, status_answer
from kapi.endpoints.api import ResourceEndpoint
from kapi.endpoints.body import BodyReader, ReadBody
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

    app.add_sink(answer, "")  # "*", too, is a path
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
    if answer.pieces is None and len(answer.body) <= WHOLE:
        resp.data = answer.body
    else:
        resp.set_stream(_stream(answer), answer.length)


async def _stream(answer: Answer) -> AsyncIterator[bytes]:
    for piece in pieces_of(answer):
        yield piece


DIRECT = frozenset({"get", "list", "create", "update", "patch"})
"""The verbs that are answered as raw ASGI."""


def resource_link(endpoint: ResourceEndpoint) -> ChainLink:
    """Return the link that serves the resources of API groups: watches and the frequent verbs as raw ASGI."""
    app = falcon_app(endpoint.answer)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        verb = request_state(scope).info.verb
        if verb in DIRECT:
            await _answer_directly(endpoint, scope, receive, send)
        elif verb == "watch":
            await endpoint.watch(scope, receive, send)
        else:
            await app(scope, receive, send)

    return ChainLink(endpoint.handles, serve)


async def _answer_directly(endpoint: ResourceEndpoint, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        answer = await endpoint.answer(scope, BodyReader(receive).read)
    except StatusError as error:
        answer = status_answer(scope, error)
    if answer.length > GZIP_FROM:
        answer = await compressed(scope, answer)
    await send_answer(scope, send, answer)
