"""How long events are kept."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import Object

_HOUR = 3600.0


def event_ttl(context: "BuildContext") -> "Callable[[Object], float | None]":
    """Return the function that gives events the lifetime of ``--event-ttl``."""
    seconds = float(context.options.get("event-ttl", _HOUR))
    return lambda event: seconds
