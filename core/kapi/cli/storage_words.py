"""The command line of ``kapi storage``: flags of ``kapi serve``, for one store or for two, and names of files."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kapi.config.flags import RENAMED, SHORT, FlagTable
from kapi.server.assembly import load_plugins

_SOURCE, _TARGET = "--from-", "--to-"


class WordsError(Exception):
    """The command line is wrong; the message is one line."""


class Words(NamedTuple):
    """What a command line says: flags (for both stores, if there are two; for either), and files."""

    argv: list[str]
    source: list[str]
    target: list[str]
    files: list[str]


def read_words(words: Sequence[str], files: int, *, sides: bool = False) -> Words:
    """Return the words by what they are for; ``files`` is how many files are to be named, ``sides`` allows two stores.

    ``source`` and ``target`` have the flags for both stores as well. Raises WordsError, PluginError and FlagError.
    """
    found = Words([], [], [], [])
    table = load_plugins(words).flag_table()
    for word, value in _pairs(words, table, sides):
        flags = [word, *value]
        if not word.startswith("-"):
            found.files.append(word)
        elif sides and word.startswith(_SOURCE):
            found.source.extend(_bare(flags, _SOURCE))
        elif sides and word.startswith(_TARGET):
            found.target.extend(_bare(flags, _TARGET))
        else:
            found.argv.extend(flags)
    if len(found.files) != files:
        expected = "the name of one file" if files else "no file"
        raise WordsError(f"expected {expected}, got {' '.join(found.files) or 'none'}")
    return found._replace(source=found.argv + found.source, target=found.argv + found.target)


def _pairs(words: Sequence[str], table: FlagTable, sides: bool) -> Iterator[tuple[str, list[str]]]:
    """Yield every word that is not the value of a flag, with the value that follows it, if it is one."""
    rest = iter(words)
    for word in rest:
        takes_value = word.startswith("-") and _type(word, table, sides) != "bool" and "=" not in word
        following = next(rest, None) if takes_value else None
        yield word, [] if following is None else [following]


def _type(word: str, table: FlagTable, sides: bool) -> str:
    """Return the type of a flag. Raises WordsError."""
    flag = word.partition("=")[0].replace("_", "-")
    name = flag.removeprefix("--")
    if sides:
        name = flag.removeprefix(_SOURCE).removeprefix(_TARGET).removeprefix("--")
    if not flag.startswith("--"):
        name = SHORT.get(flag[1:2], "")
    option = table.get(RENAMED.get(name, name))
    if option is None:
        raise WordsError(f"unknown flag: {flag}")
    return "bool" if len(word) > 2 and not word.startswith("--") else option.type


def _bare(flags: Sequence[str], side: str) -> list[str]:
    return ["--" + flags[0].removeprefix(side), *flags[1:]]
