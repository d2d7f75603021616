"""Autoscalers, in both of their versions."""

from collections.abc import Mapping
from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.autoscaling.conversion import from_v1
from kapi_apigroups.printing.cells import NONE, UNKNOWN, UNSET, age_of, name_of, part, shortened
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, NAME, Printer

Part = Mapping[str, Any]
_SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
_WITH_UTILIZATION = ("Resource", "ContainerResource")
_WITH_VALUE = ("Object", "External")
_MOST_METRICS = 2


def _metric(metric: Part, seen: Part) -> str:
    kind = metric.get("type", "")
    member = _SOURCES.get(kind)
    if member is None:
        return "<unknown type>"
    source = part(metric, member)
    target, current = part(source, "target"), part(part(seen, member), "current")
    if kind in _WITH_UTILIZATION:
        return f"{source.get('name', '')}: {_resource(target, current)}"
    average = target.get("averageValue")
    if kind in _WITH_VALUE and average is None:
        return f"{current.get('value', UNKNOWN)}/{target.get('value', UNKNOWN)}"
    ratio = f"{current.get('averageValue', UNKNOWN)}/{average}"
    return f"{ratio} (avg)" if kind in _WITH_VALUE else ratio


def _resource(target: Part, current: Part) -> str:
    average = target.get("averageValue")
    if average is not None:
        return f"{current.get('averageValue', UNKNOWN)}/{average}"
    return f"{_percent(current, UNKNOWN)}/{_percent(target, '<auto>')}"


def _percent(measured: Part, otherwise: str) -> str:
    utilization = measured.get("averageUtilization")
    return otherwise if utilization is None else f"{utilization}%"


def _targets(spec: Part, status: Part) -> str:
    seen = status.get("currentMetrics") or ()
    metrics = spec.get("metrics") or ()
    shown = [_metric(metric, seen[index] if index < len(seen) else {}) for index, metric in enumerate(metrics)]
    return shortened(shown, _MOST_METRICS, ", ") or NONE


def _autoscaler(obj: Object) -> list[Any]:
    spec, status = part(obj, "spec"), part(obj, "status")
    scaled = part(spec, "scaleTargetRef")
    return [
        name_of(obj),
        f"{scaled.get('kind', '')}/{scaled.get('name', '')}",
        _targets(spec, status),
        str(spec.get("minReplicas", UNSET)),
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
        age_of(obj),
    ]


def _any_version(obj: Object) -> list[Any]:
    return _autoscaler(from_v1(obj) if obj.get("apiVersion") == "autoscaling/v1" and "spec" in obj else obj)


PRINTERS = {
    ("autoscaling", "horizontalpodautoscalers"): Printer(
        _any_version,
        (
            NAME,
            Field("autoscaling_v2.HorizontalPodAutoscalerSpec.scaleTargetRef"),
            Field("autoscaling_v2.HorizontalPodAutoscalerSpec.metrics"),
            Field("autoscaling_v2.HorizontalPodAutoscalerSpec.minReplicas"),
            Field("autoscaling_v2.HorizontalPodAutoscalerSpec.maxReplicas"),
            Field("autoscaling_v2.HorizontalPodAutoscalerStatus.currentReplicas"),
            AGE,
        ),
    ),
}
