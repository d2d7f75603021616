"""Says what each request asks for, before anything else looks at it."""

from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.endpoints.answer import send_answer, text_answer
from kapi.endpoints.requestinfo import RequestLineError, parse_request_info
from kapi.endpoints.state import RequestState


def with_request_info(app: ASGIApp) -> ASGIApp:
    """Put a :class:`RequestState` into the scope; what cannot be understood is answered in plain text at once."""

    async def parse(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            info = parse_request_info(scope["method"], scope["raw_path"], scope["query_string"])
        except RequestLineError as error:
            await send_answer(scope, send, text_answer(error.status, error.text))
            return
        scope["kapi"] = RequestState(info)
        await app(scope, receive, send)

    return parse
