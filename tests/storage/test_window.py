"""How much of the past a watch cache keeps: by number, age and bytes."""

import time
from collections.abc import Iterator

import pytest

from kapi.storage import window as window_module
from kapi.storage.entry import Entry
from kapi.storage.events import CacheEvent
from kapi.storage.window import EVENT_BYTES, Window


class Plain:
    """Shows the bytes of entries as they are."""

    shared = True

    def object(self, entry: Entry) -> bytes:
        return entry.item


@pytest.fixture
def window() -> Iterator[Window]:
    found = Window()
    found.reset(100)
    return found


def event(revision: int, size: int = 0, age: float = 0.0) -> CacheEvent:
    states = [Entry("/r/a", at, b"x" * size, "", "a", {}, {}) for at in (revision, revision - 1)]
    found = CacheEvent(revision, *states)
    found.at = time.monotonic() - age
    return found


def revisions(window: Window, after: int) -> list[int]:
    return [each.revision for each in window.since(after)]


def test_changes_after_a_revision(window: Window) -> None:
    for revision in (101, 105, 109):
        window.add(event(revision))
    window.trim()
    assert window.start == 100
    assert [revisions(window, after) for after in (100, 101, 104, 105, 109, 200)] == [
        [101, 105, 109],
        [105, 109],
        [105, 109],
        [109],
        [],
        [],
    ]


@pytest.mark.parametrize(
    ("few", "most", "ages", "left"),
    [
        (2, 9, [400, 301, 299, 1], 2),
        (2, 9, [80, 70, 60, 50, 40], 4),
        (9, 9, [80, 79, 78, 77], 4),
        (2, 3, [5, 4, 3, 2, 1], 3),
    ],
    ids=["too old", "more than few, and some old enough", "few", "too many"],
)
def test_what_is_kept(
    window: Window, monkeypatch: pytest.MonkeyPatch, few: int, most: int, ages: list[float], left: int
) -> None:
    monkeypatch.setattr(window_module, "FEW_EVENTS", few)
    monkeypatch.setattr(window_module, "MOST_EVENTS", most)
    for number, age in enumerate(ages):
        window.add(event(101 + number, age=age))
    window.trim()
    last = 100 + len(ages)
    assert revisions(window, window.start) == list(range(last - left + 1, last + 1))
    assert window.start == last - left


def test_a_burst_of_large_objects_does_not_pile_up(window: Window) -> None:
    for number in range(200):
        window.add(event(101 + number, 1 << 20))
        window.trim()
    assert len(window) <= 32
    assert window.bytes == len(window) * (EVENT_BYTES + (1 << 20)) <= window_module.MOST_BYTES
    window.reset(300)
    assert (len(window), window.bytes, window.start) == (0, 0, 300)


def test_only_new_events_keep_what_was_rendered(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_module, "RENDERED_EVENTS", 2)
    plain = Plain()
    events = [event(101 + number, 10) for number in range(3)]
    for each in events:
        each.frame("MODIFIED", plain)
        window.add(each)
    window.trim()
    again = [each.frame("MODIFIED", plain) is each.frame("MODIFIED", plain) for each in events]
    assert again == [False, True, True]
