"""Moving the contents of a store while it is written to: what is moved is one moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kapi.contracts.storage import StorageBackend
from kapi.storage import transfer
from kapi.storage.dump import Record, read_records, writing
from kapi.storage.transfer import Checksum, Contents, TransferError, confirm, fill
from kapi_storage.memory import MemoryBackend
from kapi_storage.sqlite_backend import SqliteBackend

PREFIX = "/registry/"
FILLERS = 400


@asynccontextmanager
async def started(backend: StorageBackend) -> AsyncIterator[StorageBackend]:
    await backend.start()
    try:
        yield backend
    finally:
        await backend.stop()


@asynccontextmanager
async def busy(backend: StorageBackend) -> AsyncIterator[None]:
    """Write the first and the last key, one after the other, again and again; create and delete others."""
    first, last = f"{PREFIX}a/first", f"{PREFIX}z/last"
    revisions = {key: await backend.create(key, b"0") for key in (first, last)}
    for number in range(FILLERS):
        await backend.create(f"{PREFIX}m/{number:03}", b"x" * 500)

    async def write() -> None:
        for number in range(1, 1_000_000):
            for key in (first, last):
                revisions[key] = await backend.update(key, b"%d" % number, revisions[key])
            await asyncio.sleep(0)
            passing = f"{PREFIX}p/{number}"
            await backend.delete(passing, await backend.create(passing, b"passing"))

    writer = asyncio.create_task(write())
    try:
        yield
    finally:
        writer.cancel()


def check(records: list[Record]) -> None:
    found = {record.name: record.value for record in records}
    first, last = int(found.pop("a/first")), int(found.pop("z/last"))
    assert last <= first <= last + 1
    passing = [name for name in found if name.startswith("p/")]
    assert len(passing) <= 1
    assert len(found) == FILLERS + len(passing)


@pytest.fixture(params=["memory", "sqlite"])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StorageBackend]:
    made = MemoryBackend() if request.param == "memory" else SqliteBackend(tmp_path / "kapi.db")
    async with started(made) as found:
        yield found


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PAGE", 20)


async def test_a_backup_under_writes_is_one_moment(backend: StorageBackend, tmp_path: Path) -> None:
    path = tmp_path / "backup.jsonl.gz"
    async with busy(backend):
        contents = await Contents.of(backend, PREFIX)
        begun = await backend.current_revision()
        with writing(path, contents.header, True) as file:
            async for page in contents.pages():
                file.add(page)
                await asyncio.sleep(0.001)
            file.end()
        assert await backend.current_revision() > begun + 4, "others wrote meanwhile"
    check(list(read_records(path)))


async def test_a_copy_under_writes_is_one_moment_and_equal(backend: StorageBackend, tmp_path: Path) -> None:
    async with busy(backend), started(SqliteBackend(tmp_path / "target" / "kapi.db")) as target:
        contents = await Contents.of(backend, PREFIX)
        done: list[int] = []
        checksum = await fill(target, PREFIX, contents.header, contents.pages(), done.append)
        assert sum(done) == contents.header.keys == checksum.keys
        await confirm(target, PREFIX, checksum, done.append)
        assert sum(done) == 2 * contents.header.keys
        async for page in (await Contents.of(target, PREFIX)).pages():
            assert all(record.ttl is None for record in page)
        again = [record async for page in (await Contents.of(target, PREFIX)).pages() for record in page]
        check(again)
        item = await target.get(f"{PREFIX}m/000")
        assert item is not None
        await target.update(item.key, b"changed", item.revision)
        with pytest.raises(TransferError, match="not what was written"):
            await confirm(target, PREFIX, checksum, done.append)


async def test_history_that_is_compacted_meanwhile_is_told(backend: StorageBackend) -> None:
    async with busy(backend):
        pages = (await Contents.of(backend, PREFIX)).pages()
        await anext(pages)
        revision = await backend.create(f"{PREFIX}q", b"")
        await backend.compact(revision)
        with pytest.raises(TransferError, match="try again"):
            await anext(pages)


def test_checksums_tell_keys_and_values_apart() -> None:
    sums = []
    for names in (["ab", "c"], ["a", "bc"], ["ab"]):
        checksum = Checksum()
        checksum.add(Record(name, b"v", 1) for name in names)
        sums.append(checksum)
    assert sums[0] != sums[1] != sums[2] != sums[0]
