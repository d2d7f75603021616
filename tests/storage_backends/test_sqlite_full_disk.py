"""No room left: what cannot be written is refused with the reason, nothing is lost or damaged, and it goes on later."""

import asyncio
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kapi.contracts.storage import StorageBackend, Unavailable
from kapi.testing.server import ServerProcess
from kapi.testing.storage_scenario import outcome
from kapi_storage import sqlite_care
from kapi_storage.sqlite_backend import SqliteBackend

ROOM = 4 << 20


class Place(NamedTuple):
    """A folder with little room, how to make more, and what errors say."""

    folder: Path
    make_room: Callable[[], None]
    complaint: str


@contextmanager
def small_file_system(folder: Path) -> Iterator[Place]:
    """A file system in memory, on which another file takes up most of the room; only root may mount it."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={4 * ROOM}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount")
    try:
        ballast = folder / "ballast"
        ballast.write_bytes(b"\0" * (3 * ROOM))
        yield Place(folder, ballast.unlink, "full")
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def small_files(folder: Path) -> Iterator[Place]:
    """A limit on how large files may become."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def restore() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield Place(folder, restore, "I/O error")
    finally:
        restore()


@pytest.fixture(params=[small_file_system, small_files])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with request.param(tmp_path) as found:
        yield found


async def fill_up(backend: StorageBackend, complaint: str) -> dict[str, tuple[bytes, int]]:
    """Write until there is no room; returns what was acknowledged."""
    known: dict[str, tuple[bytes, int]] = {}
    refused: list[Any] = []
    for number in range(0, 4000, 8):
        keys = [f"/k/{number + n:05}" for n in range(8)]
        values = [os.urandom(6000) for _ in keys]
        results = await asyncio.gather(*map(outcome, map(backend.create, keys, values)))
        for key, value, result in zip(keys, values, results, strict=True):
            if isinstance(result, int):
                known[key] = (value, result)
            else:
                refused.append(result)
        if len(refused) > 40:
            break
    assert len(known) > 100
    assert all(isinstance(error, Unavailable) and complaint in str(error) for error in refused), refused
    return known


async def content(backend: StorageBackend) -> dict[str, tuple[bytes, int]]:
    return {item.key: (item.value, item.revision) for item in (await backend.range("/k/")).items}


async def test_nothing_is_lost_when_the_disk_is_full(place: Place) -> None:
    path = place.folder / "kapi.db"
    backend = SqliteBackend(path)
    await backend.start()
    known = await fill_up(backend, place.complaint)
    latest = await backend.current_revision()
    assert await content(backend) == known, "reading goes on"
    assert latest == max(revision for _, revision in known.values())
    with pytest.raises(Unavailable, match=place.complaint):
        await backend.create("/k/more", os.urandom(4 * ROOM))
    place.make_room()
    known["/k/more"] = (b"more", await backend.create("/k/more", b"more"))
    assert known["/k/more"][1] == latest + 1
    await backend.ready()
    assert await content(backend) == known
    await backend.stop()
    assert sqlite_care.verify(path) == []
    again = SqliteBackend(path)
    await again.start()
    assert await content(again) == known
    await again.stop()


def test_clients_are_told_of_a_full_disk(tmp_path: Path) -> None:
    maps = "/api/v1/namespaces/default/configmaps"

    def body(name: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "x" * 500_000}}

    with small_file_system(tmp_path) as place, ServerProcess("--controllers=", folder=tmp_path) as server:
        statuses = []
        for number in range(60):
            answer = server.request("POST", maps, body(f"a-{number}"))
            statuses.append(answer.status)
            if answer.status != 201:
                break
        made = statuses.count(201)
        assert made > 1
        told = answer.json()
        assert (answer.status, told["kind"], told["reason"]) == (503, "Status", "ServiceUnavailable")
        assert "full" in told["message"]
        assert len(server.request("GET", maps).json()["items"]) >= made
        place.make_room()
        assert server.request("POST", maps, body("b")).status == 201
