"""Waiting until a watch cache has reached a revision: the present one, or one that a client names."""

import asyncio

from kapi.meta.errors import StatusError
from kapi.storage.watchcache import WatchCache

CACHE_WAIT = 3.0


def too_large(wanted: int, current: int) -> StatusError:
    """Return the 504 for a revision that the store has not reached; the client may retry after a second."""
    message = f"Too large resource version: {wanted}, current: {current}"
    return StatusError(
        504,
        "Timeout",
        f"Timeout: {message}",
        {
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
        {"Retry-After": "1"},
    )


async def current(cache: WatchCache) -> bool:
    """Return when the cache shows every write acknowledged before the call; False if that takes longer than 3 s.

    Whoever reads then asks the backend, as kube-apiserver does when its cache is behind.
    """
    revision = await cache.target()
    if revision <= cache.revision:
        return True
    try:
        async with asyncio.timeout(CACHE_WAIT):
            await cache.reached(revision)
    except TimeoutError:
        return False
    return True


async def reached(cache: WatchCache, revision: int) -> None:
    """Return when the cache shows the revision; raises the 504 StatusError if that takes longer than three seconds."""
    await cache.ready()
    if revision <= cache.revision:
        return
    try:
        async with asyncio.timeout(CACHE_WAIT):
            await cache.reached(revision)
    except TimeoutError:
        raise too_large(revision, cache.revision) from None
