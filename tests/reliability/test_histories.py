"""The checker of histories agrees with trying all orders, accepts what happened, and finds what is wrong with it."""

import asyncio
import math
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kapi.testing.histories import (
    ABSENT,
    Operation,
    Register,
    Undecided,
    Violation,
    apply,
    check_linearizable,
    check_revisions,
)
from kapi.testing.recording import BackendClient
from kapi_storage.memory import MemoryBackend


def accepted(operations) -> bool:
    try:
        check_linearizable(operations)
    except Violation:
        return False
    return True


def explainable(operations) -> bool:
    """Try everything: each choice of unknown writes that took effect, each order."""
    unknown = [item for item in operations if item.outcome == "unknown"]
    known = [item for item in operations if item.outcome != "unknown"]
    for chosen in range(1 << len(unknown)):
        happened = known + [item for bit, item in enumerate(unknown) if chosen >> bit & 1]
        if any(possible(order) for order in permutations(happened)):
            return True
    return False


def possible(order) -> bool:
    state: Register | None = ABSENT
    for position, item in enumerate(order):
        if any(later.returned < item.called for later in order[position + 1 :]):
            return False
        state = apply(state, item)
        if state is None:
            return False
    return True


@st.composite
def any_operation(draw) -> Operation:
    """Any operation, with any outcome that it can have, at any time: most histories of them are wrong."""
    kind = draw(st.sampled_from(["create", "get", "get", "update", "delete"]))
    refusals = {"create": ["exists"], "get": ["missing"], "update": ["missing", "conflict"], "delete": ["missing"]}
    outcome = draw(st.sampled_from(["ok", "ok", *refusals[kind], *(["unknown"] if kind != "get" else [])]))
    called = draw(st.integers(0, 8))
    told = outcome == "ok" and kind != "delete"
    return Operation(
        client=0,
        key="k",
        kind=kind,
        value=draw(st.sampled_from("ab")) if kind != "delete" else None,
        expected=draw(st.integers(0, 3)) if kind in ("update", "delete") else 0,
        outcome=outcome,
        revision=draw(st.integers(1, 4)) if told else 0,
        called=called,
        returned=math.inf if outcome == "unknown" else called + draw(st.integers(1, 6)),
    )


@settings(max_examples=400, deadline=None)
@given(st.lists(any_operation(), max_size=5))
def test_the_search_agrees_with_trying_all_orders(operations):
    assert accepted(operations) == explainable(operations)


WISHES = st.tuples(
    st.sampled_from(["create", "get", "update", "update", "delete"]),
    st.sampled_from(["current", "stale", "any"]),
    st.floats(0, 3),
    st.floats(0, 3),
    st.sampled_from(["told", "told", "told", "effect unknown", "no effect, unknown"]),
)


def happened(wishes, *, overlap=True, known=False) -> list[Operation]:
    """Return the history of a store that does one thing after the other; operation N takes effect at time 2N + 1."""
    state, revision, operations = ABSENT, 1, []
    for number, (kind, condition, before, after, told) in enumerate(wishes):
        expected = {"current": state.revision, "stale": max(0, state.revision - 1), "any": 0}[condition]
        item = Operation(0, "k", kind, f"v{number}", 0 if kind in ("create", "get") else expected)
        if kind == "get":
            item = replace(item, value=state.value)
        lost = kind != "get" and not known and told != "told"
        if kind == "create":
            outcome = "ok" if state.value is None else "exists"
        elif state.value is None:
            outcome = "missing"
        else:
            outcome = "conflict" if item.expected not in (0, state.revision) else "ok"
        if outcome == "ok" and kind != "get" and not (lost and told.startswith("no")):
            revision += 2
            item = replace(item, revision=revision if kind != "delete" else 0)
            state = Register(None if kind == "delete" else item.value, item.revision)
        elif outcome == "ok":
            item = replace(item, revision=state.revision)
        if lost:
            item, outcome = replace(item, revision=0), "unknown"
        at = 2 * number + 1
        spread = (before, after) if overlap else (0.5, 0.5)
        end = math.inf if lost else at + spread[1]
        operations.append(replace(item, outcome=outcome, called=at - spread[0], returned=end))
    return operations


