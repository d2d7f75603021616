"""The checker of watches accepts what a store would send, and finds each way in which a watch can be wrong."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kapi.testing.histories import Operation, Violation
from kapi.testing.watch_histories import (
    SeenEvent,
    SeenList,
    StoredChange,
    check_fresh,
    check_history,
    check_list,
    check_watch,
    expected_events,
    state_at,
)

STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["0", "1", None])), min_size=4, max_size=30)
HALVES = st.sampled_from(["", "0", "1"])


def history_of(steps) -> list[StoredChange]:
    """Return the changes of a store: values end in the digit given, deletions of what is not there are left out."""
    changes, present = [], set()
    for number, (key, digit) in enumerate(steps):
        if digit is None and key not in present:
            continue
        (present.discard if digit is None else present.add)(key)
        changes.append(StoredChange(10 + 2 * number, key, None if digit is None else f"v{number}.{digit}"))
    return changes


def matching(half):
    return lambda _key, value: value.endswith(half)


def seen_of(steps, half):
    history = history_of(steps)
    assume(len(history) > 2)
    until = history[-1].revision
    after = history[len(history) // 4].revision
    seen = list(expected_events(history, after, until, matching(half)))
    return history, seen, {"after": after, "until": until, "matches": matching(half)}


@settings(max_examples=100, deadline=None)
@given(STEPS, HALVES)
def test_what_a_store_sends_is_accepted(steps, half):
    history, seen, scope = seen_of(steps, half)
    bookmarks = [SeenEvent("BOOKMARK", event.revision) for event in seen]
    check_watch([item for pair in zip(seen, bookmarks, strict=True) for item in pair], history, **scope)
    mirror = {
        key: value for key, value in state_at(history, scope["after"]).items() if value[0].endswith(half)
    }  # an informer that has listed and then watched
    for event in seen:
        mirror.pop(event.key, None)
        if event.kind != "DELETED":
            mirror[event.key] = (event.value, event.revision)
    now = state_at(history, scope["until"])
    assert mirror == {key: value for key, value in now.items() if value[0].endswith(half)}


def without(seen, at):
    return seen[:at] + seen[at + 1 :]


def twice(seen, at):
    return seen[: at + 1] + seen[at:]


def swapped(seen, at):
    assume(at + 1 < len(seen))
    return [*seen[:at], seen[at + 1], seen[at], *seen[at + 2 :]]


def promised(seen, at):
    return [*seen[:at], SeenEvent("BOOKMARK", seen[at].revision), *seen[at:]]


def of_another_kind(seen, at):
    kinds = {"ADDED": "MODIFIED", "MODIFIED": "ADDED", "DELETED": "MODIFIED"}
    return [*seen[:at], seen[at]._replace(kind=kinds[seen[at].kind]), *seen[at + 1 :]]


def with_another_value(seen, at):
    return [*seen[:at], seen[at]._replace(value="other"), *seen[at + 1 :]]


def with_what_never_was(seen, at):
    return [*seen[:at], SeenEvent("ADDED", seen[at].revision - 1, "z", "v"), *seen[at:]]


WRONG = {
    without: "reliable", twice: "unique", swapped: "ordered", promised: "bookmarkable", of_another_kind: "previous",
    with_another_value: "previous", with_what_never_was: "filter",
}  # fmt: skip


@pytest.mark.parametrize("change", WRONG, ids=lambda change: change.__name__)
@settings(max_examples=30, deadline=None)
@given(steps=STEPS, half=HALVES, data=st.data())
def test_what_is_wrong_is_found(change, steps, half, data):
    history, seen, scope = seen_of(steps, half)
    assume(seen)
    wrong = change(seen, data.draw(st.integers(0, len(seen) - 1)))
    with pytest.raises(Violation, match=f"^{WRONG[change]}: "):
        check_watch(wrong, history, **scope)


def test_lists_show_their_revision():
    history = [StoredChange(3, "a", "x"), StoredChange(5, "b", "y"), StoredChange(7, "a", None)]
    check_list(SeenList(6, {"a": ("x", 3), "b": ("y", 5)}, 0, 1), history)
    with pytest.raises(Violation, match="a: \\('x', 3\\), but was None"):
        check_list(SeenList(7, {"a": ("x", 3), "b": ("y", 5)}, 0, 1), history)


WRITE = Operation(1, "a", "create", "x", revision=3, called=0.0, returned=1.0)


def test_lists_are_fresh():
    check_fresh([SeenList(2, {}, 0.5, 2), SeenList(3, {}, 1.5, 2)], [WRITE])
    with pytest.raises(Violation, match="stale: 3 was acknowledged before"):
        check_fresh([SeenList(2, {}, 1.5, 2)], [WRITE])


def test_what_was_acknowledged_has_happened_and_nothing_else():
    check_history([StoredChange(3, "a", "x")], [WRITE])
    with pytest.raises(Violation, match="an acknowledged write is lost"):
        check_history([], [WRITE])
    with pytest.raises(Violation, match="an acknowledged write is lost"):
        check_history([StoredChange(3, "a", "half")], [WRITE])
    with pytest.raises(Violation, match="nobody wrote"):
        check_history([StoredChange(3, "a", "x"), StoredChange(4, "a", "z")], [WRITE])
    with pytest.raises(Violation, match="out of order"):
        check_history([StoredChange(3, "a", "x"), StoredChange(3, "a", "x")], [WRITE])
