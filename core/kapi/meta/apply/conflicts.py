"""What an apply and other managers disagree about."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kapi.meta.apply.entries import Owner
from kapi.meta.apply.fieldset import FieldSet, has, members
from kapi.meta.apply.path import path_text
from kapi.meta.errors import StatusError, go_quote


class Conflict(NamedTuple):
    """A field that an apply would change although somebody else owns it."""

    owner: Owner
    path: tuple[str, ...]


class ConflictError(Exception):
    """An apply without force met fields of others."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        """Take what the conflicts are."""
        super().__init__(f"{len(conflicts)} conflicts")
        self.conflicts = conflicts

    def beyond(self, allowed: FieldSet) -> list[Conflict]:
        """Return the conflicts about fields that are not in ``allowed``."""
        return [conflict for conflict in self.conflicts if not has(allowed, conflict.path)]


def conflicts_of(owner: Owner, fields: FieldSet) -> list[Conflict]:
    """Return one conflict per member of the set."""
    return [Conflict(owner, path) for path in members(fields)]


def conflict_status(conflicts: Sequence[Conflict]) -> StatusError:
    """Return the 409 that lists the conflicts, by manager."""
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {_shown(conflict.owner)}",
            "field": path_text(conflict.path),
        }
        for conflict in conflicts
    ]
    return StatusError(409, "Conflict", _message(conflicts), {"causes": causes})


def _message(conflicts: Sequence[Conflict]) -> str:
    if len(conflicts) == 1:
        (owner, path), *_ = conflicts
        return f"Apply failed with 1 conflict: conflict with {_shown(owner)}: {path_text(path)}"
    lines: list[str] = []
    for owner in sorted({conflict.owner for conflict in conflicts}, key=_by_name):
        lines.append(f"conflicts with {_shown(owner)}:")
        lines.extend(_listed(path for other, path in conflicts if other == owner))
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)


def _listed(paths: Iterable[tuple[str, ...]]) -> list[str]:
    return [f"- {path_text(path)}" for path in paths]


def _by_name(owner: Owner) -> tuple[str, ...]:
    operation, manager, version, subresource = owner
    return manager, operation, version, subresource


def _shown(owner: Owner) -> str:
    operation, manager, version, subresource = owner
    text = go_quote(manager)
    if subresource:
        text += f" with subresource {go_quote(subresource)}"
    return f"{text} using {version}" if operation == "Update" else text
