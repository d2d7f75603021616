"""Objects whose members are not known: the paths of duplicate members."""

from typing import Any

from kapi.meta.errors import go_quote
from kapi.meta.schema.parse import Pairs

MAX_PROBLEMS = 100


def duplicate_problems(tree: Any) -> list[str]:
    """Return ``duplicate field "spec.a[0].b"`` for all duplicates in a tree with Pairs, at most 100."""
    problems: dict[str, None] = {}
    _collect(tree, "", problems)
    return list(problems)[:MAX_PROBLEMS]


def _collect(value: Any, path: str, problems: dict[str, None]) -> None:
    if value.__class__ is Pairs:
        seen: set[str] = set()
        for member, inner in value:
            inner_path = f"{path}.{member}" if path else member
            if member in seen:
                problems[f"duplicate field {go_quote(inner_path)}"] = None
            seen.add(member)
            _collect(inner, inner_path, problems)
    elif value.__class__ is list:
        for index, inner in enumerate(value):
            _collect(inner, f"{path}[{index}]", problems)
