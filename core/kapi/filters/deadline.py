"""Bounds how long a request may take: ``--request-timeout``, or less if its query has ``timeout=5s``."""

import asyncio
import re

from kapi.config.durations import parse_duration
from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.endpoints.state import request_state
from kapi.meta.errors import StatusError, bad_request, go_quote
from kapi.meta.query import first, parse_query

_DURATION_PARTS = re.compile(r"([0-9]*\.?[0-9]*)([^0-9.]*)")
_UNITS = frozenset({"ns", "us", "µs", "μs", "ms", "s", "m", "h"})
TICK = 0.25
"""How precisely deadlines are kept: one timer looks at all requests, because a timer for each costs every request."""


class Deadlines:
    """Cancels tasks whose time is up. The timer only runs while there are tasks."""

    def __init__(self) -> None:
        """Begin without tasks."""
        self._ends: dict[asyncio.Task[object], float] = {}
        self._expired: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, task: "asyncio.Task[object]", end: float) -> None:
        """Cancel ``task`` at the loop time ``end``, unless it is removed before."""
        self._ends[task] = end
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK, self._look)

    def remove(self, task: "asyncio.Task[object]") -> bool:
        """Forget a task; tells whether it was cancelled because its time was up."""
        self._ends.pop(task, None)
        if not self._expired:
            return False
        expired = task in self._expired
        self._expired.discard(task)
        return expired

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task in [task for task, end in self._ends.items() if end <= now]:
            del self._ends[task]
            self._expired.add(task)
            task.cancel()
        self._timer = loop.call_later(TICK, self._look) if self._ends else None


def requested_timeout(query: bytes, longest: float) -> float:
    """Return the seconds that a request has: those of the parameter ``timeout``, within ``longest``.

    Zero and less mean no wish of the client's. Raises the 400 StatusError for what is no duration, in the words of
    kube-apiserver (filters/request_deadline.go) and of Go's ``time.ParseDuration``.
    """
    text = first(parse_query(query), "timeout")
    if not text:
        return longest
    try:
        wanted = parse_duration(text)
    except ValueError:
        raise bad_request(f"invalid timeout specified in the request URL - time: {_wrong_with(text)}") from None
    return wanted if 0 < wanted < longest else longest


def _wrong_with(text: str) -> str:
    """Return what Go says of a text that is no duration."""
    body = text[1:] if text[:1] in ("+", "-") else text
    for number, unit in _DURATION_PARTS.findall(body):
        if number in ("", "."):
            break
        if not unit:
            return f"missing unit in duration {go_quote(text)}"
        if unit not in _UNITS:
            return f"unknown unit {go_quote(unit)} in duration {go_quote(text)}"
    return f"invalid duration {go_quote(text)}"


def with_deadline(app: ASGIApp, seconds: float) -> ASGIApp:
    """Cancel a request that takes longer than ``seconds`` and answer 504, as kube-apiserver does."""
    deadlines = Deadlines()

    async def bound(scope: Scope, receive: Receive, send: Send) -> None:
        state = request_state(scope)
        if state.long_running:
            await app(scope, receive, send)
            return
        task = asyncio.current_task()
        assert task is not None
        query = scope["query_string"]
        allotted = requested_timeout(query, seconds) if b"timeout=" in query else seconds
        end = asyncio.get_running_loop().time() + allotted
        state.deadline = end
        deadlines.add(task, end)
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            if not deadlines.remove(task):
                raise
            task.uncancel()
            message = "Timeout: request did not complete within the allotted timeout"
            raise StatusError(504, "Timeout", message, {}) from None
        finally:
            deadlines.remove(task)

    return bound
