"""What the commands of ``kapi storage`` do. All return the exit code, and raise what is to be told in a line."""

import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from kapi.contracts.plugins import BuildContext
from kapi.contracts.storage import StorageBackend
from kapi.contracts.storage_care import Advancing, Existing, Reclaiming, Snapshotting, Verifying
from kapi.server.assembly import assemble
from kapi.server.leader import KEY as LEADER
from kapi.storage.dump import Record, read_header, read_records, writing
from kapi.storage.survey import Survey, Tally, survey
from kapi.storage.transfer import (
    PAGE,
    Contents,
    TransferError,
    confirm,
    fill,
    forget_history,
    raise_revision,
    refuse_unless_empty,
)

LEFT_OUT = (LEADER,)
"""Keys that belong to processes and not to the store: who of them leads."""

_NATIVE_SUFFIX = ".db"
_HEAD_BYTES = 64


class Side(NamedTuple):
    """A store that flags name: its backend, not started, and the prefix of all keys (ending in a slash)."""

    backend: StorageBackend
    prefix: str
    name: str
    data_dir: Path


def find(argv: Sequence[str]) -> Side:
    """Return the store that flags of ``kapi serve`` name. Raises START_ERRORS."""
    config, plugins, _ = assemble(argv)
    backend = plugins.storage_backend(config.storage_backend).build(BuildContext(config.options, config.data_dir))
    return Side(backend, config.storage_prefix.rstrip("/") + "/", config.storage_backend, config.data_dir)


def find_existing(argv: Sequence[str]) -> Side:
    """Return a store that must be there. Raises START_ERRORS, TransferError."""
    side = find(argv)
    if isinstance(side.backend, Existing) and not side.backend.exists():
        raise TransferError(f"there is no {side.name} store in {side.data_dir} (--data-dir)")
    return side


@asynccontextmanager
async def opened(side: Side) -> AsyncIterator[StorageBackend]:
    """Start a backend, and stop it in the end."""
    try:
        await side.backend.start()
        yield side.backend
    finally:
        await side.backend.stop()


async def check(argv: Sequence[str], output: str) -> int:
    """Print what is in a store and what is wrong with it."""
    if output not in ("table", "json"):
        raise TransferError("--output must be table or json")
    side = find_existing(argv)
    async with opened(side) as backend:
        damage = await backend.verify() if isinstance(backend, Verifying) else ()
        if damage:
            _say(damage)
            return 1
        contents = await Contents.of(backend, side.prefix)
        found = await survey(contents.pages())
    print(_as_json(found, contents) if output == "json" else _as_table(found, contents))
    _say(found.findings)
    if found.wrong > len(found.findings):
        _say([f"and {found.wrong - len(found.findings)} more"])
    return 1 if found.wrong else 0


def _as_json(found: Survey, contents: Contents) -> str:
    resources = {name: asdict(tally) for name, tally in sorted(found.resources.items())}
    head = {"prefix": contents.header.prefix, "revision": contents.header.revision}
    return json.dumps({**head, **asdict(found.total()), "resources": resources, "findings": found.findings}, indent=2)


def _as_table(found: Survey, contents: Contents) -> str:
    rows = [("RESOURCE", "KEYS", "BYTES", "ENCRYPTED")]
    rows += [_row(name, tally) for name, tally in sorted(found.resources.items())]
    rows.append(_row("total", found.total()))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    return "\n".join([*lines, f"at revision {contents.header.revision}"])


def _row(name: str, tally: Tally) -> tuple[str, str, str, str]:
    return name, str(tally.keys), str(tally.bytes), str(tally.encrypted)


async def compact(argv: Sequence[str], revision: int) -> int:
    """Forget history below a revision (0: the present one)."""
    side = find_existing(argv)
    async with opened(side) as backend:
        at = revision or await backend.current_revision()
        await backend.compact(at)
        if isinstance(backend, Reclaiming):
            await backend.reclaim()
    print(f"compacted at revision {at}")
    return 0


async def backup(argv: Sequence[str], path: Path, style: str, force: bool) -> int:
    """Write a store to a file."""
    if style not in ("auto", "native", "portable"):
        raise TransferError("--format must be auto, native or portable")
    native = style == "native" or (style == "auto" and path.suffix == _NATIVE_SUFFIX)
    side = find_existing(argv)
    with _replacing(path, force) as partial:
        async with opened(side) as backend:
            if native:
                await _save_snapshot(side, partial)
            else:
                await _save_dump(side, partial, compressed=path.suffix == ".gz")
            revision = await backend.current_revision()
    print(f"the store, now at revision {revision}, is in {path}")
    return 0


