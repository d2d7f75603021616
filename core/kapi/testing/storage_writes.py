"""The storage suite: create, update, delete, expiry."""

import asyncio
import time

import pytest

from kapi.contracts.storage import KeyExists, KeyMissing, KeyValue, RevisionConflict, StorageBackend
from kapi.testing.storage_scenario import StorageScenarios, fill, next_batch, outcome, scenario

HOSTILE_KEYS = (
    "/k/ü",
    "/k/u\u0308",
    "/k/日本語",
    "/k/\U0001f600",
    "/k/\U0010ffff",
    "/k/\ud7ff",
    "/k/\ue000",
    "/k/ leading and trailing ",
    "/k/'; DROP TABLE keys; --",
    '/k/"quoted"',
    "/k/back\\slash",
    "/k/%",
    "/k/_",
    "/k/*",
    "/k/line\nbreak\ttab\x01",
    "/k/../up",
    "/k//double",
    "/k/UPPER",
    "/k/upper",
    "/k/" + "long" * 250,
)


class WriteScenarios(StorageScenarios):
    """Compare-and-swap, revisions, values and keys of every kind, time to live."""

    @scenario
    async def test_create_stores_the_value(self, backend: StorageBackend) -> None:
        """What create acknowledged is what get returns."""
        revision = await backend.create("/k/a", b"one")
        assert await backend.get("/k/a") == KeyValue("/k/a", b"one", revision)

    @scenario
    async def test_create_refuses_a_key_that_exists(self, backend: StorageBackend) -> None:
        """KeyExists, and nothing has changed."""
        revision = await backend.create("/k/a", b"one")
        with pytest.raises(KeyExists):
            await backend.create("/k/a", b"two")
        assert await backend.get("/k/a") == KeyValue("/k/a", b"one", revision)

    @scenario
    async def test_update_replaces_the_value(self, backend: StorageBackend) -> None:
        """A matching revision lets the update through, with a larger revision."""
        first = await backend.create("/k/a", b"one")
        second = await backend.update("/k/a", b"two", first)
        assert second > first
        assert await backend.get("/k/a") == KeyValue("/k/a", b"two", second)

    @scenario
    async def test_update_refuses_another_revision(self, backend: StorageBackend) -> None:
        """RevisionConflict for older, newer and impossible revisions, and nothing has changed."""
        first = await backend.create("/k/a", b"one")
        second = await backend.update("/k/a", b"two", first)
        for expected in (first, second + 1, 0, -1):
            with pytest.raises(RevisionConflict):
                await backend.update("/k/a", b"three", expected)
        assert await backend.get("/k/a") == KeyValue("/k/a", b"two", second)

    @scenario
    async def test_update_and_delete_need_the_key(self, backend: StorageBackend) -> None:
        """KeyMissing for keys that never existed and for those that were deleted, whatever the revision."""
        revision = await backend.create("/k/a", b"one")
        await backend.delete("/k/a", revision)
        for key, expected in (("/k/a", revision), ("/k/never", 1), ("/k/never", 0)):
            with pytest.raises(KeyMissing):
                await backend.update(key, b"two", expected)
            with pytest.raises(KeyMissing):
                await backend.delete(key, expected)
        assert await backend.get("/k/a") is None
        assert await backend.get("/k/never") is None

    @scenario
    async def test_delete_removes_the_key(self, backend: StorageBackend) -> None:
        """The deletion has a revision of its own."""
        created = await backend.create("/k/a", b"one")
        deleted = await backend.delete("/k/a", created)
        assert deleted > created
        assert await backend.get("/k/a") is None

    @scenario
    async def test_delete_refuses_another_revision(self, backend: StorageBackend) -> None:
        """RevisionConflict, and the key is still there."""
        first = await backend.create("/k/a", b"one")
        second = await backend.update("/k/a", b"two", first)
        for expected in (first, second + 1, 0):
            with pytest.raises(RevisionConflict):
                await backend.delete("/k/a", expected)
        assert await backend.get("/k/a") == KeyValue("/k/a", b"two", second)

    @scenario
    async def test_a_second_life_of_a_key_has_its_own_revisions(self, backend: StorageBackend) -> None:
        """A revision of the first life does not open the second."""
        first = await backend.create("/k/a", b"one")
        await backend.delete("/k/a", first)
        again = await backend.create("/k/a", b"two")
        with pytest.raises(RevisionConflict):
            await backend.update("/k/a", b"three", first)
        assert await backend.get("/k/a") == KeyValue("/k/a", b"two", again)

    @scenario
    async def test_revisions_increase_over_all_keys(self, backend: StorageBackend) -> None:
        """One sequence for the whole store."""
        revisions = [await backend.current_revision()]
        for number in range(5):
            key = f"/k{number}/a"
            revisions.append(await backend.create(key, b"1"))
            revisions.append(await backend.update(key, b"2", revisions[-1]))
            revisions.append(await backend.delete(key, revisions[-1]))
        assert revisions == sorted(set(revisions))

    @scenario
    async def test_one_of_many_creates_wins(self, backend: StorageBackend) -> None:
        """All the others get KeyExists, and the winner's value stays."""
        results = await asyncio.gather(*(outcome(backend.create("/k/a", b"%d" % n)) for n in range(20)))
        winners = [KeyValue("/k/a", b"%d" % n, won) for n, won in enumerate(results) if isinstance(won, int)]
        assert len(winners) == 1
        assert sum(isinstance(result, KeyExists) for result in results) == 19
        assert await backend.get("/k/a") == winners[0]

    @scenario
    async def test_one_of_many_updates_wins(self, backend: StorageBackend) -> None:
        """All the others get RevisionConflict, and the winner's value stays."""
        revision = await backend.create("/k/a", b"")
        results = await asyncio.gather(*(outcome(backend.update("/k/a", b"%d" % n, revision)) for n in range(20)))
        winners = [KeyValue("/k/a", b"%d" % n, won) for n, won in enumerate(results) if isinstance(won, int)]
        assert len(winners) == 1
        assert sum(isinstance(result, RevisionConflict) for result in results) == 19
        assert await backend.get("/k/a") == winners[0]

    @scenario
    async def test_one_of_many_deletes_wins(self, backend: StorageBackend) -> None:
        """All the others find the key gone."""
        revision = await backend.create("/k/a", b"")
        results = await asyncio.gather(*(outcome(backend.delete("/k/a", revision)) for _ in range(20)))
        assert sum(isinstance(result, int) for result in results) == 1
        assert sum(isinstance(result, KeyMissing) for result in results) == 19

    @scenario
    async def test_no_update_is_lost(self, backend: StorageBackend) -> None:
        """Concurrent read-modify-write with retries counts correctly."""
        await backend.create("/k/counter", b"0")
        await asyncio.gather(*(count_up(backend, "/k/counter", 10) for _ in range(8)))
        counter = await backend.get("/k/counter")
        assert counter is not None
        assert counter.value == b"80"

    @scenario
    async def test_concurrent_writes_get_revisions_of_their_own(self, backend: StorageBackend) -> None:
        """No two changes share a revision, and each key carries the one that its writer was told."""
        keys = [f"/k/{number:03}" for number in range(100)]
        revisions = await asyncio.gather(*(backend.create(key, key.encode()) for key in keys))
        assert len(set(revisions)) == len(keys)
        page = await backend.range("/k/")
        assert [item.revision for item in page.items] == revisions

    @scenario
    async def test_values_are_kept_to_the_byte(self, backend: StorageBackend) -> None:
        """Empty, binary and large values."""
        for number, value in enumerate((b"", b"\0", bytes(range(256)), b"\xff\xfe text", b"x" * 1_500_000)):
            key = f"/k/{number}"
            revision = await backend.create(key, value)
            assert await backend.get(key) == KeyValue(key, value, revision)
            revision = await backend.update(key, value + b"!", revision)
            assert await backend.get(key) == KeyValue(key, value + b"!", revision)
        assert len((await backend.range("/k/")).items) == 5

    @scenario
    async def test_keys_of_every_kind(self, backend: StorageBackend) -> None:
        """No character means anything, no two keys are the same, and the order is that of the bytes."""
        for key in HOSTILE_KEYS:
            await backend.create(key, key.encode())
        page = await backend.range("/k/")
        assert [item.key for item in page.items] == sorted(HOSTILE_KEYS, key=str.encode)
        for key in HOSTILE_KEYS:
            found = await backend.get(key)
            assert found is not None
            assert (found.key, found.value) == (key, key.encode())
            await backend.delete(key, found.revision)
        assert not (await backend.range("/k/")).items

    @scenario
    async def test_a_cancelled_write_happens_or_not(self, backend: StorageBackend) -> None:
        """Never partially, and the store goes on."""
        tasks = [asyncio.ensure_future(backend.create(f"/k/{n:02}", b"value")) for n in range(20)]
        for steps, task in enumerate(tasks):
            for _ in range(steps % 4):
                await asyncio.sleep(0)
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        after = await backend.create("/k/after", b"value")
        for number, result in enumerate(results):
            found = await backend.get(f"/k/{number:02}")
            assert found is None or (found.value == b"value" and found.revision < after)
            assert not isinstance(result, int) or (found is not None and found.revision == result)

    @scenario
    async def test_a_key_expires(self, backend: StorageBackend) -> None:
        """It goes after its time, not before, by a change of its own; other keys stay."""
        await fill(backend, ["/k/stays"])
        begin = time.monotonic()
        created = await backend.create("/k/goes", b"value", ttl=0.5)
        watch = backend.watch("/k/", created)
        changes = list((await next_batch(watch)).changes)
        while not changes:
            changes += (await next_batch(watch, 0.5 + self.expiry_seconds)).changes
        assert time.monotonic() - begin >= 0.45
        assert changes[0].revision > created
        assert changes == [changes[0]._replace(key="/k/goes", value=None, previous=b"value", previous_revision=created)]
        assert await backend.get("/k/goes") is None
        assert await backend.get("/k/stays") is not None

    @scenario
    async def test_an_update_sets_the_time_to_live_anew(self, backend: StorageBackend) -> None:
        """Without ttl the key stops expiring, with one it begins to."""
        saved = await backend.create("/k/saved", b"1", ttl=0.5)
        longer = await backend.create("/k/longer", b"1", ttl=0.5)
        doomed = await backend.create("/k/doomed", b"1")
        await backend.update("/k/saved", b"2", saved)
        await backend.update("/k/longer", b"2", longer, ttl=3600)
        await backend.update("/k/doomed", b"2", doomed, ttl=0.5)
        await _gone(backend, "/k/doomed", 0.5 + self.expiry_seconds)
        assert await backend.get("/k/saved") is not None
        assert await backend.get("/k/longer") is not None


async def count_up(backend: StorageBackend, key: str, times: int) -> None:
    """Increase the number in a key, again and again; the key must exist."""
    for _ in range(times):
        while True:
            old = await backend.get(key)
            assert old is not None
            if isinstance(await outcome(backend.update(key, b"%d" % (int(old.value) + 1), old.revision)), int):
                break


async def _gone(backend: StorageBackend, key: str, seconds: float) -> None:
    """Return when a key is no longer there."""
    watch = backend.watch(key, await backend.current_revision())
    async with asyncio.timeout(seconds):
        while await backend.get(key) is not None:
            await anext(watch)
