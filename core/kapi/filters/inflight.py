"""Bounds how many requests are worked on at once (``--max-requests-inflight`` and ``--max-mutating-…``)."""

from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.endpoints.state import request_state
from kapi.meta.errors import too_many_requests

READ_VERBS = frozenset({"get", "list", "watch"})
PRIVILEGED = "system:masters"


class InFlight:
    """Counts the requests under way; reads and writes have limits of their own (0: none)."""

    def __init__(self, reads: int, writes: int) -> None:
        """Take the two limits."""
        self.limits = {"readOnly": reads, "mutating": writes}
        self.counts = {"readOnly": 0, "mutating": 0}

    def kind(self, verb: str) -> str:
        """Return which of the two limits a verb counts against."""
        return "readOnly" if verb in READ_VERBS else "mutating"


def with_max_in_flight(app: ASGIApp, in_flight: InFlight) -> ASGIApp:
    """Answer 429 when too many requests are under way; long-running ones do not count.

    As in kube-apiserver (its filters/maxinflight.go), ``system:masters`` are let in when the limit is reached, and
    do not count then: whoever repairs a server that is too busy must get in.
    """
    counts, limits = in_flight.counts, in_flight.limits

    async def admit(scope: Scope, receive: Receive, send: Send) -> None:
        state = request_state(scope)
        if state.long_running:
            await app(scope, receive, send)
            return
        kind = in_flight.kind(state.info.verb)
        if limits[kind] and counts[kind] >= limits[kind]:
            if state.user is not None and PRIVILEGED in state.user.groups:
                await app(scope, receive, send)
                return
            raise too_many_requests("Too many requests, please try again later.", 1)
        counts[kind] += 1
        try:
            await app(scope, receive, send)
        finally:
            counts[kind] -= 1

    return admit