@contextmanager
def _replacing(path: Path, force: bool) -> Iterator[Path]:
    """Give the path of a new file, which takes its place when it is whole. Raises TransferError, OSError."""
    if path.exists() and not force:
        raise TransferError(f"{path} exists (--force replaces it)")
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


async def _save_snapshot(side: Side, path: Path) -> None:
    if not isinstance(side.backend, Snapshotting):
        raise TransferError(f"the {side.name} backend has no format of its own: use --format=portable")
    with _progress("backing up", 1) as told:
        await side.backend.save_snapshot(path, _fraction(told))


async def _save_dump(side: Side, path: Path, *, compressed: bool) -> None:
    contents = await _contents(side)
    with (
        _progress("backing up", contents.header.keys) as told,
        writing(path, contents.header, compressed) as dump,
    ):
        async for page in contents.pages():
            dump.add(page)
            told(len(page))
        dump.end()


async def _contents(side: Side) -> Contents:
    contents = await Contents.of(side.backend, side.prefix, LEFT_OUT)
    if not contents.header.keys:
        raise TransferError(f"there is nothing below {side.prefix} in the {side.name} store")
    return contents


async def restore(argv: Sequence[str], path: Path, margin: int) -> int:
    """Fill an empty store from a file."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    side = find(argv)
    if isinstance(side.backend, Snapshotting) and side.backend.is_snapshot(head):
        await _restore_snapshot(side, side.backend, path, margin)
    else:
        await _restore_dump(side, path, margin)
    return 0


async def _restore_snapshot(side: Side, store: Snapshotting, path: Path, margin: int) -> None:
    with _progress("restoring", 1) as told:
        await store.load_snapshot(path, _fraction(told))
    async with opened(side) as backend:
        await _raise(side, await backend.current_revision(), margin)
        await forget_history(backend)
        keys = (await Contents.of(backend, side.prefix)).header.keys
        print(f"restored {keys} keys; the store is at revision {await backend.current_revision()}")


async def _restore_dump(side: Side, path: Path, margin: int) -> None:
    header = read_header(path)
    keys = sum(1 for _ in read_records(path))  # before anything is written: the file is whole
    async with opened(side) as backend:
        await refuse_unless_empty(backend, side.prefix)
        await _raise(side, header.revision, margin)
        with _progress("restoring", keys) as told:
            checksum = await fill(backend, side.prefix, header, _pages(read_records(path)), told)
        with _progress("comparing", keys) as told:
            await confirm(backend, side.prefix, checksum, told)
        await forget_history(backend)
        print(f"restored {keys} keys; the store is at revision {await backend.current_revision()}")


async def copy(source_argv: Sequence[str], target_argv: Sequence[str], margin: int | None) -> int:
    """Fill an empty store from another one; ``margin`` None leaves its revision where it is."""
    target, source = find(target_argv), find_existing(source_argv)
    async with opened(source), opened(target) as backend:
        await refuse_unless_empty(backend, target.prefix)
        contents = await _contents(source)
        if margin is not None:
            await _raise(target, contents.header.revision, margin)
        with _progress("copying", contents.header.keys) as told:
            checksum = await fill(backend, target.prefix, contents.header, contents.pages(), told)
        with _progress("comparing", contents.header.keys) as told:
            await confirm(backend, target.prefix, checksum, told)
        await forget_history(backend)
        copied = checksum.keys + len(checksum.expiring)
        print(f"copied {copied} keys; the new store is at revision {await backend.current_revision()}")
    return 0


async def _raise(side: Side, revision: int, margin: int) -> None:
    """Bring a store above a revision; as far as ``margin`` above only where that costs nothing."""
    goal = revision + (margin if isinstance(side.backend, Advancing) else 0)
    left = goal - await side.backend.current_revision()
    if left > 0:
        with _progress("raising the revision", left) as told:
            await raise_revision(side.backend, side.prefix, goal, told)


async def _pages(records: Iterator[Record]) -> AsyncIterator[Sequence[Record]]:
    while page := list(islice(records, PAGE)):
        yield page


@contextmanager
def _progress(label: str, total: int) -> Iterator[Callable[[float], None]]:
    """Show a bar on a terminal, and nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=total)
        yield lambda more: bar.advance(task, more)


def _fraction(told: Callable[[float], None]) -> Callable[[float], None]:
    """Return what takes the part that is done, for what takes how much more is done."""
    done = 0.0

    def progress(part: float) -> None:
        nonlocal done
        told(part - done)
        done = part

    return progress


def _say(lines: Sequence[str]) -> None:
    sys.stderr.writelines(f"kapi: {line}\n" for line in lines)
