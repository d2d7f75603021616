"""Paths of fields as conflict and type errors print them: ``.spec.containers[name="c"].image``."""

from typing import Any

import orjson

from kapi.meta.errors import go_quote
from kapi.meta.patch.gotext import go_float


def path_text(path: tuple[str, ...]) -> str:
    """Return the printed form of a path of elements."""
    return "".join(map(element_text, path))


def element_text(element: str) -> str:
    """Return the printed form of one path element."""
    kind, value = element[:2], element[2:]
    if kind == "f:":
        return "." + value
    parsed = orjson.loads(value)
    if kind == "k:":
        return "[" + ",".join(f"{name}={_printed(parsed[name])}" for name in sorted(parsed)) + "]"
    return f"[={_printed(parsed)}]" if kind == "v:" else f"[{value}]"


def _printed(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return go_quote(value)
        case float():
            return go_float(value)
        case list():
            return "[" + ",".join(map(_printed, value)) + "]"
        case dict():
            return "".join(f"{name}={_printed(member)}" for name, member in value.items())
    return str(value)
