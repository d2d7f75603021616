"""``kapi storage``: looking after a store, with the flags that ``kapi serve`` finds it by."""

import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kapi.cli.storage_words import Words

_PASS_ON = {"ignore_unknown_options": True}
_USAGE, _FAILURE, _INTERRUPTED = 2, 1, 130
_MARGIN = 1_000_000

Flags = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FLAGS]...", help="Flags of kapi serve that say where the store is, such as --data-dir."),
]
FlagsAndFile = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FLAGS]... FILE", help="Flags of kapi serve that say where the store is, and a file."),
]
Margin = Annotated[
    int,
    typer.Option(
        help="How far to raise the revision above that of the copied store, for what was written after the copy "
        "was made; only for backends that can do so at once.",
        min=0,
    ),
]


def build() -> typer.Typer:
    """Return the commands."""
    cli = typer.Typer(help="Check, compact, back up, restore or move a store.", no_args_is_help=True)
    cli.command("check", context_settings=_PASS_ON)(_check)
    cli.command("compact", context_settings=_PASS_ON)(_compact)
    cli.command("backup", context_settings=_PASS_ON)(_backup)
    cli.command("restore", context_settings=_PASS_ON)(_restore)
    cli.command("copy", context_settings=_PASS_ON)(_copy)
    return cli


def _check(
    flags: Flags = None,
    output: Annotated[str, typer.Option("--output", "-o", help="table or json.")] = "table",
) -> None:
    """Look for damage, and count what is in the store. A server may be running. Exit code 1 if anything is wrong."""
    from kapi.cli.storage_work import check

    _run(flags, 0, lambda words: check(words.argv, output))


def _compact(
    flags: Flags = None,
    revision: Annotated[int, typer.Option(help="Forget history below this; 0: below the present.", min=0)] = 0,
) -> None:
    """Forget history, and give the space back. A server may be running: watches far behind begin anew."""
    from kapi.cli.storage_work import compact

    _run(flags, 0, lambda words: compact(words.argv, revision))


def _backup(
    flags: FlagsAndFile = None,
    style: Annotated[
        str,
        typer.Option(
            "--format",
            help="portable: lines of JSON that any backend is restored from (compressed if FILE ends in .gz); native: "
            "the backend's own, with history; auto: native if FILE ends in .db, else portable.",
        ),
    ] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Write all of the store, as of one moment, to a file. A server may be running."""
    from kapi.cli.storage_work import backup

    _run(flags, 1, lambda words: backup(words.argv, Path(words.files[0]), style, force))


def _restore(flags: FlagsAndFile = None, margin: Margin = _MARGIN) -> None:
    """Fill an empty store from a backup. No server may be running."""
    from kapi.cli.storage_work import restore

    _run(flags, 1, lambda words: restore(words.argv, Path(words.files[0]), margin))


def _copy(
    flags: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FLAGS]...",
            help="Flags of kapi serve: --from-NAME is for the store to read, --to-NAME for the empty one to fill, "
            "--NAME for both.",
        ),
    ] = None,
    margin: Margin = 0,
    raising: Annotated[
        bool,
        typer.Option("--raise-revision/--no-raise-revision", help="Bring the new store above the old one's revision."),
    ] = True,
) -> None:
    """Copy all of a store to another, empty one, and compare. No server may be writing to either."""
    from kapi.cli.storage_work import copy

    _run(flags, 0, lambda words: copy(words.source, words.target, margin if raising else None), sides=True)


def _run(
    words: Sequence[str] | None,
    files: int,
    work: "Callable[[Words], Coroutine[Any, Any, int]]",
    *,
    sides: bool = False,
) -> None:
    """Do the work; whatever the user can do something about is told in a line."""
    import asyncio

    from kapi.cli.storage_words import WordsError, read_words
    from kapi.server.assembly import START_ERRORS, USAGE_ERRORS, complaint
    from kapi.storage.dump import DumpError
    from kapi.storage.transfer import TransferError

    try:
        code = asyncio.run(work(read_words(words or (), files, sides=sides)))
    except (*USAGE_ERRORS, WordsError) as ex:
        code = _fail(complaint(ex), _USAGE)
    except (*START_ERRORS, TransferError, DumpError, ValueError) as ex:
        code = _fail(complaint(ex), _FAILURE)
    except KeyboardInterrupt:
        code = _fail(["interrupted"], _INTERRUPTED)
    raise typer.Exit(code)


def _fail(lines: Sequence[str], code: int) -> int:
    sys.stderr.writelines(f"kapi: {line}\n" for line in lines)
    return code
