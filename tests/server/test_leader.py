import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from kapi.contracts.storage import Unavailable
from kapi.server import leader
from kapi.server.leader import Leadership
from kapi_storage.memory import MemoryBackend

PREFIX = "/registry/"
KEY = PREFIX + leader.KEY


class Shy(MemoryBackend):
    """Refuses to write while ``down``."""

    down = False

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        self._check()
        return await super().create(key, value, ttl=ttl)

    async def update(self, key: str, value: bytes, expected_revision: int, *, ttl: float | None = None) -> int:
        self._check()
        return await super().update(key, value, expected_revision, ttl=ttl)

    def _check(self) -> None:
        if self.down:
            raise Unavailable("down")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader, "LEASE_SECONDS", 0.06)
    monkeypatch.setattr(leader, "RENEW_SECONDS", 0.005)
    monkeypatch.setattr(leader, "RETRY_SECONDS", 0.005)


@pytest.fixture
async def backend() -> AsyncIterator[Shy]:
    made = Shy()
    await made.start()
    yield made
    await made.stop()


def elsewhere(**members: Any) -> bytes:
    return orjson.dumps({**leader._place(), "host": "another", "pid": 1, "id": "x", **members})


async def within(seconds: float, work: Any) -> None:
    async with asyncio.timeout(seconds):
        await work


async def test_there_is_one_leader(backend: Shy) -> None:
    candidates = [Leadership(backend, PREFIX) for _ in range(4)]
    waiting = {asyncio.create_task(one.acquire(), name=str(n)): one for n, one in enumerate(candidates)}
    done, others = await asyncio.wait(waiting, timeout=0.03)
    assert len(done) == 1
    (first,) = done
    await waiting[first].release()
    successors, rest = await asyncio.wait(others, timeout=2, return_when=asyncio.FIRST_COMPLETED)
    assert (len(successors), len(rest)) == (1, 2)
    for task in rest:
        task.cancel()


async def test_a_leader_that_renews_stays_beyond_its_lease(backend: Shy) -> None:
    first, second = Leadership(backend, PREFIX), Leadership(backend, PREFIX)
    await first.acquire()
    keeping, waiting = asyncio.create_task(first.lost()), asyncio.create_task(second.acquire())
    await asyncio.sleep(0.15)
    assert not keeping.done()
    assert not waiting.done()
    keeping.cancel()
    await first.release()
    await within(2, waiting)


async def test_a_leader_elsewhere_that_has_died_is_followed_when_its_lease_ends(backend: Shy) -> None:
    await backend.create(KEY, elsewhere(), ttl=0.05)
    candidate = Leadership(backend, PREFIX)
    with pytest.raises(TimeoutError):
        await within(0.02, candidate.acquire())
    await within(5, candidate.acquire())


def dead_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


async def test_a_leader_here_that_has_died_is_followed_at_once(backend: Shy) -> None:
    await backend.create(KEY, elsewhere(host=socket.gethostname(), pid=dead_process()))
    await within(1, Leadership(backend, PREFIX).acquire())


@pytest.mark.parametrize("pid", [os.getpid(), 1])
async def test_a_leader_here_that_lives_is_left_alone(backend: Shy, pid: int) -> None:
    await backend.create(KEY, elsewhere(host=socket.gethostname(), pid=pid))
    with pytest.raises(TimeoutError):
        await within(0.03, Leadership(backend, PREFIX).acquire())


@pytest.mark.parametrize("other", ["boot", "namespace"])
async def test_process_ids_of_another_place_say_nothing(backend: Shy, other: str) -> None:
    await backend.create(KEY, elsewhere(host=socket.gethostname(), pid=dead_process(), **{other: "another"}))
    with pytest.raises(TimeoutError):
        await within(0.03, Leadership(backend, PREFIX).acquire())


@pytest.mark.parametrize("value", [b"", b"[]", b"null", b"{}", b"\xff", b'{"pid": "x"}'])
async def test_a_key_that_is_not_understood_is_left_alone_until_it_ends(backend: Shy, value: bytes) -> None:
    await backend.create(KEY, value, ttl=0.05)
    candidate = Leadership(backend, PREFIX)
    with pytest.raises(TimeoutError):
        await within(0.02, candidate.acquire())
    await within(2, candidate.acquire())


async def test_leadership_is_lost_to_whoever_takes_the_key(backend: Shy) -> None:
    first = Leadership(backend, PREFIX)
    await first.acquire()
    held = await backend.get(KEY)
    assert held is not None
    await backend.update(KEY, elsewhere(), held.revision)
    await within(2, first.lost())
    await first.release()
    taken = await backend.get(KEY)
    assert taken is not None, "the key of another is not given up"
    assert taken.value == elsewhere()


async def test_leadership_is_lost_when_the_store_is_away_too_long(backend: Shy) -> None:
    first = Leadership(backend, PREFIX)
    await first.acquire()
    losing = asyncio.create_task(first.lost())
    backend.down = True
    await asyncio.sleep(0.02)
    assert not losing.done(), "a short absence does not matter"
    await within(2, losing)


async def test_a_store_that_is_away_is_asked_again(backend: Shy) -> None:
    backend.down = True
    waiting = asyncio.create_task(Leadership(backend, PREFIX).acquire())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    backend.down = False
    await within(2, waiting)
