"""What holds for all graphs of owners, whatever is deleted, and how."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest
from controller_runs import idle
from garbage_world import CONFIG_MAPS, World, owner, until, world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kapi.meta.errors import StatusError
from kapi_controllers import workqueue

SIZE = 6
PLACES = st.integers(0, SIZE - 1)
EDGES = st.lists(st.tuples(PLACES, PLACES, st.booleans()), max_size=10, unique_by=lambda edge: edge[:2])
DELETIONS = st.lists(
    st.tuples(PLACES, st.sampled_from(["Background", "Foreground", "Orphan"])),
    min_size=1,
    unique_by=lambda each: each[0],
)
Edge = tuple[int, int, bool]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workqueue, "FIRST_DELAY", 0.0)
    monkeypatch.setattr(workqueue, "LAST_DELAY", 0.001)


async def _build(w: World, edges: Sequence[Edge]) -> None:
    made = [await w.make(str(number)) for number in range(SIZE)]
    for dependent, of, block in edges:
        await w.own(str(dependent), owner(made[of], block=block))


async def _delete(w: World, deletions: Sequence[tuple[int, str]], pauses: Sequence[bool]) -> None:
    for (number, policy), pause in zip(deletions, pauses, strict=False):
        with suppress(StatusError):  # it may be gone already
            await w.delete(str(number), policy)
        if pause:
            await idle(30)
    await w.client.informer(CONFIG_MAPS).synced()


def _at_rest(w: World) -> bool:
    """Nothing waits for anything, and what has owners has one that is there."""
    objects = [obj["metadata"] for obj in w.client.informer(CONFIG_MAPS).list()]
    there = {each["uid"] for each in objects}
    references = [{ref["uid"] for ref in each.get("ownerReferences", ())} for each in objects]
    return not any("deletionTimestamp" in each for each in objects) and all(refs <= there for refs in references)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EDGES, DELETIONS, st.lists(st.booleans(), min_size=SIZE, max_size=SIZE))
def test_everything_comes_to_rest(edges: list[Edge], deletions: list[tuple[int, str]], pauses: list[bool]) -> None:
    async def run() -> None:
        async with world() as w:
            await _build(w, edges)
            await _delete(w, deletions, pauses)
            await until(lambda: _at_rest(w))
            _check_survivors(w, edges, deletions)

    asyncio.run(run())


def _check_survivors(w: World, edges: Sequence[Edge], deletions: Sequence[tuple[int, str]]) -> None:
    """What was deleted is gone, and nothing else went that no deletion reached."""
    left, deleted = set(w.names()), {str(number) for number, _ in deletions}
    reached = set(deleted)
    while more := {str(dependent) for dependent, of, _ in edges if str(of) in reached} - reached:
        reached |= more
    assert not left & deleted
    assert {str(number) for number in range(SIZE)} - reached <= left


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EDGES, DELETIONS)
def test_the_graph_shows_what_there_is(edges: list[Edge], deletions: list[tuple[int, str]]) -> None:
    async def run() -> None:
        async with world() as w:
            await _build(w, edges)
            await w.client.informer(CONFIG_MAPS).synced()
            _check_graph(w)
            await _delete(w, deletions, [False] * SIZE)
            _check_graph(w)
            await until(lambda: _at_rest(w))
            _check_graph(w)

    asyncio.run(run())


def _check_graph(w: World) -> None:
    graph = w.collector._graph
    objects = [obj["metadata"] for obj in w.client.informer(CONFIG_MAPS).list()]
    owned = {each["uid"]: each["ownerReferences"] for each in objects if each.get("ownerReferences")}
    waiting = {each["uid"] for each in objects if "deletionTimestamp" in each}
    assert graph.nodes.keys() == owned.keys() | waiting
    dependents: dict[str, set[str]] = {}
    blocking: dict[str, int] = {}
    for uid, references in owned.items():
        for ref in references:
            dependents.setdefault(ref["uid"], set()).add(uid)
            blocks = ref.get("blockOwnerDeletion", False) and ref["uid"] != uid
            blocking[ref["uid"]] = blocking.get(ref["uid"], 0) + blocks
    assert {uid: set(each.dependents) for uid, each in graph.owners.items()} == dependents
    assert {uid: each.blocking for uid, each in graph.owners.items()} == blocking
