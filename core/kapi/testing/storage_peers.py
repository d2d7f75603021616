"""The storage suite: several backends on one store, in one process and in several."""

import asyncio
import multiprocessing
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from kapi.contracts.storage import Compacted, KeyExists, RevisionConflict, StorageBackend
from kapi.testing.storage_scenario import (
    StorageScenarios,
    fill,
    lifecycle_scenario,
    next_batch,
    outcome,
    read_until,
)
from kapi.testing.storage_writes import count_up

PROCESSES = 2
COUNTS = 40


class PeerScenarios(StorageScenarios):
    """For backends that are ``multi_process``.

    The last test starts processes, which make an instance of the class anew, without pytest's fixtures; classes that
    cannot do without set ``spawns`` to False.
    """

    spawns = True

    @lifecycle_scenario
    async def test_peers_read_each_others_writes(self, tmp_path: Path) -> None:
        """At once, by get, range and current_revision."""
        async with AsyncExitStack() as stack:
            one, two = await self._peers(stack, tmp_path)
            for number in range(10):
                writer, reader = (one, two) if number % 2 else (two, one)
                revision = await writer.create(f"/k/{number}", b"value")
                assert await reader.current_revision() >= revision
                assert (await reader.range("/k/")).revision >= revision
                found = await reader.get(f"/k/{number}")
                assert found is not None
                assert found.revision == revision

    @lifecycle_scenario
    async def test_peers_compare_and_swap(self, tmp_path: Path) -> None:
        """One wins."""
        async with AsyncExitStack() as stack:
            peers = await self._peers(stack, tmp_path)
            for number in range(10):
                key = f"/k/{number}"
                results = await asyncio.gather(*(outcome(peer.create(key, b"")) for peer in peers))
                assert {type(result) for result in results} == {int, KeyExists}
                revision = next(result for result in results if isinstance(result, int))
                results = await asyncio.gather(*(outcome(peer.update(key, b"", revision)) for peer in peers))
                assert {type(result) for result in results} == {int, RevisionConflict}

    @lifecycle_scenario
    async def test_peers_watch_each_other(self, tmp_path: Path) -> None:
        """All changes of both, once, in one order that is the same for both."""
        async with AsyncExitStack() as stack:
            peers = await self._peers(stack, tmp_path)
            begin = await peers[0].current_revision()
            watches = [peer.watch("/k/", begin) for peer in peers]
            for watch in watches:
                await next_batch(watch)
            await asyncio.gather(*(_write_alone(peer, n) for n, peer in enumerate(peers) for _ in range(4)))
            end = await peers[0].current_revision()
            first, second = [await read_until(watch, end) for watch in watches]
            assert first == second
            assert first == await read_until(peers[1].watch("/k/", begin), end)
            assert len(first) == 2 * 4 * 10

    @lifecycle_scenario
    async def test_an_idle_watch_hears_of_a_peer(self, tmp_path: Path) -> None:
        """Without any call on its own side, before a user would notice."""
        async with AsyncExitStack() as stack:
            one, two = await self._peers(stack, tmp_path)
            watch = two.watch("/k/", await two.current_revision())
            await next_batch(watch)
            for number in range(3):
                revision = await one.create(f"/k/{number}", b"")
                batch = await next_batch(watch, 2.0)
                assert [change.revision for change in batch.changes] == [revision]

    @lifecycle_scenario
    async def test_peers_share_compaction(self, tmp_path: Path) -> None:
        """What one forgets, the other cannot read."""
        async with AsyncExitStack() as stack:
            one, two = await self._peers(stack, tmp_path)
            revisions = await fill(one, ["/k/a", "/k/b"])
            await one.compact(revisions[1])
            with pytest.raises(Compacted):
                await two.range("/k/", revision=revisions[0])
            with pytest.raises(Compacted):
                await next_batch(two.watch("/k/", revisions[0]))

    @lifecycle_scenario
    async def test_keys_expire_once(self, tmp_path: Path) -> None:
        """Whoever notices first, there is one deletion for each key."""
        async with AsyncExitStack() as stack:
            one, two = await self._peers(stack, tmp_path)
            begin = await one.current_revision()
            keys = [f"/k/{number:02}" for number in range(30)]
            await asyncio.gather(*(one.create(key, b"", ttl=0.1) for key in keys))
            deleted: list[str] = []
            watch = two.watch("/k/", begin)
            async with asyncio.timeout(0.1 + self.expiry_seconds):
                while len(deleted) < len(keys):
                    deleted += [change.key for change in (await anext(watch)).changes if change.value is None]
            assert sorted(deleted) == keys
            assert not (await one.range("/k/")).items

    def test_processes_count_together(self, tmp_path: Path) -> None:
        """Counters of several processes lose no increment."""
        if not (self.spawns and self._is_multi_process(tmp_path)):
            pytest.skip("the backend is not for several processes")
        asyncio.run(self._prepare_counter(tmp_path))
        context = multiprocessing.get_context("spawn")
        workers = [context.Process(target=_count_in_process, args=(type(self), tmp_path)) for _ in range(PROCESSES)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
        assert [worker.exitcode for worker in workers] == [0] * PROCESSES
        assert asyncio.run(self._read_counter(tmp_path)) == PROCESSES * COUNTS

    async def _peers(self, stack: AsyncExitStack, tmp_path: Path) -> list[StorageBackend]:
        if not self._is_multi_process(tmp_path):
            pytest.skip("the backend is not for several processes")
        peers = [self.make_backend(tmp_path) for _ in range(2)]
        for peer in peers:
            await peer.start()
            stack.push_async_callback(peer.stop)
        return peers

    def _is_multi_process(self, tmp_path: Path) -> bool:
        return self.make_backend(tmp_path).capabilities.multi_process

    async def _prepare_counter(self, tmp_path: Path) -> None:
        backend = self.make_backend(tmp_path)
        await backend.start()
        await backend.create("/k/counter", b"0")
        await backend.stop()

    async def _read_counter(self, tmp_path: Path) -> int:
        backend = self.make_backend(tmp_path)
        await backend.start()
        counter = await backend.get("/k/counter")
        await backend.stop()
        assert counter is not None
        return int(counter.value)


async def _write_alone(backend: StorageBackend, number: int) -> None:
    task = id(asyncio.current_task())
    for step in range(10):
        await backend.create(f"/k/{number}-{task}-{step}", b"")


def _count_in_process(suite: type[PeerScenarios], tmp_path: Path) -> None:
    """Run in another process: increase the counter."""
    asyncio.run(_count(suite().make_backend(tmp_path)))


async def _count(backend: StorageBackend) -> None:
    await backend.start()
    await asyncio.gather(*(count_up(backend, "/k/counter", COUNTS // 2) for _ in range(2)))
    await backend.stop()
