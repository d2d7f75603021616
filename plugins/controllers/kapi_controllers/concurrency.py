"""Working on many things at once, but not on too many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

AT_ONCE = 32

Item = TypeVar("Item")


async def for_each(items: Iterable[Item], work: Callable[[Item], Awaitable[None]]) -> None:
    """Work on all items, on a bounded number at once; raises the first error, when all others are done."""
    remaining = iter(items)

    async def drain() -> None:
        for item in remaining:
            await work(item)

    for failed in await asyncio.gather(*(drain() for _ in range(AT_ONCE)), return_exceptions=True):
        if failed is not None:
            raise failed
