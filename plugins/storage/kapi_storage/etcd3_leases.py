"""Leases: what lets keys expire. Keys of about the same age share one, as granting each its own would cost as much
again as writing them."""

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass

from kapi_storage import etcd3_requests as requests
from kapi_storage.etcd3_client import Client
from kapi_storage.etcd3_wire import GRANT, TIME_TO_LIVE

REUSE_PART = 0.05
"""How much later than asked for a key may expire at most, as a part of its time to live."""
MAX_KEYS = 1000
"""How many keys share a lease: they are all deleted in one step."""
_MAX_LIFETIMES = 1000


@dataclass(slots=True)
class _Shared:
    """A lease, or the request for one; it may be given to further keys until a time of the loop's clock."""

    lease: "asyncio.Task[int]"
    until: float
    keys: int = 0


class Leases:
    """Finds or grants leases.

    Times to live that are nearly the same count as one, so that keys which another store hands over with what they have
    left, each a little different, share leases, too.
    """

    def __init__(self, client: Client, reuse: float) -> None:
        """Take the longest time in seconds that a lease is given to further keys."""
        self._client = client
        self._reuse = reuse
        self._shared: OrderedDict[float, _Shared] = OrderedDict()

    async def lease(self, ttl: float) -> int:
        """Return a lease that ends in ``ttl`` seconds or, when it is shared, a little later. Raises Unavailable."""
        now = asyncio.get_running_loop().time()
        reuse = min(self._reuse, REUSE_PART * ttl)
        ttl = _rounded(ttl, reuse / 2)
        shared = self._shared.get(ttl)
        if shared is None or now > shared.until or shared.keys >= MAX_KEYS or _failed(shared.lease):
            shared = self._begin(ttl, now, reuse / 2)
        shared.keys += 1
        return await asyncio.shield(shared.lease)

    async def left(self, lease: int) -> float:
        """Return how many seconds a lease lasts; 0: it has ended. Raises Unavailable."""
        answer = await self._client.call(TIME_TO_LIVE, requests.time_to_live(lease), repeatable=True)
        return max(0.0, float(answer.TTL))

    def forget(self, ttl: float) -> None:
        """Share a lease no longer: it was revoked."""
        self._shared.pop(_rounded(ttl, min(self._reuse, REUSE_PART * ttl) / 2), None)

    def _begin(self, ttl: float, now: float, reuse: float) -> _Shared:
        seconds = max(1, math.ceil(ttl + reuse))
        shared = _Shared(asyncio.create_task(self._grant(seconds)), now + reuse)
        shared.lease.add_done_callback(_failed)
        self._shared[ttl] = shared
        self._shared.move_to_end(ttl)
        if len(self._shared) > _MAX_LIFETIMES:
            self._shared.popitem(last=False)
        return shared

    async def _grant(self, seconds: int) -> int:
        # A lease that is granted twice only lies idle once.
        answer = await self._client.call(GRANT, requests.grant(seconds), repeatable=True)
        return answer.ID


def _rounded(ttl: float, most: float) -> float:
    """Return a time to live that is longer by less than ``most``, and the same for many: a multiple of a power of 2."""
    if most <= 0:
        return ttl
    step = 2.0 ** math.floor(math.log2(most))
    return math.ceil(ttl / step) * step


def _failed(task: "asyncio.Task[int]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
