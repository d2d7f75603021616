"""When watchers are woken: at once while little happens, together and now and then while much does.

A write to each of a hundred watchers costs far more than what is in it. So events that follow one another closely leave
together: a watcher is woken at most every INTERVAL seconds, or less often when there are many of them. The first event
after a pause is not held back.
"""

import asyncio
from collections.abc import Callable

INTERVAL = 0.01
"""Seconds between two wakings of the watchers of a cache, and so the most that an event is held back."""
EACH, LONGEST = 0.0003, 0.25
"""Seconds for each watcher that is woken, if that makes more than INTERVAL, and the most that they make.

A waking costs about 40 us for each watcher: so it takes an eighth of the time at most, unless there are very many.
"""
SLICE = 100
"""How many watchers are woken before other work has its turn."""

Wake = Callable[[], None]


class Pace:
    """Collects the watchers that have something new, and wakes them. It belongs to the event loop's thread."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._waiting: list[Wake] = []
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, wake: Wake) -> None:
        """Note a watcher that is to be woken."""
        self._waiting.append(wake)

    def keep(self) -> None:
        """Wake those who wait, or see to it that they are woken in time; called after each batch of changes."""
        if not self._waiting or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now >= self._next:
            self._wake_all()
        else:
            self._timer = loop.call_at(self._next, self._wake_all)

    def _wake_all(self) -> None:
        self._timer = None
        waiting, self._waiting = self._waiting, []
        pause = max(INTERVAL, min(len(waiting) * EACH, LONGEST))
        self._next = asyncio.get_running_loop().time() + pause
        _wake_some(waiting)


def _wake_some(waiting: list[Wake]) -> None:
    for wake in waiting[:SLICE]:
        wake()
    if len(waiting) > SLICE:
        asyncio.get_running_loop().call_soon(_wake_some, waiting[SLICE:])
