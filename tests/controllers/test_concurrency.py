import asyncio

import pytest

from kapi_controllers.concurrency import AT_ONCE, for_each


async def test_all_are_worked_on_but_only_so_many_at_once() -> None:
    busy, most, done = 0, 0, []

    async def work(item: int) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        done.append(item)

    await for_each(range(200), work)
    assert sorted(done) == list(range(200))
    assert most == AT_ONCE


async def test_an_error_is_raised_when_the_others_are_done() -> None:
    done = []

    async def work(item: int) -> None:
        if item == 0:
            raise ValueError("no")
        await asyncio.sleep(0)
        done.append(item)

    with pytest.raises(ValueError, match="no"):
        await for_each(range(100), work)
    assert sorted(done) == list(range(1, 100))
