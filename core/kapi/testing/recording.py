"""Clients of a storage backend, without a server, that note what they do: histories for :mod:`kapi.testing.histories`.

::

    operations = []
    clients = [BackendClient(backend, number, operations) for number in range(8)]
    await asyncio.gather(*(client.run(keys, steps=200) for client in clients))
    check_linearizable(operations)
    check_revisions(operations)
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Sequence
from itertools import count

from kapi.contracts.storage import KeyExists, KeyMissing, RevisionConflict, StorageBackend, StorageError
from kapi.testing.histories import Kind, Operation, Outcome

_REFUSALS: dict[type[StorageError], Outcome] = {
    KeyExists: "exists",
    KeyMissing: "missing",
    RevisionConflict: "conflict",
}


class BackendClient:
    """One client; several may share a backend, or use peers on one store. Every write has a value of its own."""

    def __init__(self, backend: StorageBackend, number: int, operations: list[Operation], seed: int = 0) -> None:
        """Take a started backend, the client's number, and where to note what it does."""
        self.backend = backend
        self.number = number
        self.operations = operations
        self._random = random.Random(f"{seed}-{number}")
        self._known: dict[str, int] = {}
        self._values = (f"c{number}.{step}" for step in count())

    async def run(self, keys: Sequence[str], steps: int = 0, enough: asyncio.Event | None = None) -> None:
        """Do random operations: so many ``steps`` (0: without end), or until there are ``enough``."""
        for step in count(1):
            await self.step(self._random.choice(keys))
            if step == steps or (enough is not None and enough.is_set()):
                return

    async def step(self, key: str) -> None:
        """Do something to a key: mostly read it and write it anew on the condition that it has not changed."""
        chance = self._random.random()
        known = self._known.get(key, 0)
        if chance < 0.2 or (not known and chance < 0.6):
            await self.create(key)
        elif chance < 0.3 and known:
            await self.delete(key, known)
        elif chance < 0.9:
            await self.get(key)
        if known := self._known.get(key, 0):
            await self.update(key, known)

    async def get(self, key: str) -> None:
        """Read a key; a read that fails is not noted."""
        called = time.monotonic()
        try:
            found = await self.backend.get(key)
        except StorageError:
            return
        outcome: Outcome = "missing" if found is None else "ok"
        value, revision = (found.value.decode(), found.revision) if found else (None, 0)
        self._note(Operation(self.number, key, "get", value, 0, outcome, revision, called, time.monotonic()))

    async def create(self, key: str) -> None:
        """Create a key, which may exist."""
        value = next(self._values)
        await self._write("create", key, value, 0, self.backend.create(key, value.encode()))

    async def update(self, key: str, expected: int) -> None:
        """Update a key if it still has a revision."""
        value = next(self._values)
        await self._write("update", key, value, expected, self.backend.update(key, value.encode(), expected))

    async def delete(self, key: str, expected: int) -> None:
        """Delete a key if it still has a revision."""
        await self._write("delete", key, None, expected, self.backend.delete(key, expected))

    async def _write(self, kind: Kind, key: str, value: str | None, expected: int, write: Awaitable[int]) -> None:
        called, revision = time.monotonic(), 0
        try:
            revision = await write
            outcome: Outcome = "ok"
        except StorageError as error:
            outcome = _REFUSALS.get(type(error), "unknown")
        end = {} if outcome == "unknown" else {"returned": time.monotonic()}
        self._note(Operation(self.number, key, kind, value, expected, outcome, revision, called, **end))

    def _note(self, operation: Operation) -> None:
        self.operations.append(operation)
        if operation.outcome == "ok" and operation.kind != "delete":
            self._known[operation.key] = operation.revision
        else:
            self._known.pop(operation.key, None)
