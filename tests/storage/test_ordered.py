"""Entries in order: against a sorted list, whatever is put, removed and looked at."""

from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapi.storage import ordered
from kapi.storage.entry import Entry
from kapi.storage.ordered import OrderedEntries


def entry(key: str, revision: int = 1) -> Entry:
    return Entry(key, revision, b"", "", key, {}, {})


KEYS = st.text("abc", min_size=1, max_size=3)
STEPS = st.lists(st.tuples(st.sampled_from(["put", "put", "put", "remove", "look"]), KEYS, KEYS, st.integers(0, 6)))


@settings(max_examples=300)
@given(STEPS)
def test_it_behaves_like_a_sorted_list(steps: list[tuple[str, str, str, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered, "BLOCK", 4)
        found, model = OrderedEntries(), dict[str, Entry]()
        looks = []
        for number, (step, key, other, limit) in enumerate(steps):
            if step == "put":
                model[key] = entry(key, number)
                found.put(model[key])
            elif step == "remove":
                model.pop(key, None)
                found.remove(key)
            else:
                looks.append(check(found, model, *sorted((key, other)), limit))
            assert len(found) == len(model)
        looks.append(check(found, model, "", "", 0))
        for snapshot, expected in looks:
            assert list(snapshot) == expected, "a snapshot shows its moment for ever"


def check(
    found: OrderedEntries, model: dict[str, Entry], low: str, high: str, limit: int
) -> tuple[ordered.Snapshot, list[Entry]]:
    keys = sorted(model)
    keys = keys[bisect_left(keys, low) : bisect_left(keys, high) if high else None]
    expected = [model[key] for key in keys]
    snapshot, left = found.snapshot(low, high, limit)
    shown = expected[:limit] if limit else expected
    assert list(snapshot) == shown
    assert left == len(expected) - len(shown)
    assert len(snapshot) == len(shown)
    assert [snapshot[at] for at in range(-len(shown), len(shown))] == shown + shown
    assert snapshot[1:3] == shown[1:3]
    with pytest.raises(IndexError):
        snapshot[len(shown)]
    return snapshot, shown


def test_a_snapshot_of_many_copies_little() -> None:
    entries = [entry(f"{number:06}") for number in range(20_000)]
    found = OrderedEntries(entries)
    snapshot, _ = found.snapshot("000001", "019999")
    assert sum(piece is block for piece, block in zip(snapshot.pieces, found._blocks, strict=True)) > 30
    changed = entry("010000", 2)
    found.put(changed)
    assert snapshot[9_999] is entries[10_000]
    assert found.snapshot("010000", limit=1)[0][0] is changed
