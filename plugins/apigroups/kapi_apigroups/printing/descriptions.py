"""What columns mean, in the words of the API's own documentation.

Most columns show a field and are described by that field's documentation. The project has no copy of it: it is read
from the distribution ``lightkube-models``, whose classes carry it as docstrings, and is left out without that
distribution. The source is read, not imported: importing the package ``lightkube`` loads a whole client.

Docstrings are wrapped at a fixed width and have lost their empty lines. A line that ends although the next word would
still have fitted ended a paragraph.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_DISTRIBUTION = "lightkube-models"
_WIDTH = 78
_MEMBER = re.compile(r"^ *\* \*\*(\w+)\*\* ``.*?`` - ", re.MULTILINE)
_BROKEN_WORD = re.compile(r"\w-$")
_SENTENCE = re.compile(r"(?<=\.) +(?=[A-Z])")


class Field(NamedTuple):
    """A field of the API, ``module.Type.member``; ``sentences`` takes only so many of what is said about it."""

    path: str
    sentences: int = 0


Description = Field | str


def describe(description: Description) -> str:
    """Return the text of a description; "" for a field that is not documented here."""
    if isinstance(description, str):
        return description
    module, kind, member = description.path.split(".")
    text = _documented(module, kind).get(member, "")
    return " ".join(_SENTENCE.split(text)[: description.sentences]) if description.sentences else text


@functools.lru_cache(maxsize=4)
def _documented(module: str, kind: str) -> Mapping[str, str]:
    """Return what is said about the members of a type."""
    _, *parts = _MEMBER.split(_docstring(_source(module), kind))
    return {name: _unwrap(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def _source(module: str) -> str:
    folder = _models()
    path = folder / f"{module}.py" if folder else None
    return path.read_text(encoding="utf-8") if path and path.is_file() else ""


@functools.cache
def _models() -> Path | None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return Path(str(distribution(_DISTRIBUTION).locate_file("lightkube/models")))
    except PackageNotFoundError:
        return None


def _docstring(source: str, kind: str) -> str:
    _, _, rest = source.partition(f"\nclass {kind}(")
    parts = rest.split('"""', 2)
    return parts[1] if len(parts) == 3 else ""


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
