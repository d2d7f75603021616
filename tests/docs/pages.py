"""The project's pages, and what is in them."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(DOCS.glob("*.md")),
    *sorted(ROOT.glob("examples/*/README.md")),
)

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of code, without its indentation; ``start`` is where it begins in the page."""

    language: str
    text: str
    start: int


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    found = []
    for match in _FENCE.finditer(page.read_text()):
        indent = len(match[1])
        text = "".join(line[indent:] or "\n" for line in match[3].splitlines(keepends=True))
        found.append(Block(match[2], text, match.start()))
    return found


def name_of(page: Path) -> str:
    """Return a page's path, for messages."""
    return str(page.relative_to(ROOT))
