"""Resource lists: the precision that the API keeps, sums and comparisons."""

import re
from collections.abc import Mapping

from kapi.contracts.resources import Object

_FINER_THAN_MILLI = re.compile(r"[nu]$|[eE]-")
_MILLI = -3
_OVERFLOW = 1 << 63


def round_resources(resources: Object | None) -> None:
    """Round the quantities of a ResourceList up to thousandths, in place."""
    if not resources:
        return
    for name, text in resources.items():
        if _FINER_THAN_MILLI.search(text):
            resources[name] = _round_up(text)


def _round_up(text: str) -> str:
    from kapi.meta.quantity import Quantity, parse

    exact = parse(text)
    if exact.exponent >= _MILLI:
        return text
    rounded = Quantity(exact.ceil(_MILLI), _MILLI, exact.notation)
    return text if rounded == exact else str(rounded)


def is_zero(text: str) -> bool:
    """Tell whether a quantity is zero."""
    from kapi.meta.quantity import parse

    return not parse(text)


def exceeds(text: str, limit: str) -> bool:
    """Tell whether a quantity is larger than another."""
    from kapi.meta.quantity import parse

    return parse(limit) < parse(text)


def same_quantity(one: str, other: str) -> bool:
    """Tell whether two quantities are the same number."""
    from kapi.meta.quantity import parse

    return one == other or parse(one) == parse(other)


def add_resources(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Return the sums of two ResourceLists; what only one of them holds keeps its text."""
    from kapi.meta.quantity import parse

    total = dict(one)
    for name, text in other.items():
        total[name] = str(parse(total[name]) + parse(text)) if name in total else text
    return total


def max_resources(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Return the larger quantity of each resource of two ResourceLists."""
    highest = dict(one)
    for name, text in other.items():
        if name not in highest or exceeds(text, highest[name]):
            highest[name] = text
    return highest


def has_fraction(text: str) -> bool:
    """Tell whether a quantity is no whole number, or too large for the reference to see that it is one."""
    from kapi.meta.quantity import parse

    exact = parse(text)
    milli = exact.ceil(_MILLI)
    if abs(milli) < _OVERFLOW:
        return milli % 1000 != 0
    if abs(exact.unscaled) < _OVERFLOW:
        return False
    return ((milli + _OVERFLOW) % (2 * _OVERFLOW) - _OVERFLOW) % 1000 != 0
