"""Reads a command line the way kube-apiserver's flag library (pflag) does."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kapi.config.durations import parse_duration
from kapi.config.flags import RENAMED, SHORT, FlagTable
from kapi.contracts.plugins import Option, Options, OptionType

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_INT = re.compile(r"[+-]?[0-9]{1,19}")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


class FlagError(Exception):
    """The command line is wrong; ``errors`` says how, one line each."""

    def __init__(self, errors: Sequence[str]) -> None:
        """Take the findings."""
        super().__init__("; ".join(errors))
        self.errors = tuple(errors)


class HelpRequested(Exception):
    """``--help`` is on the command line."""


class Given(NamedTuple):
    """One flag as it stands on the command line; ``text`` is None for a flag without a value."""

    name: str
    text: str | None


def parse_flags(argv: Sequence[str], table: FlagTable) -> tuple[Options, list[str]]:
    """Return the options that ``argv`` (without the program's name) gives, and warnings about old and planned flags.

    Raises FlagError with everything that is wrong, HelpRequested for ``--help``.
    """
    errors: list[str] = []
    warnings: list[str] = []
    values: dict[str, Any] = {}
    for item in _tokens(argv, table, errors):
        if item.name == "help":
            raise HelpRequested
        name = RENAMED.get(item.name, item.name)
        if name != item.name:
            warnings.append(f"--{item.name} is deprecated: use --{name}")
        _read_into(values, table[name], item.text, errors)
    for name in values:
        warnings.extend(_notices(table[name]))
    _check(values, table, errors)
    if errors:
        raise FlagError(errors)
    defaults = {name: option.default for name, option in table.items()}
    return Options({**defaults, **values}, frozenset(values)), warnings


def peek(argv: Sequence[str], option: Option) -> Any:
    """Return the value that ``argv`` gives to one flag, whatever else is on it; the default if it is not there.

    For what must be known before the table of flags is complete (``--plugins``). Raises FlagError.
    """
    prefix = f"--{option.name}"
    values: dict[str, Any] = {}
    errors: list[str] = []
    for position, word in enumerate(argv):
        flag, equals, text = word.partition("=")
        if flag.replace("_", "-") != prefix:
            continue
        following = argv[position + 1 : position + 2]
        _read_into(values, option, text if equals else (following[0] if following else None), errors)
    if errors:
        raise FlagError(errors)
    return values.get(option.name, option.default)


def _tokens(argv: Sequence[str], table: FlagTable, errors: list[str]) -> Iterator[Given]:
    """Yield the flags of ``argv`` by their dashed names; unknown ones and stray words become errors."""
    words = iter(argv)
    for word in words:
        if not word.startswith("-") or word in ("-", "--"):
            errors.append(f"unexpected argument {word!r}: flags begin with --")
            continue
        name, text = _split(word)
        if name == "help":
            yield Given(name, None)
            continue
        option = table.get(RENAMED.get(name, name))
        if option is None:
            errors.append(_unknown(word, name, table))
            continue
        if text is None and option.type != "bool":
            text = next(words, None)
        yield Given(name, text)


def _split(word: str) -> tuple[str, str | None]:
    """Split ``--name=text``, ``--name``, ``-v2``, ``-v=2`` or ``-v``."""
    if word.startswith("--"):
        name, equals, text = word[2:].partition("=")
        return name.replace("_", "-"), text if equals else None
    letter, rest = word[1], word[2:]
    return SHORT.get(letter, word[1:].partition("=")[0]), rest.removeprefix("=") or None


def _unknown(word: str, name: str, table: FlagTable) -> str:
    from difflib import get_close_matches

    shown = word.partition("=")[0]
    near = get_close_matches(name, [*table, *RENAMED], n=1, cutoff=0.6)
    hint = f" (did you mean --{near[0]}?)" if near else " (kapi serve --help lists all)"
    return f"unknown flag: {shown}{hint}"


def _notices(option: Option) -> Iterator[str]:
    if option.deprecated:
        yield f"--{option.name} is deprecated: {option.deprecated}"
    if option.planned:
        yield f"--{option.name} has no effect yet: kapi does not have what it is about"


def _read_into(values: dict[str, Any], option: Option, text: str | None, errors: list[str]) -> None:
    """Read one occurrence of a flag; those of lists and maps add up."""
    if text is None and option.type == "bool":
        text = "true"
    if text is None:
        errors.append(f"flag needs a value: --{option.name}")
        return
    try:
        value = READERS[option.type](text)
    except ValueError as ex:
        errors.append(f'invalid value "{text}" for --{option.name}: {ex}')
        return
    if option.type in ("strings", "array"):
        value = (*values.get(option.name, ()), *value)
    elif option.type == "map":
        value = {**values.get(option.name, {}), **value}
    values[option.name] = value


def _check(values: dict[str, Any], table: FlagTable, errors: list[str]) -> None:
    for name, value in values.items():
        check = table[name].check
        problem = check(value) if check is not None else None
        if problem:
            errors.append(f"invalid value {_shown(value)} for --{name}: {problem}")


def _shown(value: Any) -> str:
    return '"' + (",".join(value) if isinstance(value, tuple) else str(value)) + '"'


def _read_bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("must be true or false")


def _read_int(text: str) -> int:
    if not _INT.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
        raise ValueError("must be a whole number")
    return int(text)


def _read_float(text: str) -> float:
    if not _FLOAT.fullmatch(text):
        raise ValueError("must be a number")
    return float(text)


def _read_strings(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    if '"' not in text:
        return tuple(text.split(","))
    import csv

    try:
        return tuple(next(csv.reader([text], strict=True)))
    except csv.Error as ex:
        raise ValueError(str(ex)) from ex


def _read_map(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in _read_strings(text))
    found = {key.strip(): value.strip() for key, _, value in pairs}
    if "" in found:
        raise ValueError("must be NAME=VALUE, comma separated")
    return found


def _read_path(text: str) -> Path | None:
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return Path(text).expanduser() if text else None


READERS: dict[OptionType, Callable[[str], Any]] = {
    "string": str,
    "bool": _read_bool,
    "int": _read_int,
    "float": _read_float,
    "duration": parse_duration,
    "strings": _read_strings,
    "array": lambda text: (text,),
    "path": _read_path,
    "map": _read_map,
}
"""How the text of a flag becomes a value, by type. All raise ValueError with what is wrong."""
