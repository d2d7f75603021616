"""The part of kubectl's JSONPath that columns and selectable fields of custom resources use.

Members (``.a``, ``['a']``), items (``[0]``, ``[-1]``, ``[1:3]``, ``[*]``), and filters that compare a member with a
literal (``[?(@.type=="Ready")]``). A path that leads nowhere has no results.
"""

import re
from collections.abc import Callable, Iterator
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import orjson

Step = Callable[[Any], Iterator[Any]]

_TOKEN = re.compile(
    r"""\.(?P<member>(?:[^.\[\]\\]|\\.)+)
      | \[\s*'(?P<single>[^']*)'\s*\] | \[\s*"(?P<double>[^"]*)"\s*\]
      | \[\s*(?P<index>-?\d+)\s*\]
      | \[\s*(?P<first>-?\d*)\s*:\s*(?P<last>-?\d*)\s*\]
      | (?P<all>\[\s*\*\s*\])
      | \[\?\(\s*@(?P<path>[^=!<>]*?)\s*(?:(?P<operator>==|!=|<=|>=|<|>)\s*(?P<literal>.*?))?\s*\)\]""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {"==": eq, "!=": ne, "<": lt, ">": gt, "<=": le, ">=": ge}


class PathError(ValueError):
    """A text is no path of the supported form."""


class JSONPath:
    """A compiled path; ``find`` yields what it leads to."""

    def __init__(self, text: str) -> None:
        """Take a path that begins with a dot; raises PathError."""
        self._steps = list(_parse(text))

    def find(self, value: Any) -> Iterator[Any]:
        """Yield the results, in order."""
        return _walk(self._steps, value)

    def first(self, value: Any) -> Any:
        """Return the first result, or None."""
        return next(self.find(value), None)


def simple_members(path: str) -> tuple[str, ...]:
    """Return the member names of a path of members only (``.spec.replicas``)."""
    return tuple(path.removeprefix(".").split("."))


def member_at(value: Any, members: tuple[str, ...]) -> Any:
    """Return what is at a path of members, None for nothing."""
    for name in members:
        if value.__class__ is not dict:
            return None
        value = value.get(name)
    return value


def _walk(steps: list[Step], value: Any) -> Iterator[Any]:
    if not steps:
        yield value
        return
    for found in steps[0](value):
        yield from _walk(steps[1:], found)


def _parse(text: str) -> Iterator[Step]:
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise PathError(f"unsupported path: {text[place:]}")
        place = match.end()
        yield _step(match)


def _step(match: re.Match[str]) -> Step:
    member = match["member"] or match["single"] or match["double"]
    if member is not None:
        name = re.sub(r"\\(.)", r"\1", member)
        return _all_members if name == "*" else _member(name)
    if match["index"] is not None:
        return _item(int(match["index"]))
    if match["all"]:
        return _all_members
    if match["first"] is not None:
        first, last = (int(match[end]) if match[end] else None for end in ("first", "last"))
        return lambda value: iter(value[first:last] if value.__class__ is list else ())
    return _filter(JSONPath(match["path"]), match["operator"], match["literal"])


def _member(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if value.__class__ is dict and name in value:
            yield value[name]

    return step


def _item(index: int) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if value.__class__ is list and -len(value) <= index < len(value):
            yield value[index]

    return step


def _all_members(value: Any) -> Iterator[Any]:
    if value.__class__ is dict:
        return iter(value.values())
    return iter(value if value.__class__ is list else ())


def _filter(path: JSONPath, operator: str | None, literal: str | None) -> Step:
    wanted = _literal(literal) if operator else None

    def fits(item: Any) -> bool:
        found = list(path.find(item))
        if operator is None:
            return bool(found)
        try:
            return bool(found) and _COMPARE[operator](found[0], wanted)
        except TypeError:
            return False

    def step(value: Any) -> Iterator[Any]:
        return (item for item in _all_members(value) if fits(item))

    return step


def _literal(text: str | None) -> Any:
    text = text or ""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise PathError(f"unsupported literal: {text}") from None
