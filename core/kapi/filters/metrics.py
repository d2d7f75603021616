"""Counts requests and measures how long they take."""

from asyncio import CancelledError
from time import perf_counter
from typing import Protocol

from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.endpoints.requestinfo import RequestInfo
from kapi.endpoints.state import header, request_state
from kapi.meta.errors import StatusError

APPLY_MEDIA_TYPE = "application/apply-patch"
CLIENT_GONE = 499
"""Counted for a request that was cancelled before its answer began."""


class RequestRecorder(Protocol):
    """What the filter reports to."""

    def begin(self, info: RequestInfo, stays: bool) -> int:
        """Count a request as under way (``stays``: a long-running one); return what ``end`` is to be told."""

    def end(self, begun: int, info: RequestInfo, apply: bool, code: int, seconds: float) -> None:
        """Count a request as answered; ``apply`` tells server-side apply from other patches."""


def with_metrics(app: ASGIApp, recorder: RequestRecorder) -> ASGIApp:
    """Report every request to ``recorder`` when it comes and when it is answered. Just inside request info."""

    async def measure(scope: Scope, receive: Receive, send: Send) -> None:
        state = request_state(scope)
        info = state.info
        begun = recorder.begin(info, state.long_running)
        started = perf_counter()
        code = 500
        try:
            await app(scope, receive, send)
            code = state.status or 200
        except StatusError as error:
            code = state.status or error.code
            raise
        except CancelledError:
            code = state.status or CLIENT_GONE
            raise
        finally:
            apply = info.verb == "patch" and header(scope, b"content-type").startswith(APPLY_MEDIA_TYPE)
            recorder.end(begun, info, apply, code, perf_counter() - started)

    return measure
