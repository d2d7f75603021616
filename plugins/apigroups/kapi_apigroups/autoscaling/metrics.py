"""Metrics of autoscalers in the two forms: nested (v2) and flat (v1).

v2 names a metric and a target (``metric.name``, ``target.averageValue``); v1 spells them out (``metricName``,
``targetAverageValue``). ``targets`` are the metrics of the spec, ``readings`` those of the status.
"""

from collections.abc import Callable
from typing import Any

from kapi.contracts.resources import Object

_ZERO = "0"
"""What v1 shows where v2 has no quantity, in members that are no pointers."""

_SOURCES = {
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "External": "external",
}


def _present(**members: Any) -> Object:
    return {name: value for name, value in members.items() if value is not None}


def _part(obj: Object, name: str) -> Object:
    found = obj.get(name)
    return found if isinstance(found, dict) else {}


def target_to_v1(metric: Object) -> Object:
    """Return a metric of the spec in the form of v1."""
    return _convert(metric, _TARGETS_TO_V1)


def target_from_v1(metric: Object) -> Object:
    """Return a metric of v1's spec in the form of v2."""
    return _convert(metric, _TARGETS_FROM_V1)


def reading_to_v1(metric: Object) -> Object:
    """Return a metric of the status in the form of v1."""
    return _convert(metric, _READINGS_TO_V1)


def reading_from_v1(metric: Object) -> Object:
    """Return a metric of v1's status in the form of v2."""
    return _convert(metric, _READINGS_FROM_V1)


_Conversions = dict[str, Callable[[Object], Object]]


def _convert(metric: Object, conversions: _Conversions) -> Object:
    found: Object = {"type": metric.get("type", "")}
    for source in _SOURCES.values():
        if isinstance(metric.get(source), dict):
            found[source] = conversions[source](metric[source])
    return found


def _object_target_to_v1(source: Object) -> Object:
    metric, target = _part(source, "metric"), _part(source, "target")
    return _present(
        target=source.get("describedObject", {}),
        metricName=metric.get("name", ""),
        targetValue=target.get("value", _ZERO),
        selector=metric.get("selector"),
        averageValue=target.get("averageValue"),
    )


def _pods_target_to_v1(source: Object) -> Object:
    metric = _part(source, "metric")
    return _present(
        metricName=metric.get("name", ""),
        targetAverageValue=_part(source, "target").get("averageValue", _ZERO),
        selector=metric.get("selector"),
    )


def _resource_target_to_v1(source: Object) -> Object:
    target = _part(source, "target")
    return _present(
        name=source.get("name", ""),
        targetAverageUtilization=target.get("averageUtilization"),
        targetAverageValue=target.get("averageValue"),
        container=source.get("container"),
    )


def _external_target_to_v1(source: Object) -> Object:
    metric, target = _part(source, "metric"), _part(source, "target")
    return _present(
        metricName=metric.get("name", ""),
        metricSelector=metric.get("selector"),
        targetValue=target.get("value"),
        targetAverageValue=target.get("averageValue"),
    )


_TARGETS_TO_V1: _Conversions = {
    "object": _object_target_to_v1,
    "pods": _pods_target_to_v1,
    "resource": _resource_target_to_v1,
    "containerResource": _resource_target_to_v1,
    "external": _external_target_to_v1,
}


def _target(kind: str, **members: Any) -> Object:
    return {"type": kind, **_present(**members)}


def _metric(name: Any, selector: Any) -> Object:
    return {"name": name or "", **_present(selector=selector)}


def _object_target_from_v1(source: Object) -> Object:
    average = source.get("averageValue")
    kind = "Value" if average is None else "AverageValue"
    return {
        "describedObject": _part(source, "target"),
        "target": _target(kind, value=source.get("targetValue", _ZERO), averageValue=average),
        "metric": _metric(source.get("metricName"), source.get("selector")),
    }


