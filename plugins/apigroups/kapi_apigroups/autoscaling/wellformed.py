"""Checks JSON that a client put into an annotation, before any of it becomes part of an object.

As with the reference's decoder, one member of the wrong type makes the whole annotation unusable; unknown members are
dropped.
"""

from collections.abc import Callable
from typing import Any

from kapi.contracts.resources import Object

_INT32 = 2**31


class Malformed(ValueError):
    """A value has the wrong type."""


Reader = Callable[[Any], Any]
"""Returns a value in its proper form; raises Malformed."""


def text(value: Any) -> str:
    """Read a string."""
    if not isinstance(value, str):
        raise Malformed
    return value


def int32(value: Any) -> int:
    """Read a number of 32 bits."""
    if not isinstance(value, int) or isinstance(value, bool) or not -_INT32 <= value < _INT32:
        raise Malformed
    return value


def quantity(value: Any) -> str:
    """Read a quantity, given as text or as a number, and return its canonical form."""
    from kapi.meta.quantity import canonical

    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Malformed
    try:
        return canonical(str(value))
    except ValueError:
        raise Malformed from None


def texts(value: Any) -> dict[str, str]:
    """Read a map of strings."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise Malformed
    return value


def listed(item: Reader) -> Reader:
    """Return a reader of lists."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Malformed
        return [item(one) for one in value]

    return read


def struct(**members: Reader) -> Reader:
    """Return a reader of objects with these members; null counts as absent."""

    def read(value: Any) -> Object:
        if not isinstance(value, dict):
            raise Malformed
        return {
            name: reader(value[name]) for name, reader in members.items() if name in value and value[name] is not None
        }

    return read


_SELECTOR = struct(
    matchLabels=texts,
    matchExpressions=listed(struct(key=text, operator=text, values=listed(text))),
)
_REFERENCE = struct(kind=text, name=text, apiVersion=text)

METRICS = listed(
    struct(
        type=text,
        object=struct(
            target=_REFERENCE, metricName=text, targetValue=quantity, selector=_SELECTOR, averageValue=quantity
        ),
        pods=struct(metricName=text, targetAverageValue=quantity, selector=_SELECTOR),
        resource=struct(name=text, targetAverageUtilization=int32, targetAverageValue=quantity),
        containerResource=struct(
            name=text, targetAverageUtilization=int32, targetAverageValue=quantity, container=text
        ),
        external=struct(metricName=text, metricSelector=_SELECTOR, targetValue=quantity, targetAverageValue=quantity),
    )
)
"""Reads ``spec.metrics`` in v1's flat form."""

CURRENT_METRICS = listed(
    struct(
        type=text,
        object=struct(
            target=_REFERENCE, metricName=text, currentValue=quantity, selector=_SELECTOR, averageValue=quantity
        ),
        pods=struct(metricName=text, currentAverageValue=quantity, selector=_SELECTOR),
        resource=struct(name=text, currentAverageUtilization=int32, currentAverageValue=quantity),
        containerResource=struct(
            name=text, currentAverageUtilization=int32, currentAverageValue=quantity, container=text
        ),
        external=struct(metricName=text, metricSelector=_SELECTOR, currentValue=quantity, currentAverageValue=quantity),
    )
)
"""Reads ``status.currentMetrics`` in v1's flat form."""

CONDITIONS = listed(struct(type=text, status=text, lastTransitionTime=text, reason=text, message=text))
"""Reads ``status.conditions``."""

_RULES = struct(
    StabilizationWindowSeconds=int32,
    SelectPolicy=text,
    Policies=listed(struct(Type=text, Value=int32, PeriodSeconds=int32)),
    Tolerance=quantity,
)

BEHAVIOR = struct(ScaleUp=_RULES, ScaleDown=_RULES)
"""Reads ``spec.behavior`` in the form of the internal type."""
