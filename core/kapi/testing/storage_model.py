"""The storage suite: random histories compared with a model, a list of changes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kapi.contracts.storage import (
    Change,
    Compacted,
    FutureRevision,
    KeyExists,
    KeyMissing,
    KeyValue,
    RevisionConflict,
    StorageBackend,
    StorageError,
    WatchBatch,
)
from kapi.testing.storage_scenario import check_batch, next_batch, outcome, read_until

KEYS = st.sampled_from(["/a/1", "/a/2", "/a/2/x", "/a/3", "/ab/1", "/b/1"])
PREFIXES = st.sampled_from(["/", "/a/", "/a/2/", "/ab/", "/b/", "/c/"])
VALUES = st.binary(max_size=8)
EVENTS = st.lists(st.tuples(KEYS, st.none() | VALUES), min_size=3, max_size=12)
AGES = st.integers(-1, 15)
"""How long ago a revision was, in revisions; -1 is the future."""

T = TypeVar("T")


class Model:
    """All changes there ever were, and how much of them has been compacted."""

    def __init__(self, first_revision: int) -> None:
        """Take the revision of the empty store."""
        self.first_revision = first_revision
        self.compacted = 0
        self.changes: list[Change] = []

    @property
    def revision(self) -> int:
        """The revision of the last change."""
        return self.changes[-1].revision if self.changes else self.first_revision

    def state(self, prefix: str = "/", revision: int | None = None) -> dict[str, KeyValue]:
        """Return the keys under a prefix, in order, at a revision or now."""
        found: dict[str, KeyValue] = {}
        for change in self.after(prefix, 0):
            if revision is not None and change.revision > revision:
                break
            if change.value is None:
                del found[change.key]
            else:
                found[change.key] = KeyValue(change.key, change.value, change.revision)
        return dict(sorted(found.items()))

    def after(self, prefix: str, revision: int) -> list[Change]:
        """Return the changes under a prefix after a revision."""
        return [change for change in self.changes if change.revision > revision and change.key.startswith(prefix)]


class StorageMachine(RuleBasedStateMachine):
    """Does the same to a backend and to the model."""

    def __init__(self, make_backend: Callable[[], StorageBackend]) -> None:
        """Take how to make a backend with an empty store."""
        super().__init__()
        self.runner = asyncio.Runner()
        self.backend = make_backend()
        self.run(self.backend.start())
        self.model = Model(self.run(self.backend.current_revision()))
        self.watch = self.backend.watch("/", self.model.revision)
        self.watched: list[Change] = []
        self.complete = self.model.revision
        self.run(next_batch(self.watch))

    def run(self, operation: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return self.runner.run(operation)

    def teardown(self) -> None:
        """End with the watch that was open all the time: it must have seen the model's history."""
        try:
            self.follow()
            assert self.watched == self.model.changes
        finally:
            self.run(self.backend.stop())
            self.runner.close()

    @initialize(events=EVENTS)
    def begin(self, events: list[tuple[str, bytes | None]]) -> None:
        """Begin with some history."""
        self.live(events)

    @rule(events=EVENTS)
    def live(self, events: list[tuple[str, bytes | None]]) -> None:
        """Create, update and delete keys as is right at the time."""
        for key, value in events:
            old = self.model.state().get(key)
            if old is None:
                self.create(key, value or b"")
            elif value is None:
                self.delete(key, 0)
            else:
                self.update(key, value, 0)

    @rule(key=KEYS, value=VALUES)
    def create(self, key: str, value: bytes) -> None:
        """Create a key, which may exist."""
        old = self.model.state().get(key)
        self.write(self.backend.create(key, value), key, value, old, KeyExists if old else None)

    @rule(key=KEYS, value=VALUES, stale=st.integers(0, 3))
    def update(self, key: str, value: bytes, stale: int) -> None:
        """Update a key, which may be missing, with a revision that may be old."""
        old = self.model.state().get(key)
        expected = (old.revision if old else self.model.revision) - stale
        self.write(self.backend.update(key, value, expected), key, value, old, _refusal(old, stale))

    @rule(key=KEYS, stale=st.integers(0, 1))
    def delete(self, key: str, stale: int) -> None:
        """Delete a key, which may be missing, with a revision that may be old."""
        old = self.model.state().get(key)
        expected = (old.revision if old else self.model.revision) - stale
        self.write(self.backend.delete(key, expected), key, None, old, _refusal(old, stale))

    @rule(age=st.integers(0, 15))
    def compact(self, age: int) -> None:
        """Compact at some revision, which may have been compacted already; the live watch is up to date then."""
        self.follow()
        revision = max(0, self.model.revision - age)
        self.run(self.backend.compact(revision))
        self.model.compacted = max(self.model.compacted, revision)

    @rule(prefix=PREFIXES, age=AGES, limit=st.integers(0, 4), start=st.sampled_from(["", "/a/2", "/a/2\0"]))
    def range(self, prefix: str, age: int, limit: int, start: str) -> None:
        """Read a page at some revision, which may have been compacted or not reached."""
        revision = max(1, self.model.revision - age)
        try:
            page = self.run(self.backend.range(prefix, start=start, limit=limit, revision=revision))
        except (Compacted, FutureRevision) as error:
            self.check_unreadable(revision, error)
            return
        assert self.model.compacted <= revision <= self.model.revision
        expected = [item for item in self.model.state(prefix, revision).values() if item.key >= start]
        size = limit or len(expected)
        assert list(page.items) == expected[:size]
        assert (page.revision, page.remaining) == (revision, len(expected[size:]))
        assert page.more == bool(expected[size:])

    @rule(prefix=PREFIXES, age=AGES)
    def replay(self, prefix: str, age: int) -> None:
        """Watch from some revision."""
        after = max(0, self.model.revision - age)
        watch = self.backend.watch(prefix, after)
        try:
            changes = self.run(_replay(watch, after, self.model.revision))
        except (Compacted, FutureRevision) as error:
            self.check_unreadable(after, error)
            return
        assert self.model.compacted <= after <= self.model.revision
        assert changes == self.model.after(prefix, after)

    @rule()
    def catch_up(self) -> None:
        """Read the watch at other times than when the history ends or is compacted."""
        self.follow()

    def follow(self) -> None:
        """Read the watch that is open all the time."""
        if self.complete < self.model.revision:
            self.watched += self.run(read_until(self.watch, self.model.revision, self.complete))
            self.complete = self.model.revision

    @invariant()
    def current_state_agrees(self) -> None:
        """What can be read now is what the model says."""
        page = self.run(self.backend.range("/"))
        assert (list(page.items), page.revision) == (list(self.model.state().values()), self.model.revision)
        assert self.run(self.backend.current_revision()) == self.model.revision

    def write(
        self,
        operation: Coroutine[Any, Any, int],
        key: str,
        value: bytes | None,
        old: KeyValue | None,
        refusal: type[StorageError] | None,
    ) -> None:
        """Run a write and record it, or check that it is refused."""
        revision = self.run(outcome(operation))
        if isinstance(revision, StorageError):
            assert type(revision) is refusal
            return
        assert refusal is None, "a write was let through that must be refused"
        assert revision > self.model.revision
        previous, previous_revision = (old.value, old.revision) if old else (None, 0)
        self.model.changes.append(Change(revision, key, value, previous, previous_revision))

    def check_unreadable(self, revision: int, error: StorageError) -> None:
        """Check that a revision was refused for a good reason."""
        if isinstance(error, Compacted):
            assert revision < self.model.compacted == error.compact_revision
        else:
            assert revision > self.model.revision


def check_against_model(make_backend: Callable[[], StorageBackend], *, examples: int, steps: int) -> None:
    """Run random histories; ``make_backend`` must give an empty store each time."""
    run_state_machine_as_test(
        lambda: StorageMachine(make_backend),  # type: ignore[arg-type]  # documented to take any callable
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None, database=None),
    )


def _refusal(old: KeyValue | None, stale: int) -> type[StorageError] | None:
    if old is None:
        return KeyMissing
    return RevisionConflict if stale else None


async def _replay(watch: AsyncIterator[WatchBatch], after: int, until: int) -> list[Change]:
    batch = await next_batch(watch)
    check_batch(batch, after)
    rest = await read_until(watch, until, batch.revision) if batch.revision < until else []
    return [*batch.changes, *rest]