@settings(max_examples=150, deadline=None)
@given(st.lists(WISHES, max_size=40))
def test_what_happened_is_accepted(wishes):
    operations = happened(wishes)
    check_linearizable(operations)
    check_revisions(operations)


def written(operations) -> list[int]:
    return [number for number, item in enumerate(operations) if item.acknowledged and item.kind != "delete"]


@settings(max_examples=100, deadline=None)
@given(st.lists(WISHES, min_size=4, max_size=30), st.data())
def test_a_stale_read_is_found(wishes, data):
    operations = happened(wishes, overlap=False, known=True)
    writes = written(operations)
    assume(len(writes) >= 2)
    old = data.draw(st.sampled_from(writes[:-1]))
    newer = data.draw(st.sampled_from([number for number in writes if number > old]))
    end = max(item.returned for item in operations)
    read = replace(operations[old], kind="get", expected=0, called=end + 1, returned=end + 2)
    assert not accepted([*operations, read])
    between = replace(read, called=operations[newer].returned + 0.1, returned=operations[newer].returned + 0.2)
    assert not accepted([*operations, between])


@settings(max_examples=100, deadline=None)
@given(st.lists(WISHES, min_size=4, max_size=30), st.data())
def test_a_lost_update_is_found(wishes, data):
    operations = happened(wishes, overlap=False, known=True)
    writes = written(operations)
    assume(writes)
    lost = operations[data.draw(st.sampled_from(writes))]
    after = replace(lost, kind="get", expected=0, called=lost.returned, returned=lost.returned + 0.1)
    assert accepted([*operations, after])
    assert not accepted([item for item in [*operations, after] if item is not lost])


@settings(max_examples=100, deadline=None)
@given(st.lists(WISHES, min_size=4, max_size=30), st.data())
def test_two_winners_are_found(wishes, data):
    operations = happened(wishes, known=True)
    updates = [item for item in operations if item.outcome == "ok" and item.kind == "update" and item.expected]
    assume(updates)
    winner = data.draw(st.sampled_from(updates))
    assert not accepted([*operations, replace(winner, value="other", revision=winner.revision + 1)])


def write(revision, called, returned, key="k") -> Operation:
    return Operation(1, key, "create", "v", outcome="ok", revision=revision, called=called, returned=returned)


def test_revisions_are_given_once():
    with pytest.raises(Violation, match="one revision for two writes"):
        check_revisions([write(5, 0, 1, "a"), write(5, 0, 1, "b")])


def test_revisions_grow_over_keys():
    check_revisions([write(5, 0, 2, "a"), write(4, 1, 3, "b"), write(6, 3, 4, "c")])
    with pytest.raises(Violation, match="a later write has a lower revision"):
        check_revisions([write(5, 0, 1, "a"), write(4, 2, 3, "b")])


def test_what_is_wrong_is_explained():
    created = Operation(1, "k", "create", "x", outcome="ok", revision=7, called=0.0, returned=1.0)
    read = Operation(2, "k", "get", outcome="missing", called=2.0, returned=3.0)
    with pytest.raises(Violation, match="k: no order") as raised:
        check_linearizable([created, read])
    assert "client 1: create k x -> ok 7" in str(raised.value)
    assert "next should be one of:\n    2.000000..3.000000 client 2: get k  -> missing" in str(raised.value)


def test_a_search_that_is_too_long_says_so():
    with pytest.raises(Undecided, match="k: 1 operations"):
        check_linearizable([write(5, 0, 1)], steps=0)


async def test_clients_of_a_backend_make_such_histories():
    backend = MemoryBackend()
    await backend.start()
    operations: list[Operation] = []
    clients = [BackendClient(backend, number, operations) for number in range(4)]
    await asyncio.gather(*(client.run(["/k/a", "/k/b"], steps=50) for client in clients))
    await backend.stop()
    check_linearizable(operations)
    check_revisions(operations)
    assert {item.outcome for item in operations} >= {"ok", "exists", "missing"}
    read = next(item for item in operations if item.kind == "get" and item.outcome == "ok")
    assert not accepted([item for item in operations if item.value != read.value or item.kind == "get"])
