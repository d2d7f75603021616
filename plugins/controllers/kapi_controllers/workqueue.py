"""A queue of names to look at: each waits at most once, and comes back later when its work is not done."""

import asyncio
from collections.abc import Awaitable, Callable

FIRST_DELAY, LAST_DELAY = 0.2, 15.0


class WorkQueue:
    """Hands names to one worker or several; a name is never worked on twice at once.

    A name that is added while it waits, or is being worked on, is worked on once more. The worker returns True when the
    work is done and False to be asked again later; the delay doubles each time.
    """

    def __init__(self) -> None:
        """Make an empty queue."""
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._wanted: set[str] = set()
        self._active: set[str] = set()
        self._delays: dict[str, float] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def add(self, name: str) -> None:
        """Ask for a look at ``name`` now."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
        if name in self._wanted:
            return
        self._wanted.add(name)
        if name not in self._active:
            self._ready.put_nowait(name)

    async def run(self, work: Callable[[str], Awaitable[bool]], workers: int = 1) -> None:
        """Work for ever, on as many names at once as there are ``workers``; what the work raises ends it."""
        tasks = [asyncio.create_task(self._work_off(work)) for _ in range(workers)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            for timer in self._timers.values():
                timer.cancel()

    async def _work_off(self, work: Callable[[str], Awaitable[bool]]) -> None:
        while True:
            name = await self._ready.get()
            self._wanted.discard(name)
            self._active.add(name)
            try:
                done = await work(name)
            finally:
                self._active.discard(name)
            self._finish(name, done)
            await asyncio.sleep(0)  # work that never waits must not keep the loop to itself

    def _finish(self, name: str, done: bool) -> None:
        if done:
            self._delays.pop(name, None)
        if name in self._wanted:
            self._ready.put_nowait(name)
        elif not done:
            self._later(name)

    def _later(self, name: str) -> None:
        delay = self._delays.get(name, FIRST_DELAY)
        self._delays[name] = min(2 * delay, LAST_DELAY)
        self._timers[name] = asyncio.get_running_loop().call_later(delay, self.add, name)
