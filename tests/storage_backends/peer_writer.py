"""A process that writes now and then, and says when each write was acknowledged. Not a test: test_sqlite_peers runs it.

It prints a line ``revision nanoseconds`` for each write, by the clock that all processes of a machine share.
"""

import asyncio
import sys
import time
from pathlib import Path

from kapi_storage.sqlite_backend import SqliteBackend


async def _main(path: Path, writes: int, pause: float) -> None:
    backend = SqliteBackend(path)
    await backend.start()
    for number in range(writes):
        revision = await backend.create(f"/k/{number}", b"x" * 1000)
        print(revision, time.monotonic_ns(), flush=True)
        await asyncio.sleep(pause)
    await backend.stop()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
