"""What was acknowledged survives SIGKILL at any moment."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import apsw
import crash_writer  # type: ignore[import-not-found]  # beside this file, where pytest looks
import pytest

from kapi.testing.storage_scenario import read_until
from kapi_storage.sqlite_backend import SqliteBackend

WRITERS = 8
ROUNDS = 8


def _run_until_killed(path: Path, first_steps: Sequence[int], seconds: float) -> list[tuple[int, int, int]]:
    """Start the writer, kill it some time after its first acknowledgement; return what it acknowledged."""
    command = [sys.executable, crash_writer.__file__, str(path), json.dumps(list(first_steps))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        killer = threading.Timer(seconds, os.kill, (child.pid, signal.SIGKILL))
        killer.start()
        lines += child.stdout.readlines()
        killer.join()
    assert child.returncode == -signal.SIGKILL
    acknowledged = [tuple(int(word) for word in line.split()) for line in lines if line.endswith("\n")]
    return [(writer, step, revision) for writer, step, revision in acknowledged]


async def _survey(path: Path, done: Sequence[int], revisions: Sequence[int]) -> tuple[list[int], int]:
    """Check the store after a crash; return the last step of each writer, and the revision reached."""
    backend = SqliteBackend(path)
    await backend.start()
    try:
        current = await backend.current_revision()
        steps = []
        for writer, step in enumerate(done):
            found = await backend.get(crash_writer.key_of(writer))
            value = found.value if found else None
            possible = {crash_writer.value_after(next_step): next_step for next_step in (step, step + 1)}
            assert value in possible, "neither the last acknowledged step nor the one under way"
            steps.append(possible[value])
            if found and steps[-1] == step and revisions[writer]:
                assert found.revision == revisions[writer]
        await _check_history(backend, current)
        return steps, current
    finally:
        await backend.stop()


async def _check_history(backend: SqliteBackend, current: int) -> None:
    """Check that history has no gap, and ends in what can be read now."""
    compacted = backend._store().reader.limits()[0]
    state = {
        item.key: (item.value, item.revision) for item in (await backend.range("/", revision=compacted or 1)).items
    }
    changes = await read_until(backend.watch("/", compacted), current, compacted)
    assert [change.revision for change in changes] == list(range(max(compacted, 1) + 1, current + 1))
    for change in changes:
        assert (change.previous, change.previous_revision) == state.pop(change.key, (None, 0))
        if change.value is not None:
            state[change.key] = (change.value, change.revision)
    assert state == {item.key: (item.value, item.revision) for item in (await backend.range("/")).items}


def _check_file(path: Path) -> None:
    connection = apsw.Connection(str(path))
    assert connection.pragma("integrity_check") == "ok"
    connection.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
async def test_kill_at_random_moments(tmp_path: Path) -> None:
    path = tmp_path / "kapi.db"
    steps, reached, total = [-1] * WRITERS, 1, 0
    for _ in range(ROUNDS):
        acknowledged = _run_until_killed(path, [step + 1 for step in steps], random.uniform(0.01, 0.35))
        total += len(acknowledged)
        numbers = [revision for _, _, revision in acknowledged]
        assert len(set(numbers)) == len(numbers)
        assert min(numbers) > reached, "a revision was used again"
        done, revisions = list(steps), [0] * WRITERS
        for writer, step, revision in acknowledged:
            done[writer], revisions[writer] = step, revision
        _check_file(path)
        steps, current = await _survey(path, done, revisions)
        assert current >= max(numbers)
        reached = current
    assert total > 100 * ROUNDS, "the writers hardly wrote"
