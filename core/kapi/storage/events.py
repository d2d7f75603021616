"""Changes of a resource, as watchers see and send them: rendered once, however many watchers there are."""

import time
from collections.abc import Callable
from typing import Literal, Protocol

from kapi.storage.entry import Codec, Entry

EventType = Literal["ADDED", "MODIFIED", "DELETED"]
Predicate = Callable[[Entry], bool]


class Representation(Protocol):
    """How an entry looks to a client; see :mod:`kapi.endpoints.representation`.

    ``shared`` tells that the bytes are the same for all watchers, and worth keeping with the event.
    """

    shared: bool

    def object(self, entry: Entry) -> bytes:
        """Return the bytes of the entry as a single object."""


class CacheEvent:
    """One change: ``entry`` is the new state (None: deleted), ``previous`` the one before (None: created)."""

    __slots__ = ("_frames", "_last", "at", "entry", "previous", "revision", "size")

    def __init__(self, revision: int, entry: Entry | None, previous: Entry | None) -> None:
        """Take the two states and the revision of the change."""
        self.revision = revision
        self.entry = entry
        self.previous = previous
        self.at = time.monotonic()
        shown = entry or previous
        self.size = len(shown.item) if shown is not None else 0
        self._last: Entry | None = None
        self._frames: dict[tuple[EventType, Representation], bytes] | None = {}

    def seen_by(self, matches: Predicate | None) -> EventType | None:
        """Return the type of the event for a watcher with this predicate (None: all match); None: not to be seen."""
        if matches is None:
            return "DELETED" if self.entry is None else "ADDED" if self.previous is None else "MODIFIED"
        now = self.entry is not None and matches(self.entry)
        before = self.previous is not None and matches(self.previous)
        if now:
            return "MODIFIED" if before else "ADDED"
        return "DELETED" if before else None

    def state(self, kind: EventType) -> Entry:
        """Return the entry that an event of this type shows: the last matching one, at this revision, for DELETED."""
        if kind != "DELETED":
            assert self.entry is not None
            return self.entry
        if self._last is None:
            assert self.previous is not None
            self._last = Codec.moved(self.previous, self.revision)
        return self._last

    def frame(self, kind: EventType, representation: Representation) -> bytes:
        """Return the watch frame of the event; of a shared representation it is rendered only once while it is new."""
        frames = self._frames
        if frames is None or not representation.shared:
            return event_frame(kind, representation.object(self.state(kind)))
        key = (kind, representation)
        found = frames.get(key)
        if found is None:
            found = frames[key] = event_frame(kind, representation.object(self.state(kind)))
        return found

    def forget_frames(self) -> None:
        """Give up what was rendered, and keep no more of it: most watchers have sent it."""
        self._frames = self._last = None


def event_frame(kind: str, body: bytes) -> bytes:
    """Return one line of a watch stream (meta.k8s.io/v1 WatchEvent)."""
    return b'{"type":"%b","object":%b}\n' % (kind.encode(), body)
