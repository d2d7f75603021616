"""The storage suite: watches."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from kapi.contracts.storage import Change, Compacted, FutureRevision, StorageBackend, StorageError, WatchBatch
from kapi.testing.storage_scenario import (
    StorageScenarios,
    check_batch,
    close,
    fill,
    next_batch,
    outcome,
    read_until,
    scenario,
)

BURST = 3000


class WatchScenarios(StorageScenarios):
    """Every change after the start, exactly once, in order; or Compacted."""

    @scenario
    async def test_the_first_batch_comes_at_once(self, backend: StorageBackend) -> None:
        """Empty if need be; it tells how far history reached."""
        revision = (await fill(backend, ["/w/a", "/other/a"]))[-1]
        batch = await next_batch(backend.watch("/w/", revision))
        assert (list(batch.changes), batch.revision) == ([], revision)

    @scenario
    async def test_changes_describe_what_happened(self, backend: StorageBackend) -> None:
        """The new value, and the one before with its revision; live and from history alike."""
        begin = await backend.current_revision()
        live = backend.watch("/w/", begin)
        await next_batch(live)
        created = await backend.create("/w/a", b"1")
        updated = await backend.update("/w/a", b"2", created)
        deleted = await backend.delete("/w/a", updated)
        again = await backend.create("/w/a", b"3")
        expected = [
            Change(created, "/w/a", b"1", None, 0),
            Change(updated, "/w/a", b"2", b"1", created),
            Change(deleted, "/w/a", None, b"2", updated),
            Change(again, "/w/a", b"3", None, 0),
        ]
        assert await read_until(live, again) == expected
        assert await read_until(backend.watch("/w/", begin), again) == expected

    @scenario
    async def test_who_follows_learns_what_who_watches_does(self, backend: StorageBackend) -> None:
        """But for the values before, which need not be there; live and from history alike."""
        begin = await backend.current_revision()
        live = backend.follow("/w/", begin)
        await next_batch(live)
        created = await backend.create("/w/a", b"1")
        updated = await backend.update("/w/a", b"2", created)
        deleted = await backend.delete("/w/a", updated)
        expected = [(created, "/w/a", b"1"), (updated, "/w/a", b"2"), (deleted, "/w/a", None)]
        assert [change[:3] for change in await read_until(live, deleted)] == expected
        assert [change[:3] for change in await read_until(backend.follow("/w/", begin), deleted)] == expected

    @scenario
    async def test_a_watch_keeps_to_its_prefix(self, backend: StorageBackend) -> None:
        """Live and from history."""
        begin = await backend.current_revision()
        prefixes = ("/w/a/", "/w/ab/", "/w/", "/")
        keys = ["/w/a/1", "/w/ab/1", "/w/a", "/w/a0", "/v/a/1", "/w/a/b/c"]
        live = [backend.watch(prefix, begin) for prefix in prefixes]
        await fill(backend, keys)
        end = await backend.create("/w/a/ab/last", b"")
        await backend.create("/w/ab/last", b"")
        for prefix, watch in zip(prefixes, live, strict=True):
            expected = [key for key in [*keys, "/w/a/ab/last"] if key.startswith(prefix)]
            for source in (watch, backend.watch(prefix, begin)):
                changes = await read_until(source, end)
                assert [change.key for change in changes if change.revision <= end] == expected

    @scenario
    async def test_a_watch_resumes_anywhere(self, backend: StorageBackend) -> None:
        """After any revision come exactly the later changes."""
        begin = await backend.current_revision()
        await _churn(backend, 6)
        end = await backend.current_revision()
        everything = await read_until(backend.watch("/w/", begin), end)
        for after in range(begin, end + 1):
            watch = backend.watch("/w/", after)
            changes = await read_until(watch, end) if after < end else list((await next_batch(watch)).changes)
            assert changes == [change for change in everything if change.revision > after]

    @scenario
    async def test_a_live_watch_sees_concurrent_writes(self, backend: StorageBackend) -> None:
        """All of them, once, in order; and the same as history shows afterwards."""
        begin = await backend.current_revision()
        watch = backend.watch("/w/", begin)
        reader = asyncio.ensure_future(_read_revisions(watch, 8 * 20 * 3))
        await asyncio.gather(*(_churn(backend, 20, f"/w/{writer}") for writer in range(8)))
        live = await reader
        history = await read_until(backend.watch("/w/", begin), await backend.current_revision())
        assert live == history

    @scenario
    async def test_list_and_watch_leave_no_gap(self, backend: StorageBackend) -> None:
        """A range and a watch after its revision give the final state, wherever the range falls."""
        writing = asyncio.ensure_future(_churn(backend, 40, "/w/x", remove=False))
        mirrors = []
        while not writing.done():
            page = await backend.range("/w/")
            mirrors.append((page, backend.watch("/w/", page.revision)))
            await asyncio.sleep(0.002)
        await writing
        final = await backend.range("/w/")
        for page, watch in mirrors[:: max(1, len(mirrors) // 20)]:
            state = {item.key: (item.value, item.revision) for item in page.items}
            for change in await read_until(watch, final.revision, page.revision):
                assert change.revision > page.revision
                _apply(state, change)
            assert state == {item.key: (item.value, item.revision) for item in final.items}

    @scenario
    async def test_who_watched_a_change_can_read_it(self, backend: StorageBackend) -> None:
        """Reads after a batch show its revision at least."""
        watch = backend.watch("/w/", await backend.current_revision())
        writing = asyncio.ensure_future(_churn(backend, 20, remove=False))
        seen = 0
        while seen < 40:
            batch = await next_batch(watch)
            seen += len(batch.changes)
            assert await backend.current_revision() >= batch.revision
            assert (await backend.range("/w/")).revision >= batch.revision
            for change in batch.changes:
                found = await backend.get(change.key)
                assert found is not None
                assert found.revision >= change.revision
        await writing

    @scenario
    async def test_a_watch_from_the_future(self, backend: StorageBackend) -> None:
        """FutureRevision instead of silence."""
        current = await backend.current_revision()
        with pytest.raises(FutureRevision):
            await next_batch(backend.watch("/w/", current + 1))

    @scenario
    async def test_a_watch_from_before_compaction(self, backend: StorageBackend) -> None:
        """Compacted below the compacted revision; complete from it on, deletions too."""
        begin = await backend.current_revision()
        await _churn(backend, 4)
        end = await backend.current_revision()
        everything = await read_until(backend.watch("/w/", begin), end)
        for compacted in range(begin + 1, end + 1):
            await backend.compact(compacted)
            with pytest.raises(Compacted) as caught:
                await next_batch(backend.watch("/w/", compacted - 1))
            assert caught.value.compact_revision == compacted
            changes = await read_until(backend.watch("/w/", compacted), end)
            assert changes == [change for change in everything if change.revision > compacted]

    @scenario
    async def test_compaction_leaves_live_watches_alone(self, backend: StorageBackend) -> None:
        """A watch that is up to date does not need what is forgotten."""
        watch = backend.watch("/w/", await backend.current_revision())
        await next_batch(watch)
        for number in range(5):
            revision = await backend.create(f"/w/{number}", b"")
            assert [change.revision for change in await read_until(watch, revision)] == [revision]
            await backend.compact(revision)

    @scenario
    async def test_a_slow_consumer_misses_nothing(self, backend: StorageBackend) -> None:
        """A long burst is delivered in full to a watch that nobody read meanwhile."""
        watch = backend.watch("/w/", await backend.current_revision())
        await next_batch(watch)
        revisions = await _burst(backend, BURST)
        changes = await read_until(watch, max(revisions))
        assert [change.revision for change in changes] == sorted(revisions)

    @scenario
    async def test_a_slow_consumer_behind_compaction(self, backend: StorageBackend) -> None:
        """It gets everything, or Compacted; never a part."""
        watch = backend.watch("/w/", await backend.current_revision())
        await next_batch(watch)
        revisions = sorted(await _burst(backend, BURST))
        await backend.compact(revisions[-1])
        seen: list[int] = []
        while len(seen) < BURST:
            batch = await outcome(next_batch(watch))
            if isinstance(batch, StorageError):
                assert isinstance(batch, Compacted)
                assert batch.compact_revision == revisions[-1]
                break
            seen += [change.revision for change in batch.changes]
        assert seen == revisions[: len(seen)]

    @scenario
    async def test_progress_without_changes(self, backend: StorageBackend) -> None:
        """Writes elsewhere move the revision that a watch reports, within a few seconds."""
        watch = backend.watch("/w/", await backend.current_revision())
        await next_batch(watch)
        waiting = asyncio.ensure_future(next_batch(watch, self.progress_seconds))
        await asyncio.sleep(0)
        revision = (await fill(backend, ["/other/a", "/other/b"]))[-1]
        batch = await waiting
        while batch.revision < revision:
            batch = await next_batch(watch, self.progress_seconds)
        assert not batch.changes

    @scenario
    async def test_watches_do_not_mind_each_other(self, backend: StorageBackend) -> None:
        """Closing one, or not reading it, leaves the others as they are."""
        begin = await backend.current_revision()
        watches = [backend.watch("/w/", begin) for _ in range(10)]
        for watch in watches:
            await next_batch(watch)
        for watch in watches[::2]:
            await close(watch)
        end = (await fill(backend, ["/w/a", "/w/b", "/w/c"]))[-1]
        for watch in watches[1:6:2]:
            assert [change.key for change in await read_until(watch, end)] == ["/w/a", "/w/b", "/w/c"]

    @scenario
    async def test_large_values_are_replayed(self, backend: StorageBackend) -> None:
        """History with megabytes in it is delivered in full, live and later."""
        begin = await backend.current_revision()
        live = backend.watch("/w/", begin)
        revision = await backend.create("/w/a", b"")
        for number in range(12):
            revision = await backend.update("/w/a", b"%d" % number * 1_000_000, revision)
        for watch in (live, backend.watch("/w/", begin)):
            changes = await read_until(watch, revision)
            assert [len(change.value or b"") // 1_000_000 for change in changes] == [0, *[1] * 10, 2, 2]
            assert all(new.previous == old.value for old, new in zip(changes, changes[1:], strict=False))

    @scenario
    async def test_stop_ends_watches(self, backend: StorageBackend) -> None:
        """With StopAsyncIteration, for those who wait and those who come later."""
        revision = await backend.current_revision()
        waiting, later = backend.watch("/w/", revision), backend.watch("/w/", revision)
        await next_batch(waiting)
        await next_batch(later)
        consumer = asyncio.ensure_future(_exhaust(waiting))
        await asyncio.sleep(0.01)
        await backend.stop()
        async with asyncio.timeout(5):
            assert await consumer == []
            assert await _exhaust(later) == []


async def _churn(backend: StorageBackend, rounds: int, prefix: str = "/w/k", *, remove: bool = True) -> None:
    """Create, update and perhaps delete one key after the other."""
    for number in range(rounds):
        key = f"{prefix}{number}"
        revision = await backend.create(key, b"created")
        revision = await backend.update(key, b"updated", revision)
        if remove:
            await backend.delete(key, revision)


async def _burst(backend: StorageBackend, count: int) -> Sequence[int]:
    """Create keys, many at a time."""
    revisions: list[int] = []
    for first in range(0, count, 500):
        names = range(first, min(count, first + 500))
        revisions += await asyncio.gather(*(backend.create(f"/w/{n:05}", b"x" * 100) for n in names))
    return revisions


async def _read_revisions(watch: AsyncIterator[WatchBatch], count: int) -> list[Change]:
    changes: list[Change] = []
    complete = 0
    while len(changes) < count:
        batch = await next_batch(watch)
        check_batch(batch, complete)
        changes += batch.changes
        complete = batch.revision
    return changes


async def _exhaust(watch: AsyncIterator[WatchBatch]) -> list[Change]:
    return [change async for batch in watch for change in batch.changes]


def _apply(state: dict[str, tuple[bytes, int]], change: Change) -> None:
    """Follow a change in a mirror, and check that it fits what the mirror shows."""
    previous = state.get(change.key, (None, 0))
    assert (change.previous, change.previous_revision) == previous
    if change.value is None:
        del state[change.key]
    else:
        state[change.key] = (change.value, change.revision)
