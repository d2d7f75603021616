import asyncio
from collections.abc import Awaitable, Callable

import pytest
from controller_runs import eventually

from kapi_controllers.token_bucket import TokenBucket
from kapi_controllers.workqueue import WorkQueue


async def at_work(queue: WorkQueue, work: Callable[[str], Awaitable[bool]], until: Callable[[], bool]) -> None:
    task = asyncio.create_task(queue.run(work, 3))
    try:
        await eventually(until)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_several_names_are_worked_on_at_once_but_none_twice() -> None:
    queue, gate = WorkQueue(), asyncio.Event()
    active: list[str] = []
    most: list[int] = []
    done: list[str] = []

    async def work(name: str) -> bool:
        assert name not in active
        active.append(name)
        most.append(len(active))
        if name not in done:
            queue.add(name)
        await gate.wait()
        active.remove(name)
        done.append(name)
        return True

    async def open_gate() -> None:
        await eventually(lambda: len(active) == 3)
        gate.set()

    for name in "abcde":
        queue.add(name)
    await asyncio.gather(at_work(queue, work, lambda: len(done) == 10), open_gate())
    assert sorted(done) == sorted("abcde" * 2)
    assert max(most) == 3


async def test_work_that_never_waits_leaves_others_their_turn() -> None:
    queue, done = WorkQueue(), []

    async def work(name: str) -> bool:
        done.append(name)
        return True

    for number in range(100):
        queue.add(str(number))
    task = asyncio.create_task(queue.run(work, 2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < len(done) < 100
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_one_worker_raises_ends_all() -> None:
    queue, cancelled = WorkQueue(), []

    async def work(name: str) -> bool:
        if name == "bad":
            raise KeyError(name)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(name)
            raise
        return True

    for name in ("a", "b", "bad"):
        queue.add(name)
    with pytest.raises(KeyError):
        await queue.run(work, 3)
    await eventually(lambda: sorted(cancelled) == ["a", "b"])


def test_a_bucket_gives_its_burst_and_then_what_comes_in() -> None:
    time = [100.0]
    bucket = TokenBucket(2, 0.5, lambda: time[0])
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    time[0] += 1
    assert not bucket.take()
    time[0] += 1
    assert [bucket.take(), bucket.take()] == [True, False]
    time[0] += 1000
    assert [bucket.take() for _ in range(3)] == [True, True, False]
