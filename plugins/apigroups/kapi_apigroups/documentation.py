"""What types and fields of the API mean, in the words of the API's own documentation.

The project has no copy of it: it is read from the distribution ``lightkube-models``, whose classes carry it as
docstrings, and is left out without that distribution. The source is read, not imported: importing the package
``lightkube`` loads a whole client.

Docstrings are wrapped at a fixed width and have lost their empty lines. A line that ends although the next word would
still have fitted ended a paragraph.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_DISTRIBUTION = "lightkube-models"
_OURS = ("io.k8s.api.", "io.k8s.apimachinery.", "io.k8s.apiextensions-apiserver.", "io.k8s.kube-aggregator.")
"""How the names of the API's own definitions begin: others may be called the same."""
_WIDTH = 78
_CLASS = re.compile(r'^class (\w+)\(.*?\):\n +r?"""(.*?)"""', re.MULTILINE | re.DOTALL)
_MEMBERS = re.compile(r"\n *\*\*parameters\*\*\n")
_MEMBER = re.compile(r"^ *\* \*\*(\w+)\*\* ``.*?`` -(?: |$)", re.MULTILINE)
_BROKEN_WORD = re.compile(r"\w-$")


class Documented(NamedTuple):
    """What is said about a type, and about its members by name."""

    text: str
    members: Mapping[str, str]


_NOTHING = Documented("", {})


def describe_definition(name: str, member: str) -> str:
    """Return what is said about a definition (``io.k8s.api.core.v1.Pod``), or one of its members; "" if nothing is."""
    if not name.startswith(_OURS):
        return ""
    _, package, version, kind = ("", "", "", *name.split("."))[-4:]
    found = documented(f"{package}_{version}", kind) or documented(version, kind) or _NOTHING
    return found.members.get(_python_name(member), "") if member else found.text


@functools.lru_cache(maxsize=1024)
def documented(module: str, kind: str) -> Documented | None:
    """Return what is said about a type (``core_v1``, ``Pod``); None for one that is not documented here."""
    docstring = _docstrings(module).get(kind)
    return None if docstring is None else _parsed(docstring)


def _python_name(member: str) -> str:
    """Return a member's name without what a name in Python cannot have."""
    return member.replace("-", "_").strip("$_")


def _parsed(docstring: str) -> Documented:
    text, *rest = _MEMBERS.split(docstring, maxsplit=1)
    _, *parts = _MEMBER.split(rest[0]) if rest else ("",)
    members = zip(parts[::2], parts[1::2], strict=True)
    return Documented(_unwrap(text), {name.strip("_"): _unwrap(said) for name, said in members})


@functools.lru_cache(maxsize=4)
def _docstrings(module: str) -> Mapping[str, str]:
    folder = _models()
    path = folder / f"{module}.py" if folder else None
    return dict(_CLASS.findall(path.read_text(encoding="utf-8"))) if path and path.is_file() else {}


@functools.cache
def _models() -> Path | None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return Path(str(distribution(_DISTRIBUTION).locate_file("lightkube/models")))
    except PackageNotFoundError:
        return None


def _unwrap(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines()]
    wide = any(".  " in line for line in lines)
    always_wide = wide and not any(re.search(r"\. (?=[A-Z])", line) for line in lines)
    result = lines[:1]
    for before, line in zip(lines, lines[1:], strict=False):
        result += _gap(before, line, wide, always_wide), line
    return "".join(result)


def _gap(before: str, line: str, wide: bool, always_wide: bool) -> str:
    """Return what stood between two lines; ``wide`` when two spaces follow some sentences of the text."""
    if _BROKEN_WORD.search(before):
        return ""
    room = _WIDTH - len(before) - len(line.split(" ", 1)[0])
    two_spaces = before.endswith(".") and (always_wide or (wide and room == 1))
    if room > (1 if two_spaces else 0):
        return "\n\n"
    return "  " if two_spaces else " "
