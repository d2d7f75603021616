"""Indexes of a watch cache: they show what looking through everything shows."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapi.storage import indexes as indexes_module
from kapi.storage.entry import Entry
from kapi.storage.indexes import Indexes, Term


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes_module, "FROM_ENTRIES", 0)


def entry(name: str, color: str, node: str) -> Entry:
    return Entry(f"/r/{name}", 1, b"", "", name, {"color": color} if color else {}, {"node": node})


RED = Term(True, "color", "red")
NODE = Term(False, "node", "a")


def found(indexes: Indexes, entries: dict[str, Entry], *terms: Term) -> list[Entry] | None:
    one = indexes.find(terms, entries)
    return None if one is None else list(one.snapshot()[0])


async def filled(indexes: Indexes) -> None:
    await asyncio.gather(*indexes._filling)


async def test_an_index_is_made_for_the_second_question() -> None:
    indexes, entries = Indexes(), {each.key: each for each in (entry("b", "red", "a"), entry("a", "red", "b"))}
    assert found(indexes, entries, RED) is None
    assert not indexes._filling
    assert found(indexes, entries, RED) is None
    await filled(indexes)
    assert found(indexes, entries, RED) == [entries["/r/a"], entries["/r/b"]]
    assert found(indexes, entries, NODE, RED) is not None, "any of the terms will do"
    assert found(indexes, entries, RED._replace(value="blue")) == []


CHANGES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["", "red", "blue", "gone"]), st.sampled_from(["", "a", "b"]))
)


@settings(max_examples=100)
@given(before=CHANGES, meanwhile=CHANGES, after=CHANGES)
def test_an_index_follows_all_changes(
    before: list[tuple[str, str, str]], meanwhile: list[tuple[str, str, str]], after: list[tuple[str, str, str]]
) -> None:
    indexes, entries = Indexes(), dict[str, Entry]()

    def change(name: str, color: str, node: str) -> None:
        previous = entries.pop(f"/r/{name}", None)
        now = None if color == "gone" else entry(name, color, node)
        if now is not None:
            entries[now.key] = now
        indexes.change(previous, now)

    async def run() -> None:
        for step in before:
            change(*step)
        for term in (RED, NODE) * 2:
            indexes.find((term,), entries)
        for step in meanwhile:
            await asyncio.sleep(0)
            change(*step)
        await filled(indexes)
        for step in after:
            change(*step)
        ordered = sorted(entries.values(), key=lambda each: each.key)
        for color in ("red", "blue"):
            expected = [each for each in ordered if each.labels.get("color") == color]
            assert found(indexes, entries, RED._replace(value=color)) == expected
        for node in ("", "a", "b"):
            expected = [each for each in ordered if each.fields["node"] == node]
            assert found(indexes, entries, NODE._replace(value=node)) == expected

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kapi.storage.turns.AT_A_TIME", -1.0)
        asyncio.run(run())


async def test_indexes_are_few_and_go_when_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    indexes, entries = Indexes(), {"/r/a": entry("a", "red", "a")}
    for number in range(6):
        for _ in range(2):
            indexes.find((Term(True, f"label-{number}", "x"),), entries)
    await filled(indexes)
    assert len(indexes._indexes) == indexes_module.MOST_INDEXES
    indexes.trim()
    assert len(indexes._indexes) == indexes_module.MOST_INDEXES
    monkeypatch.setattr(indexes_module, "IDLE_SECONDS", -1.0)
    indexes.trim()
    assert not indexes._indexes


async def test_an_index_of_too_many_values_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes_module, "MOST_VALUES", 2)
    indexes = Indexes()
    entries = {each.key: each for each in (entry(name, name, "") for name in "abc")}
    for _ in range(2):
        indexes.find((RED,), entries)
    await filled(indexes)
    assert found(indexes, entries, RED) is None
    indexes.change(entries["/r/a"], entry("a", "red", ""))
    assert found(indexes, entries, RED) is None
    assert not indexes._filling
