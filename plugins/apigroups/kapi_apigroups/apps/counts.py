"""Counts in the status of workloads, and how they must fit together."""

from collections.abc import Iterable, Iterator

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_invalid


def exceeds(status: Object, member: str, bound: str, name: str) -> Iterator[FieldError]:
    """Yield an error when one count is greater than another, which the message calls ``name``."""
    value = status.get(member, 0)
    if value > status.get(bound, 0):
        yield field_invalid(f"status.{member}", value, f"cannot be greater than {name}")


def more_than_replicas(status: Object, members: Iterable[str]) -> Iterator[FieldError]:
    """Yield an error for each count that is greater than ``status.replicas``."""
    for member in members:
        yield from exceeds(status, member, "replicas", "status.replicas")
