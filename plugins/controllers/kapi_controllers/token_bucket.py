"""A limit on how often something is done: at once up to a number, later at a rate."""

import time
from collections.abc import Callable


class TokenBucket:
    """Holds up to ``burst`` tokens; a new one comes ``per_second``."""

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin full."""
        self._burst = burst
        self._rate = per_second
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()

    def take(self) -> bool:
        """Take a token; tells whether there was one."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
