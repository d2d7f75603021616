import asyncio

import pytest
from controller_runs import eventually

from kapi_controllers import workqueue
from kapi_controllers.workqueue import WorkQueue


async def work_through(queue: WorkQueue, work, condition) -> None:
    task = asyncio.create_task(queue.run(work))
    try:
        await eventually(condition)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_each_name_is_worked_on_once_in_order() -> None:
    done: list[str] = []

    async def work(name: str) -> bool:
        done.append(name)
        return True

    queue = WorkQueue()
    for name in ("b", "a", "b", "c", "a"):
        queue.add(name)
    await work_through(queue, work, lambda: len(done) == 3)
    assert done == ["b", "a", "c"]


async def test_a_name_added_while_it_is_worked_on_is_worked_on_again() -> None:
    queue, done = WorkQueue(), []

    async def work(name: str) -> bool:
        done.append(name)
        if len(done) == 1:
            queue.add(name)
            queue.add(name)
        return True

    queue.add("a")
    await work_through(queue, work, lambda: len(done) == 2)
    assert done == ["a", "a"]


async def test_unfinished_work_comes_back_ever_later(monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []
    monkeypatch.setattr(workqueue, "LAST_DELAY", 0.5)
    loop = asyncio.get_running_loop()
    results = iter([False, False, False, True, False, True])
    asked: list[str] = []

    def soon(delay, call, name):
        delays.append(delay)
        return loop.call_soon(call, name)

    async def work(name: str) -> bool:
        asked.append(name)
        return next(results)

    queue = WorkQueue()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "call_later", soon)
        queue.add("a")
        await work_through(queue, work, lambda: len(asked) == 4)
        queue.add("a")
        await work_through(queue, work, lambda: len(asked) == 6)
    assert delays == [0.2, 0.4, 0.5, 0.2], "a finished name begins anew"


async def test_adding_a_name_does_not_wait_for_its_delay() -> None:
    queue, asked = WorkQueue(), []

    async def work(name: str) -> bool:
        asked.append(name)
        if len(asked) == 1:
            asyncio.get_running_loop().call_soon(queue.add, name)
        return len(asked) > 1

    queue.add("a")
    await work_through(queue, work, lambda: len(asked) == 2)


async def test_what_the_worker_raises_ends_it() -> None:
    async def work(name: str) -> bool:
        raise KeyError(name)

    queue = WorkQueue()
    queue.add("a")
    with pytest.raises(KeyError):
        await queue.run(work)
