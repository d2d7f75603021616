"""The latest changes of a resource, for watches that begin a little in the past.

As kube-apiserver's watch cache, a window holds more changes the faster they come, so that whoever lists a lot has time
to watch from there: at least 75 seconds of them (KEP-2340). It is bounded all the same, in number and in bytes; what
it has forgotten is read from the backend's history.
"""

import time
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kapi.storage.entry import Entry
    from kapi.storage.events import CacheEvent

FEW_EVENTS, MOST_EVENTS = 4096, 102_400
"""So many changes are kept whatever their age, and not more whatever that is."""
LEAST_SECONDS, MOST_SECONDS = 75.0, 300.0
MOST_BYTES = 32 << 20
"""What the replaced states may take up; the present ones are in the cache anyway."""
EVENT_BYTES = 512
"""About what an event takes up besides."""
RENDERED_EVENTS, RENDERED_BYTES = 1024, 8 << 20
"""How many of the newest events keep what was rendered for watchers."""


class Window:
    """Changes in the order of their revisions. ``start``: all changes after this revision are in the window."""

    def __init__(self) -> None:
        """Begin empty."""
        self.start = 0
        self.bytes = 0
        self._events: deque[CacheEvent] = deque()
        self._rendered: deque[CacheEvent] = deque()
        self._rendered_bytes = 0

    def __len__(self) -> int:
        """Return how many changes there are."""
        return len(self._events)

    def reset(self, revision: int) -> None:
        """Forget all, and begin anew after a revision."""
        self.start = revision
        self.bytes = self._rendered_bytes = 0
        self._events.clear()
        self._rendered.clear()

    def add(self, event: "CacheEvent") -> None:
        """Take the next change."""
        self._events.append(event)
        self.bytes += _held(event)
        self._rendered.append(event)
        self._rendered_bytes += event.size

    def trim(self) -> None:
        """Forget what is too old or too much."""
        oldest, young = time.monotonic() - MOST_SECONDS, time.monotonic() - LEAST_SECONDS
        events = self._events
        while events and (
            events[0].at < oldest
            or len(events) > MOST_EVENTS
            or self.bytes > MOST_BYTES
            or (len(events) > FEW_EVENTS and events[0].at < young)
        ):
            event = events.popleft()
            self.start = event.revision
            self.bytes -= _held(event)
        rendered = self._rendered
        while len(rendered) > RENDERED_EVENTS or (rendered and self._rendered_bytes > RENDERED_BYTES):
            event = rendered.popleft()
            event.forget_frames()
            self._rendered_bytes -= event.size

    def since(self, revision: int) -> Iterator["CacheEvent"]:
        """Return the changes after a revision that is not before ``start``."""
        newer = 0
        for event in reversed(self._events):
            if event.revision <= revision:
                break
            newer += 1
        return islice(self._events, len(self._events) - newer, None)

    def undone(self, revision: int, low: str, high: str) -> "dict[str, Entry | None]":
        """Return the keys in [low, high) that have changed since a revision, with their states then (None: absent).

        The revision must not be before ``start``.
        """
        found: dict[str, Entry | None] = {}
        for event in reversed(self._events):
            if event.revision <= revision:
                break
            shown = event.entry or event.previous
            if shown is not None and low <= shown.key < high:
                found[shown.key] = event.previous
        return found


def _held(event: "CacheEvent") -> int:
    """Return the bytes that only the window keeps: the state that the change replaced."""
    return EVENT_BYTES + (len(event.previous.item) if event.previous is not None else 0)
