"""Comparing and carrying over members of objects."""

from typing import Any

from kapi.contracts.resources import Object


def keep(obj: Object, old: Object, member: str) -> None:
    """Give ``obj`` the member as ``old`` has it, or drop it if that has none."""
    if member in old:
        obj[member] = old[member]
    else:
        obj.pop(member, None)


def copied(value: Any) -> Any:
    """Return a deep copy of a JSON value."""
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    if isinstance(value, list):
        return [copied(one) for one in value]
    return value


def equal_but(obj: Object, old: Object, *members: str) -> bool:
    """Tell whether two objects are the same apart from the named members."""
    ours = {key: value for key, value in obj.items() if key not in members}
    return ours == {key: value for key, value in old.items() if key not in members}
