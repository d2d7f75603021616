"""Differences between two states of an object, for messages that refuse a change."""

import json
from typing import Any

_MOST_LINES = 2000
"""Larger values are not compared line by line: that takes time in the square of their length."""


def show_difference(new: Any, old: Any) -> str:
    """Return what differs between two JSON values as hunks of a unified diff, after a line break."""
    import difflib

    before, after = _lines(old), _lines(new)
    if max(len(before), len(after)) > _MOST_LINES:
        return "\n@@ the values are too large to be compared @@\n"
    hunks = difflib.unified_diff(before, after, lineterm="", n=2)
    return "\n" + "\n".join(line for line in hunks if not line.startswith(("---", "+++"))) + "\n"


def _lines(value: Any) -> list[str]:
    return json.dumps(value, indent=1, ensure_ascii=False).splitlines()
