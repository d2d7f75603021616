"""What backends do by the clock: expire keys, compact history, report progress."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from kapi.contracts.storage import StorageError

log = logging.getLogger("kapi.storage")

PROGRESS_INTERVAL = 0.5
_EXPIRY_SHORTEST, _EXPIRY_LONGEST = 0.05, 0.5


def expiry_pause(left: float | None) -> float:
    """Return how long to wait before looking for expired keys, if the next expires in ``left`` seconds (None: none).

    Not for long in any case, as a key that expires sooner may be written; not too short, to delete many at once.
    """
    if left is None:
        return _EXPIRY_LONGEST
    return min(max(left, _EXPIRY_SHORTEST), _EXPIRY_LONGEST)


class Upkeep:
    """A set of jobs, each repeated for as long as the store is open."""

    def __init__(self) -> None:
        """Begin with no jobs."""
        self._tasks: list[asyncio.Task[None]] = []

    def every(self, pause: float | Callable[[], float], job: Callable[[], Awaitable[None]], name: str) -> None:
        """Run a job again and again, ``pause`` seconds after it last ended, until ``stop``.

        A StorageError is logged and does not end it.
        """
        seconds = pause if callable(pause) else lambda: pause
        self._tasks.append(asyncio.create_task(_repeat(seconds, job), name=name))

    async def stop(self) -> None:
        """End all jobs."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(seconds: Callable[[], float], job: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds())
        try:
            await job()
        except StorageError as error:
            log.warning("upkeep of the store failed, will be tried again: %s", error)
