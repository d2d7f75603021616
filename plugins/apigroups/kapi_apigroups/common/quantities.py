"""Resource lists: the precision that the API keeps, and sums over containers."""

import re

from kapi.contracts.resources import Object

_FINER_THAN_MILLI = re.compile(r"[nu]$|[eE]-(?!0?3$)")


def round_requirements(requirements: Object | None) -> None:
    """Round the ``limits`` and ``requests`` of a ResourceRequirements up to thousandths, in place."""
    if requirements:
        round_resources(requirements.get("limits"))
        round_resources(requirements.get("requests"))


def round_resources(resources: Object | None) -> None:
    """Round the quantities of a ResourceList up to thousandths, in place."""
    if not resources:
        return
    for name, text in resources.items():
        if _FINER_THAN_MILLI.search(text):
            resources[name] = _round_up(text)


def _round_up(text: str) -> str:
    from kapi.meta.quantity import Quantity

    return str(Quantity.parse(text).round_up(-3))
