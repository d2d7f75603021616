"""The storage suite: start, stop, and what is found after a restart."""

import asyncio
from pathlib import Path

import pytest

from kapi.contracts.storage import Compacted, KeyValue, StorageBackend, Unavailable
from kapi.testing.storage_scenario import StorageScenarios, fill, lifecycle_scenario, outcome, read_until, scenario


class LifecycleScenarios(StorageScenarios):
    """Start and stop; and, for backends that are ``durable``, what the next start finds."""

    @scenario
    async def test_a_started_store_is_ready(self, backend: StorageBackend) -> None:
        """Ready returns, before and after writes."""
        await backend.ready()
        await fill(backend, ["/k/a"])
        await backend.ready()

    @lifecycle_scenario
    async def test_a_stopped_store_is_unavailable(self, tmp_path: Path) -> None:
        """Every operation says so; stopping again does nothing."""
        backend = self.make_backend(tmp_path)
        await backend.start()
        revision = await backend.create("/k/a", b"1")
        await backend.stop()
        await backend.stop()
        for operation in (
            backend.get("/k/a"),
            backend.range("/k/"),
            backend.create("/k/b", b"1"),
            backend.update("/k/a", b"2", revision),
            backend.delete("/k/a", revision),
            backend.current_revision(),
            backend.compact(revision),
            backend.ready(),
        ):
            with pytest.raises(Unavailable):
                await operation

    @lifecycle_scenario
    async def test_stop_finishes_what_was_accepted(self, tmp_path: Path) -> None:
        """Writes in flight are acknowledged or refused; none is left without an answer."""
        backend = self.make_backend(tmp_path)
        await backend.start()
        writes = [asyncio.ensure_future(outcome(backend.create(f"/k/{n:02}", b"1"))) for n in range(50)]
        await asyncio.sleep(0)
        await backend.stop()
        async with asyncio.timeout(5):
            results = await asyncio.gather(*writes)
        assert all(isinstance(result, int | Unavailable) for result in results)
        if self.durable:
            kept = {item.key: item.revision for item in await _contents(self.make_backend(tmp_path), "/k/")}
            for number, result in enumerate(results):
                assert not isinstance(result, int) or kept.get(f"/k/{number:02}") == result

    @lifecycle_scenario
    async def test_a_restart_finds_everything(self, tmp_path: Path) -> None:
        """Keys, values, revisions, history and where it was compacted."""
        self._need_durable()
        first = self.make_backend(tmp_path)
        await first.start()
        begin, middle, _ = await fill(first, ["/k/a", "/k/b", "/k/c"])
        end = await first.delete("/k/a", begin)
        before = await first.range("/k/")
        history = await read_until(first.watch("/k/", middle), end)
        await first.compact(middle)
        await first.stop()
        second = self.make_backend(tmp_path)
        await second.start()
        try:
            assert await second.range("/k/") == before
            assert await second.get("/k/b") == before.items[0]
            assert await read_until(second.watch("/k/", middle), end) == history
            with pytest.raises(Compacted):
                await second.range("/k/", revision=begin)
            assert await second.create("/k/a", b"") > end
        finally:
            await second.stop()

    @lifecycle_scenario
    async def test_revisions_go_on_after_a_restart(self, tmp_path: Path) -> None:
        """Even if the newest changes were deletions, and all history was compacted."""
        self._need_durable()
        last = 0
        for _ in range(3):
            backend = self.make_backend(tmp_path)
            await backend.start()
            assert await backend.current_revision() >= last
            created = await backend.create("/k/a", b"")
            assert created > last
            last = await backend.delete("/k/a", created)
            await backend.compact(last)
            await backend.stop()

    @lifecycle_scenario
    async def test_keys_expire_after_a_restart(self, tmp_path: Path) -> None:
        """A time to live goes on while the store is closed."""
        self._need_durable()
        first = self.make_backend(tmp_path)
        await first.start()
        created = await first.create("/k/a", b"", ttl=0.2)
        await first.stop()
        second = self.make_backend(tmp_path)
        await second.start()
        try:
            watch = second.watch("/k/", created)
            async with asyncio.timeout(0.2 + self.expiry_seconds):
                while await second.get("/k/a") is not None:
                    await anext(watch)
        finally:
            await second.stop()

    def _need_durable(self) -> None:
        if not self.durable:
            pytest.skip("the backend is not durable")


async def _contents(backend: StorageBackend, prefix: str) -> list[KeyValue]:
    await backend.start()
    try:
        return list((await backend.range(prefix)).items)
    finally:
        await backend.stop()
