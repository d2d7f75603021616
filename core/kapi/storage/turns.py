"""Taking turns: long work on the event loop lets others have it every few milliseconds."""

import asyncio
import time

AT_A_TIME = 0.004
"""Seconds after which it is the turn of others."""


class Turns:
    """Says when it is time to let others have their turn::

    turns = Turns()
    for item in many:
        ...
        if turns.due():
            await turns.give()
    """

    __slots__ = ("_end",)

    def __init__(self) -> None:
        """Begin a turn."""
        self._end = time.perf_counter() + AT_A_TIME

    def due(self) -> bool:
        """Tell whether the turn has been long enough."""
        return time.perf_counter() > self._end

    async def give(self) -> None:
        """Let all others that are ready run, then begin the next turn."""
        await asyncio.sleep(0)
        self._end = time.perf_counter() + AT_A_TIME
