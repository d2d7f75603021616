"""A queue of names to look at: each waits at most once, and comes back later when its work is not done."""

import asyncio
from collections.abc import Awaitable, Callable

FIRST_DELAY, LAST_DELAY = 0.2, 15.0


class WorkQueue:
    """Hands names to a worker, one after the other.

    A name that is added while it waits, or is being worked on, is worked on once more. The worker returns True when the
    work is done and False to be asked again later; the delay doubles each time.
    """

    def __init__(self) -> None:
        """Make an empty queue."""
        self._waiting: dict[str, None] = {}
        self._delays: dict[str, float] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._changed = asyncio.Event()

    def add(self, name: str) -> None:
        """Ask for a look at ``name`` now."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
        self._waiting[name] = None
        self._changed.set()

    async def run(self, work: Callable[[str], Awaitable[bool]]) -> None:
        """Work for ever; what the worker raises ends it."""
        try:
            while True:
                await self._work_off(work)
                self._changed.clear()
                await self._changed.wait()
        finally:
            for timer in self._timers.values():
                timer.cancel()

    async def _work_off(self, work: Callable[[str], Awaitable[bool]]) -> None:
        while self._waiting:
            name = next(iter(self._waiting))
            del self._waiting[name]
            if await work(name):
                self._delays.pop(name, None)
            else:
                self._later(name)

    def _later(self, name: str) -> None:
        delay = self._delays.get(name, FIRST_DELAY)
        self._delays[name] = min(2 * delay, LAST_DELAY)
        self._timers[name] = asyncio.get_running_loop().call_later(delay, self.add, name)
