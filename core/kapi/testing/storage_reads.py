"""The storage suite: ranges, reads of the past, compaction."""

import pytest

from kapi.contracts.storage import Compacted, FutureRevision, KeyValue, StorageBackend
from kapi.testing.storage_scenario import StorageScenarios, fill, scenario

_EVENTS = ("a", "b", "c", "a-", "b", "d", "a", "c-", "e", "a-", "f", "a")
"""The keys that are created or changed ("-": deleted), one after the other."""

FRUIT = ["/f/apple", "/f/banana", "/f/cherry", "/f/date", "/f/elder"]


class ReadScenarios(StorageScenarios):
    """What ranges return, now and at revisions of the past."""

    @scenario
    async def test_an_empty_store(self, backend: StorageBackend) -> None:
        """It has a revision that can be read: 0 stands for "now", so it is 1 at least."""
        page = await backend.range("/f/")
        assert (list(page.items), page.more, page.remaining) == ([], False, 0)
        assert page.revision >= 1
        assert not (await backend.range("/f/", revision=page.revision)).items
        assert await backend.get("/f/apple") is None

    @scenario
    async def test_range_returns_keys_in_byte_order(self, backend: StorageBackend) -> None:
        """Whatever the order of creation."""
        keys = ["/f/b", "/f/a/b", "/f/a", "/f/a.b", "/f/a0", "/f/A", "/f/ä", "/f/\U0001f600", "/f/\uffee", "/f/a-b"]
        revisions = dict(zip(keys, await fill(backend, keys), strict=True))
        page = await backend.range("/f/")
        ordered = sorted(keys, key=str.encode)
        assert list(page.items) == [KeyValue(key, key.encode(), revisions[key]) for key in ordered]
        assert page.revision >= max(revisions.values())
        assert (page.more, page.remaining) == (False, 0)

    @scenario
    async def test_range_keeps_to_the_prefix(self, backend: StorageBackend) -> None:
        """A prefix that ends with a slash covers neither its namesake nor longer names."""
        keys = ["/a", "/a/b", "/a/b/", "/a/b/c", "/a/b/c/d", "/a/b0", "/a/bc", "/a/bc/d", "/a/b.c/d", "/b/a"]
        await fill(backend, keys)
        for prefix in ("/a/b/", "/a/bc/", "/a/", "/", "/c/", "/a/b/c/d/"):
            page = await backend.range(prefix)
            assert [item.key for item in page.items] == sorted(key for key in keys if key.startswith(prefix))

    @scenario
    async def test_range_at_the_edge_of_unicode(self, backend: StorageBackend) -> None:
        """The end of a prefix is found for its last character being the last one of all, too."""
        keys = ["/f\U0010ffff/a", "/f\U0010ffff0", "/g/a", "/f\ud7ff/a", "/f\ue000/a"]
        await fill(backend, keys)
        for prefix in ("/f\U0010ffff", "/f\ud7ff", "/f\ue000", "/f\U0010ffff/"):
            page = await backend.range(prefix)
            assert [item.key for item in page.items] == sorted(key for key in keys if key.startswith(prefix))

    @scenario
    async def test_range_in_pages(self, backend: StorageBackend) -> None:
        """Limit, more and remaining, for every size of page."""
        await fill(backend, [*FRUIT, "/g/other"])
        for limit in range(1, len(FRUIT) + 2):
            seen: list[str] = []
            start, more = "", True
            while more:
                page = await backend.range("/f/", start=start, limit=limit)
                seen += [item.key for item in page.items]
                assert len(page.items) == min(limit, len(FRUIT) - len(seen) + len(page.items))
                assert page.remaining == len(FRUIT) - len(seen)
                more = page.more
                assert more == (page.remaining > 0)
                start = seen[-1] + "\0"
            assert seen == FRUIT

    @scenario
    async def test_range_from_a_start(self, backend: StorageBackend) -> None:
        """The start is inclusive, need not exist, and does not widen the prefix."""
        await fill(backend, [*FRUIT, "/e/before", "/g/after"])
        for start in (
            "",
            "/",
            "/e/before",
            "/f/",
            "/f/banana",
            "/f/banana\0",
            "/f/bananas",
            "/f/z",
            "/g/",
            "/z",
            "/f/b\ud800",
        ):
            page = await backend.range("/f/", start=start)
            assert [item.key for item in page.items] == [key for key in FRUIT if key >= start]
            page = await backend.range("/f/", start=start, limit=1)
            assert [item.key for item in page.items] == [key for key in FRUIT if key >= start][:1]

    @scenario
    async def test_reads_include_every_acknowledged_write(self, backend: StorageBackend) -> None:
        """Get, range and current_revision, right after each write."""
        revision = 0
        for number in range(20):
            value = b"%d" % number
            revision = await (backend.update("/f/a", value, revision) if revision else backend.create("/f/a", value))
            assert await backend.get("/f/a") == KeyValue("/f/a", value, revision)
            page = await backend.range("/f/")
            assert list(page.items) == [KeyValue("/f/a", value, revision)]
            assert page.revision >= revision
            assert await backend.current_revision() >= revision

    @scenario
    async def test_range_of_the_past(self, backend: StorageBackend) -> None:
        """Created, changed and deleted keys are as they were at every single revision."""
        history = await _eventful_life(backend)
        for revision, state in history.items():
            page = await backend.range("/f/", revision=revision)
            assert page.revision == revision
            assert {item.key: item for item in page.items} == state
            assert [item.key for item in page.items] == sorted(state)

    @scenario
    async def test_pages_of_the_past(self, backend: StorageBackend) -> None:
        """Limit, start, more and remaining hold for old revisions: a list in pages shows one state."""
        await fill(backend, FRUIT)
        first = await backend.range("/f/", limit=2)
        await fill(backend, ["/f/aaa", "/f/cc", "/f/zzz"])
        for key in ("/f/cherry", "/f/elder"):
            old = await backend.get(key)
            assert old is not None
            await backend.delete(key, old.revision)
        second = await backend.range("/f/", start="/f/banana\0", limit=2, revision=first.revision)
        assert [item.key for item in second.items] == ["/f/cherry", "/f/date"]
        assert (second.revision, second.more, second.remaining) == (first.revision, True, 1)
        third = await backend.range("/f/", start="/f/date\0", limit=2, revision=first.revision)
        assert [item.key for item in third.items] == ["/f/elder"]
        assert (third.more, third.remaining) == (False, 0)

    @scenario
    async def test_range_of_the_future(self, backend: StorageBackend) -> None:
        """FutureRevision, which says how far the store has got."""
        await fill(backend, FRUIT)
        current = await backend.current_revision()
        with pytest.raises(FutureRevision) as caught:
            await backend.range("/f/", revision=current + 1)
        assert caught.value.current_revision == current

    @scenario
    async def test_compaction_forgets_the_past_only(self, backend: StorageBackend) -> None:
        """Below the compacted revision nothing can be read; from there on everything is as it was."""
        history = await _eventful_life(backend)
        middle = sorted(history)[len(history) // 2]
        await backend.compact(middle)
        for revision, state in history.items():
            if revision < middle:
                with pytest.raises(Compacted) as caught:
                    await backend.range("/f/", revision=revision)
                assert caught.value.compact_revision == middle
            else:
                page = await backend.range("/f/", revision=revision)
                assert {item.key: item for item in page.items} == state

    @scenario
    async def test_compaction_up_to_now(self, backend: StorageBackend) -> None:
        """Current values stay, and go on changing."""
        await _eventful_life(backend)
        before = await backend.range("/f/")
        await backend.compact(before.revision)
        assert await backend.range("/f/") == before
        assert await backend.range("/f/", revision=before.revision) == before
        for item in before.items:
            assert await backend.get(item.key) == item
            assert await backend.update(item.key, b"new", item.revision) > before.revision

    @scenario
    async def test_compaction_is_idempotent(self, backend: StorageBackend) -> None:
        """The same revision again, or an older one, changes nothing."""
        await _eventful_life(backend)
        current = await backend.current_revision()
        for revision in (current - 2, current - 2, current - 4, 1, 0):
            await backend.compact(revision)
            with pytest.raises(Compacted) as caught:
                await backend.range("/f/", revision=current - 3)
            assert caught.value.compact_revision == current - 2
            assert (await backend.range("/f/", revision=current - 2)).revision == current - 2

    @scenario
    async def test_the_future_cannot_be_compacted(self, backend: StorageBackend) -> None:
        """FutureRevision, and nothing was forgotten."""
        revisions = await fill(backend, FRUIT)
        with pytest.raises(FutureRevision):
            await backend.compact(await backend.current_revision() + 1)
        assert len((await backend.range("/f/", revision=revisions[0])).items) == 1

    @scenario
    async def test_compaction_does_not_turn_revisions_back(self, backend: StorageBackend) -> None:
        """Not even when everything was deleted and forgotten."""
        created = await backend.create("/f/a", b"1")
        deleted = await backend.delete("/f/a", created)
        await backend.compact(deleted)
        assert await backend.current_revision() == deleted
        assert await backend.create("/f/a", b"2") > deleted


async def _eventful_life(backend: StorageBackend) -> dict[int, dict[str, KeyValue]]:
    """Create, change, delete and bring back keys; return the state of "/f/" at each revision."""
    state: dict[str, KeyValue] = {}
    history = {await backend.current_revision(): dict(state)}
    for step, name in enumerate(_EVENTS):
        key, old = f"/f/{name[0]}", state.get(f"/f/{name[0]}")
        value = b"step %d" % step
        if old is None:
            revision = await backend.create(key, value)
        elif name.endswith("-"):
            revision = await backend.delete(key, old.revision)
        else:
            revision = await backend.update(key, value, old.revision)
        if name.endswith("-"):
            del state[key]
        else:
            state[key] = KeyValue(key, value, revision)
        await backend.create(f"/other/{step}", b"")
        history[revision] = dict(state)
    return history
