"""Says what each request asks for, before anything else looks at it."""

from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.endpoints.requestinfo import parse_request_info
from kapi.endpoints.state import RequestState


def with_request_info(app: ASGIApp) -> ASGIApp:
    """Put a :class:`RequestState` into the scope; raises StatusError for paths that cannot be parsed."""

    async def parse(scope: Scope, receive: Receive, send: Send) -> None:
        info = parse_request_info(scope["method"], scope["raw_path"], scope["query_string"])
        scope["kapi"] = RequestState(info)
        await app(scope, receive, send)

    return parse
