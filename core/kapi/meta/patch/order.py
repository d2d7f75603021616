"""The order of a list after a strategic merge: as the patch says, and else as the live list was."""

from collections.abc import Sequence
from typing import Any

import orjson

Identity = tuple[str, Any]


def identity(value: Any) -> Identity:
    """Return something hashable that is equal for equal JSON values only (1, 1.0 and true all differ)."""
    if isinstance(value, dict | list):
        return "json", orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return type(value).__name__, value


def interleave(
    items: Sequence[tuple[Identity, Any]], wanted: Sequence[Identity], known: Sequence[Identity]
) -> list[Any]:
    """Return ``items`` in order: those in ``wanted`` as there, the others as in ``known``, and the two interleaved.

    Of the two sequences the second's items come first where ``known`` has both and has them in that order.
    """
    wanted_at = _positions(wanted)
    known_at = _positions(known)
    front = sorted((pair for pair in items if pair[0] in wanted_at), key=lambda pair: wanted_at[pair[0]])
    rest = sorted((pair for pair in items if pair[0] not in wanted_at), key=lambda pair: known_at.get(pair[0], -1))
    merged: list[Any] = []
    pending = 0
    for key, item in front:
        limit = known_at.get(key, -1)
        while pending < len(rest) and 0 <= known_at.get(rest[pending][0], -1) < limit:
            merged.append(rest[pending][1])
            pending += 1
        merged.append(item)
    merged.extend(item for _, item in rest[pending:])
    return merged


def _positions(keys: Sequence[Identity]) -> dict[Identity, int]:
    positions: dict[Identity, int] = {}
    for position, key in enumerate(keys):
        positions.setdefault(key, position)
    return positions