def _pods_target_from_v1(source: Object) -> Object:
    return {
        "metric": _metric(source.get("metricName"), source.get("selector")),
        "target": _target("AverageValue", averageValue=source.get("targetAverageValue", _ZERO)),
    }


def _resource_target_from_v1(source: Object) -> Object:
    utilization, average = source.get("targetAverageUtilization"), source.get("targetAverageValue")
    kind = "AverageValue" if utilization is None else "Utilization"
    return _present(
        name=source.get("name", ""),
        target=_target(kind, averageValue=average, averageUtilization=utilization),
        container=source.get("container"),
    )


def _external_target_from_v1(source: Object) -> Object:
    value, average = source.get("targetValue"), source.get("targetAverageValue")
    kind = "AverageValue" if value is None else "Value"
    return {
        "metric": _metric(source.get("metricName"), source.get("metricSelector")),
        "target": _target(kind, value=value, averageValue=average),
    }


_TARGETS_FROM_V1: _Conversions = {
    "object": _object_target_from_v1,
    "pods": _pods_target_from_v1,
    "resource": _resource_target_from_v1,
    "containerResource": _resource_target_from_v1,
    "external": _external_target_from_v1,
}


def _object_reading_to_v1(source: Object) -> Object:
    metric, current = _part(source, "metric"), _part(source, "current")
    return _present(
        target=source.get("describedObject", {}),
        metricName=metric.get("name", ""),
        currentValue=current.get("value", _ZERO),
        selector=metric.get("selector"),
        averageValue=current.get("averageValue"),
    )


def _pods_reading_to_v1(source: Object) -> Object:
    metric = _part(source, "metric")
    return _present(
        metricName=metric.get("name", ""),
        currentAverageValue=_part(source, "current").get("averageValue", _ZERO),
        selector=metric.get("selector"),
    )


def _resource_reading_to_v1(source: Object) -> Object:
    current = _part(source, "current")
    return _present(
        name=source.get("name", ""),
        currentAverageUtilization=current.get("averageUtilization"),
        currentAverageValue=current.get("averageValue", _ZERO),
        container=source.get("container"),
    )


def _external_reading_to_v1(source: Object) -> Object:
    metric, current = _part(source, "metric"), _part(source, "current")
    return _present(
        metricName=metric.get("name", ""),
        metricSelector=metric.get("selector"),
        currentValue=current.get("value", _ZERO),
        currentAverageValue=current.get("averageValue"),
    )


_READINGS_TO_V1: _Conversions = {
    "object": _object_reading_to_v1,
    "pods": _pods_reading_to_v1,
    "resource": _resource_reading_to_v1,
    "containerResource": _resource_reading_to_v1,
    "external": _external_reading_to_v1,
}


def _object_reading_from_v1(source: Object) -> Object:
    return {
        "metric": _metric(source.get("metricName"), source.get("selector")),
        "current": _present(value=source.get("currentValue"), averageValue=source.get("averageValue")),
        "describedObject": _part(source, "target"),
    }


def _pods_reading_from_v1(source: Object) -> Object:
    return {
        "metric": _metric(source.get("metricName"), source.get("selector")),
        "current": _present(averageValue=source.get("currentAverageValue")),
    }


def _resource_reading_from_v1(source: Object) -> Object:
    return _present(
        name=source.get("name", ""),
        current=_present(
            averageValue=source.get("currentAverageValue"),
            averageUtilization=source.get("currentAverageUtilization"),
        ),
        container=source.get("container"),
    )


def _external_reading_from_v1(source: Object) -> Object:
    return {
        "metric": _metric(source.get("metricName"), source.get("metricSelector")),
        "current": _present(value=source.get("currentValue"), averageValue=source.get("currentAverageValue")),
    }


_READINGS_FROM_V1: _Conversions = {
    "object": _object_reading_from_v1,
    "pods": _pods_reading_from_v1,
    "resource": _resource_reading_from_v1,
    "containerResource": _resource_reading_from_v1,
    "external": _external_reading_from_v1,
}
