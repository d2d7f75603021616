"""A process that writes until it is killed. Not a test: test_sqlite_crash starts it.

Each writer has one key and takes it through numbered steps; every acknowledged step is printed as a line
``writer step revision``. Steps say what the key must hold, so that the test can tell from the file alone.
"""

import asyncio
import json
import os
import sys
from itertools import count
from pathlib import Path

from kapi_storage import sqlite_backend
from kapi_storage.sqlite_backend import SqliteBackend


def key_of(writer: int) -> str:
    return f"/k/{writer}"


def value_after(step: int) -> bytes | None:
    """Return what a key holds after a step; None if the step deleted it, as each fifth does."""
    return None if step % 5 == 4 else b"%d," % step * (1 + step * 37 % 700)


async def _write(backend: SqliteBackend, writer: int, first_step: int) -> None:
    key = key_of(writer)
    old = await backend.get(key)
    revision = old.revision if old else 0
    for step in count(first_step):
        value = value_after(step)
        if value is None:
            revision = await backend.delete(key, revision)
        elif value_after(step - 1) is None:
            revision = await backend.create(key, value)
        else:
            revision = await backend.update(key, value, revision)
        os.write(1, f"{writer} {step} {revision}\n".encode())


async def _compact(backend: SqliteBackend) -> None:
    while True:
        await asyncio.sleep(0.01)
        await backend.compact(await backend.current_revision() - 50)


async def _main(path: Path, first_steps: list[int]) -> None:
    sqlite_backend.SWEEP_INTERVAL = 0.005
    backend = SqliteBackend(path)
    await backend.start()
    writers = [_write(backend, writer, step) for writer, step in enumerate(first_steps)]
    await asyncio.gather(_compact(backend), *writers)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), json.loads(sys.argv[2])))
