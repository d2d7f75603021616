"""A storage backend: everything in memory, and each change as a line of a file, read again at the next start.

It does all that kapi asks of a backend (``kapi.testing.storage`` checks it), and is as simple as that allows: good for
reading, and for a few thousand objects. ``--storage-backend=journal`` chooses it.
"""

import asyncio
import json
import os
import time
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from kapi.contracts.plugins import BuildContext
from kapi.contracts.storage import (
    Capabilities,
    Change,
    Compacted,
    FutureRevision,
    KeyExists,
    KeyMissing,
    KeyValue,
    RangeResult,
    RevisionConflict,
    StorageBackend,
    StoragePlugin,
    Unavailable,
    WatchBatch,
)
from kapi.hookspecs import hookimpl

FIRST_REVISION = 1
PROGRESS_SECONDS = 2.0
HISTORY = 10_000


class JournalBackend(StorageBackend):
    """Keys and values in a dict, recent changes in a list, all changes in a file."""

    capabilities = Capabilities(multi_process=False)

    def __init__(self, path: Path) -> None:
        """Take the file."""
        self._path = path
        self._values: dict[str, KeyValue] = {}
        self._expires: dict[str, float] = {}
        self._changes: list[Change] = []
        self._revision = FIRST_REVISION
        self._compacted = 0
        self._open = False
        self._changed = asyncio.Event()

    async def start(self) -> None:
        """Read the file and begin to append to it; raises Unavailable."""
        try:
            self._replay()
            self._file = self._path.open("ab", buffering=0)
        except (OSError, ValueError, KeyError) as ex:
            raise Unavailable(f"{self._path} cannot be used: {ex}") from ex
        self._open = True
        self._expiry = asyncio.create_task(self._expire())

    async def stop(self) -> None:
        """End watches, close the file."""
        if self._open:
            self._open = False
            self._expiry.cancel()
            self._file.close()
            self._announce()

    async def ready(self) -> None:
        """Return while the store is started."""
        self._check_open()

    async def current_revision(self) -> int:
        """Return the revision of the last change."""
        self._check_open()
        return self._revision

    async def get(self, key: str) -> KeyValue | None:
        """Return a value."""
        self._check_open()
        return self._values.get(key)

    async def range(self, prefix: str, *, start: str = "", limit: int = 0, revision: int = 0) -> RangeResult:
        """Return a page; the past is the present with later changes taken back."""
        self._check_open()
        values = self._values
        if revision:
            self._check_readable(revision)
            values = self._values_at(revision)
        keys = sorted((key for key in values if key.startswith(prefix) and key >= start), key=str.encode)
        page = keys[:limit] if limit else keys
        remaining = len(keys) - len(page)
        return RangeResult([values[key] for key in page], revision or self._revision, remaining > 0, remaining)

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        """Store a new key."""
        self._check_open()
        if key in self._values:
            raise KeyExists(key)
        return self._commit(key, value, ttl)

    async def update(self, key: str, value: bytes, expected_revision: int, *, ttl: float | None = None) -> int:
        """Replace a value."""
        self._expect(key, expected_revision)
        return self._commit(key, value, ttl)

    async def delete(self, key: str, expected_revision: int) -> int:
        """Delete a key."""
        self._expect(key, expected_revision)
        return self._commit(key, None, None)

    async def compact(self, revision: int) -> None:
        """Forget history."""
        self._check_open()
        if revision > self._revision:
            raise FutureRevision(self._revision)
        if revision > self._compacted:
            self._append({"compacted": revision})
            self._forget(revision)

    def _forget(self, revision: int) -> None:
        del self._changes[: self._after(revision)]
        self._compacted = revision

    async def watch(self, prefix: str, after_revision: int) -> AsyncIterator[WatchBatch]:
        """Yield changes as they come, and progress from time to time."""
        self._check_open()
        reached, first = after_revision, True
        while self._open:
            self._check_readable(reached)
            news = [change for change in self._changes[self._after(reached) :] if change.key.startswith(prefix)]
            if first or news or self._revision > reached:
                reached, first = self._revision, False
                yield WatchBatch(news, reached)
            else:
                await self._change()

    async def _change(self) -> None:
        """Return when something has changed, or when it is time to look."""
        try:
            await asyncio.wait_for(self._changed.wait(), PROGRESS_SECONDS)
        except TimeoutError:
            return

    def _announce(self) -> None:
        """Wake all watches."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _check_open(self) -> None:
        if not self._open:
            raise Unavailable("the store is not started")

    def _check_readable(self, revision: int) -> None:
        if revision < self._compacted:
            raise Compacted(self._compacted)
        if revision > self._revision:
            raise FutureRevision(self._revision)

    def _expect(self, key: str, revision: int) -> None:
        self._check_open()
        found = self._values.get(key)
        if found is None:
            raise KeyMissing(key)
        if found.revision != revision:
            raise RevisionConflict(key)

    def _after(self, revision: int) -> int:
        """Return where the changes after a revision begin."""
        return bisect_right(self._changes, revision, key=lambda change: change.revision)

    def _values_at(self, revision: int) -> dict[str, KeyValue]:
        values = dict(self._values)
        for change in reversed(self._changes[self._after(revision) :]):
            if change.previous is None:
                values.pop(change.key, None)
            else:
                values[change.key] = KeyValue(change.key, change.previous, change.previous_revision)
        return values

    def _commit(self, key: str, value: bytes | None, ttl: float | None) -> int:
        """Write a line, and only when the disk has it change what others see."""
        revision = self._revision + 1
        deadline = None if ttl is None else time.time() + ttl
        encoded = None if value is None else b64encode(value).decode()
        self._append({"r": revision, "k": key, "v": encoded, "x": deadline})
        self._apply(revision, key, value, deadline)
        self._announce()
        return revision

    def _apply(self, revision: int, key: str, value: bytes | None, deadline: float | None) -> None:
        """Make a change that is in the file visible."""
        old = self._values.pop(key, None)
        self._expires.pop(key, None)
        if value is not None:
            self._values[key] = KeyValue(key, value, revision)
            if deadline is not None:
                self._expires[key] = deadline
        previous, previous_revision = (old.value, old.revision) if old else (None, 0)
        self._changes.append(Change(revision, key, value, previous, previous_revision))
        self._revision = revision
        if len(self._changes) > 2 * HISTORY:
            self._forget(self._changes[-HISTORY].revision)

    def _append(self, entry: dict[str, Any]) -> None:
        try:
            self._file.write(json.dumps(entry).encode() + b"\n")
            os.fsync(self._file.fileno())
        except OSError as ex:
            raise Unavailable(f"{self._path}: {ex.strerror}") from ex

    def _replay(self) -> None:
        """Read the changes of earlier runs; half a line at the end was never acknowledged, and goes."""
        data = self._path.read_bytes() if self._path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        for line in whole.splitlines():
            entry = json.loads(line)
            if "compacted" in entry:
                self._forget(entry["compacted"])
                continue
            value = None if entry["v"] is None else b64decode(entry["v"])
            self._apply(entry["r"], entry["k"], value, entry["x"])
        if len(whole) < len(data):
            os.truncate(self._path, len(whole))

    async def _expire(self) -> None:
        """Delete what has outlived its time."""
        while True:
            await asyncio.sleep(0.5)
            now = time.time()
            for key in [key for key, deadline in self._expires.items() if deadline <= now]:
                self._commit(key, None, None)


def build(context: BuildContext) -> JournalBackend:
    """Return the backend; its file is in the data folder."""
    return JournalBackend(context.data_dir / "journal.jsonl")


@hookimpl
def kapi_register_storage_backends() -> Sequence[StoragePlugin]:
    """Contribute the backend."""
    return [StoragePlugin("journal", "one line of a file for each change", build)]
