"""Runs controllers against objects in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def running(controller: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Let a controller work, and end it afterwards; what it raised is raised."""
    task = asyncio.create_task(controller.run())
    await asyncio.sleep(0)
    try:
        yield task
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def eventually(condition: Callable[[], Any], turns: int = 200) -> None:
    """Give other tasks their turn until ``condition`` holds."""
    for _ in range(turns):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition did not come true")


async def idle(turns: int = 20) -> None:
    """Give other tasks some turns."""
    for _ in range(turns):
        await asyncio.sleep(0)
