"""How the storage suite runs one scenario: a fresh backend, started, with a time limit, stopped at the end."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from kapi.contracts.storage import Change, StorageBackend, StorageError, WatchBatch

SCENARIO_SECONDS = 30.0

T = TypeVar("T")


class StorageScenarios(ABC):
    """What the parts of the suite have in common.

    - ``durable``: a second backend made for the same folder finds what the first one stored;
    - ``expiry_seconds``: how long after its time to live a key may still be there;
    - ``progress_seconds``: how long a watch without changes may take to report progress.
    """

    durable = False
    expiry_seconds = 5.0
    progress_seconds = 10.0

    @abstractmethod
    def make_backend(self, tmp_path: Path) -> StorageBackend:
        """Return a backend that has not been started.

        Its store is empty the first time that it is made for a folder. If the backend is durable or
        ``multi_process``, further backends made for the same folder work on the same store.
        """


S = TypeVar("S", bound=StorageScenarios)


def scenario(test: Callable[[S, StorageBackend], Awaitable[None]]) -> Callable[[S, Path], None]:
    """Make a test method of a coroutine function that takes a started backend."""

    def run(self: S, tmp_path: Path) -> None:
        asyncio.run(_with_backend(self.make_backend(tmp_path), lambda backend: test(self, backend)))

    run.__name__ = test.__name__
    run.__qualname__ = test.__qualname__
    run.__doc__ = test.__doc__
    return run


def lifecycle_scenario(test: Callable[[S, Path], Awaitable[None]]) -> Callable[[S, Path], None]:
    """Make a test method of a coroutine function that takes the folder, and starts and stops backends itself."""

    def run(self: S, tmp_path: Path) -> None:
        asyncio.run(_limited(test(self, tmp_path)))

    run.__name__ = test.__name__
    run.__qualname__ = test.__qualname__
    run.__doc__ = test.__doc__
    return run


async def _with_backend(backend: StorageBackend, test: Callable[[StorageBackend], Awaitable[None]]) -> None:
    await backend.start()
    try:
        await _limited(test(backend))
    finally:
        await backend.stop()


async def _limited(test: Awaitable[None]) -> None:
    async with asyncio.timeout(SCENARIO_SECONDS):
        await test


async def outcome(operation: Awaitable[T]) -> T | StorageError:
    """Return what an operation returns, or the StorageError that it raises."""
    try:
        return await operation
    except StorageError as error:
        return error


async def next_batch(watch: AsyncIterator[WatchBatch], seconds: float = 10.0) -> WatchBatch:
    """Return the next batch of a watch; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        return await anext(watch)


async def read_until(watch: AsyncIterator[WatchBatch], revision: int, after: int = 0) -> list[Change]:
    """Read a watch until it is complete up to ``revision``, and check that it keeps order on the way."""
    changes: list[Change] = []
    complete = after
    while complete < revision:
        batch = await next_batch(watch)
        check_batch(batch, complete)
        changes += batch.changes
        complete = batch.revision
    return changes


def check_batch(batch: WatchBatch, complete: int) -> None:
    """Check that a batch continues a watch which was complete up to a revision."""
    revisions = [change.revision for change in batch.changes]
    assert revisions == sorted(set(revisions)), "changes come in the order of their revisions, each once"
    assert not revisions or revisions[0] > complete, "what was reported complete gets no more changes"
    assert batch.revision >= max([complete, *revisions]), "progress does not go back"


async def close(watch: AsyncIterator[WatchBatch]) -> None:
    """End a watch, as a consumer that has the iterator in hand does."""
    aclose = getattr(watch, "aclose", None)
    if aclose is not None:
        await aclose()


async def fill(backend: StorageBackend, keys: Sequence[str]) -> list[int]:
    """Create keys whose values are their own names; return the revisions."""
    return [await backend.create(key, key.encode()) for key in keys]
