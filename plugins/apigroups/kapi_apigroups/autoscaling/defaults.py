"""Defaults of HorizontalPodAutoscaler (v2)."""

import copy

from kapi.contracts.resources import Object

TARGET_CPU = 80
"""The average CPU utilization, in percent, that an autoscaler without metrics aims at."""

_SCALE_UP: Object = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_SCALE_DOWN: Object = {
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}


def cpu_metric(utilization: int) -> Object:
    """Return the metric that aims at an average CPU utilization."""
    target = {"type": "Utilization", "averageUtilization": utilization}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def default_autoscaler(obj: Object) -> None:
    """Fill in the defaults, in place."""
    spec = obj.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        spec["metrics"] = [cpu_metric(TARGET_CPU)]
    behavior = spec.get("behavior")
    if behavior is not None:
        behavior["scaleUp"] = _with_defaults(behavior.get("scaleUp"), _SCALE_UP)
        behavior["scaleDown"] = _with_defaults(behavior.get("scaleDown"), _SCALE_DOWN)


def _with_defaults(rules: Object | None, defaults: Object) -> Object:
    given = {member: value for member, value in (rules or {}).items() if value is not None}
    return {**copy.deepcopy(defaults), **given}
