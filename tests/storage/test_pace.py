"""When watchers are woken."""

import asyncio

from kapi.storage.pace import INTERVAL, SLICE, Pace


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_the_first_event_after_a_pause_is_told_at_once() -> None:
    pace, woken = Pace(), []
    pace.add(lambda: woken.append(1))
    pace.keep()
    assert woken == [1]
    pace.keep()
    assert woken == [1]


async def test_what_follows_closely_leaves_together() -> None:
    pace, woken, done = Pace(), [], asyncio.Event()
    pace.add(lambda: woken.append("first"))
    pace.keep()
    begun = asyncio.get_running_loop().time()
    for number in range(5):
        pace.add(lambda number=number: woken.append(number))
        pace.keep()
    pace.add(done.set)
    pace.keep()
    assert woken == ["first"]
    async with asyncio.timeout(2):
        await done.wait()
    assert woken == ["first", 0, 1, 2, 3, 4]
    assert asyncio.get_running_loop().time() - begun >= INTERVAL - 0.002


async def test_many_watchers_are_woken_in_turns_with_other_work() -> None:
    pace, woken = Pace(), []
    for number in range(3 * SLICE):
        pace.add(lambda number=number: woken.append(number))
    pace.keep()
    assert len(woken) == SLICE
    asyncio.get_running_loop().call_soon(woken.append, "other")
    await turns()
    assert woken == [*range(2 * SLICE), "other", *range(2 * SLICE, 3 * SLICE)]


async def test_many_watchers_are_woken_less_often() -> None:
    pace = Pace()
    for _ in range(10 * SLICE):
        pace.add(lambda: None)
    pace.keep()
    pace.add(lambda: None)
    pace.keep()
    assert pace._timer is not None
    assert pace._timer.when() - asyncio.get_running_loop().time() > 5 * INTERVAL
    pace._timer.cancel()
