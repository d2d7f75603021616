"""What watchers saw, checked against what happened.

The checks are those that etcd's robustness suite makes of watches, for the events of Kubernetes' API::

    check_watch(seen, history, after=100, until=250, matches=lambda value: value.startswith("x"))

``history`` is every change of the store, such as one undisturbed watch has seen it; ``seen`` is what one watcher saw,
over all its connections one after the other. The properties, by the names that the messages use:

- ordered: no event is older than one before it;
- unique: no event comes twice;
- bookmarkable: a bookmark at a revision promises that nothing at or below it follows;
- reliable, resumable: no event is missing, also where a connection ended and the next one went on;
- filter: nothing comes that the watcher did not ask for;
- previous: ADDED, MODIFIED and DELETED are what the object was before and is now for this watcher, DELETED with the
  last state that it was to see.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from kapi.testing.histories import Operation, Violation

EventKind = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
Matches = Callable[[str, str], bool]
"""Tells from key and value whether a watcher wants an object."""


class StoredChange(NamedTuple):
    """What the store did: ``value`` None is a deletion."""

    revision: int
    key: str
    value: str | None


class SeenEvent(NamedTuple):
    """What a watcher was sent. A bookmark has neither key nor value; DELETED has the last value."""

    kind: EventKind
    revision: int
    key: str = ""
    value: str = ""


class SeenList(NamedTuple):
    """A list that a client read: its revision, the items' values and revisions by key, and when it was read."""

    revision: int
    items: Mapping[str, tuple[str, int]]
    called: float
    returned: float


def everything(_key: str, _value: str) -> bool:
    """Match every object."""
    return True


def expected_events(
    history: Iterable[StoredChange], after: int, until: int, matches: Matches = everything
) -> Iterator[SeenEvent]:
    """Yield what a watcher must see of the changes in (after, until]; ``history`` begins with the empty store."""
    wanted: dict[str, str] = {}
    for revision, key, value in history:
        before = wanted.pop(key, None)
        now = value if value is not None and matches(key, value) else None
        if now is not None:
            wanted[key] = now
        if not after < revision <= until:
            continue
        if now is not None:
            yield SeenEvent("ADDED" if before is None else "MODIFIED", revision, key, now)
        elif before is not None:
            yield SeenEvent("DELETED", revision, key, before)


def check_order(seen: Sequence[SeenEvent], after: int) -> None:
    """Check what needs no history: ordered, unique, bookmarkable. ``after`` is the revision the watch began after."""
    last, promised = after, after
    for event in seen:
        if event.kind == "BOOKMARK":
            if event.revision < last:
                raise Violation(f"bookmarkable: {event} after an event at {last}")
            promised = max(promised, event.revision)
            continue
        if event.revision == last:
            raise Violation(f"unique: {event} comes twice, or at the revision that the watch began after")
        if event.revision < last:
            raise Violation(f"ordered: {event} after an event at {last}")
        if event.revision <= promised:
            raise Violation(f"bookmarkable: {event} after a bookmark at {promised}")
        last = event.revision


def check_watch(
    seen: Sequence[SeenEvent],
    history: Sequence[StoredChange],
    *,
    after: int,
    until: int,
    matches: Matches = everything,
) -> None:
    """Check everything that a watch promises of the changes in (after, until]. Raises Violation.

    ``history`` begins with the empty store. Events later than ``until`` are left out of account.
    """
    check_order(seen, after)
    real = {change.revision: change for change in history}
    events = [event for event in seen if event.kind != "BOOKMARK" and event.revision <= until]
    expected = {event.revision: event for event in expected_events(history, after, until, matches)}
    for event in events:
        wanted = expected.pop(event.revision, None)
        if wanted is None:
            raise Violation(f"filter: {event} is not for this watcher; the store has {real.get(event.revision)}")
        if event != wanted:
            raise Violation(f"previous: {event} should be {wanted}")
    if expected:
        missing = sorted(expected.values(), key=lambda event: event.revision)
        raise Violation(f"reliable: {len(missing)} events are missing, the first is {missing[0]}")


def state_at(history: Iterable[StoredChange], revision: int) -> dict[str, tuple[str, int]]:
    """Return the values and revisions of all keys at a revision; ``history`` is in order and begins with nothing."""
    state: dict[str, tuple[str, int]] = {}
    for change in history:
        if change.revision > revision:
            break
        state.pop(change.key, None)
        if change.value is not None:
            state[change.key] = (change.value, change.revision)
    return state


def check_list(seen: SeenList, history: Sequence[StoredChange]) -> None:
    """Check that a list shows the store as it was at the list's revision. Raises Violation."""
    real = state_at(history, seen.revision)
    if real != dict(seen.items):
        wrong = sorted(key for key in real.keys() | seen.items.keys() if real.get(key) != seen.items.get(key))
        told = "\n".join(f"  {key}: {seen.items.get(key)}, but was {real.get(key)}" for key in wrong[:10])
        raise Violation(f"a list at {seen.revision} is not what was there:\n{told}")


def check_history(history: Sequence[StoredChange], operations: Iterable[Operation]) -> None:
    """Check that what was acknowledged happened, and that nothing happened that nobody asked for. Raises Violation.

    ``operations`` are all that were called on the keys of the history.
    """
    operations = list(operations)
    by_revision = {change.revision: change for change in history}
    if len(by_revision) < len(history) or sorted(by_revision) != [change.revision for change in history]:
        raise Violation("the store's own history is out of order")
    for write in operations:
        if not write.acknowledged or not write.revision:
            continue
        change = by_revision.get(write.revision)
        if change is None or change.key != write.key or (write.kind != "delete" and change.value != write.value):
            raise Violation(f"an acknowledged write is lost: {write}; the store has {change}")
    asked = {
        (write.key, None if write.kind == "delete" else write.value) for write in operations if write.kind != "get"
    }
    for change in history:
        if (change.key, change.value) not in asked:
            raise Violation(f"nobody wrote {change}")


def check_fresh(lists: Iterable[SeenList], operations: Iterable[Operation]) -> None:
    """Check that no consistent list is older than a write acknowledged before it was asked for. Raises Violation."""
    writes = sorted((item for item in operations if item.acknowledged), key=lambda item: item.returned)
    newest, position = 0, 0
    for seen in sorted(lists, key=lambda item: item.called):
        while position < len(writes) and writes[position].returned < seen.called:
            newest = max(newest, writes[position].revision)
            position += 1
        if seen.revision < newest:
            raise Violation(f"a list at {seen.revision} is stale: {newest} was acknowledged before")
