"""Bounds how long a request may take."""

import asyncio

from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.endpoints.state import request_state
from kapi.meta.errors import StatusError

LONG_RUNNING_VERBS = frozenset({"watch", "proxy"})
LONG_RUNNING_SUBRESOURCES = frozenset({"attach", "exec", "proxy", "log", "portforward"})


def long_running(scope: Scope) -> bool:
    """Tell whether a request may take as long as it likes (watches, streams to nodes)."""
    info = request_state(scope).info
    return info.verb in LONG_RUNNING_VERBS or (
        info.is_resource_request and info.subresource in LONG_RUNNING_SUBRESOURCES
    )


def with_deadline(app: ASGIApp, seconds: float) -> ASGIApp:
    """Cancel a request that takes longer than ``seconds`` and answer 504, as kube-apiserver does."""

    async def bound(scope: Scope, receive: Receive, send: Send) -> None:
        if long_running(scope):
            await app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        request_state(scope).deadline = loop.time() + seconds
        task = asyncio.current_task()
        assert task is not None
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            task.cancel()

        timer = loop.call_later(seconds, expire)
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            if not expired:
                raise
            task.uncancel()
            raise StatusError(
                504, "Timeout", "Timeout: request did not complete within the allotted timeout", {}
            ) from None
        finally:
            timer.cancel()

    return bound
