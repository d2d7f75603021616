"""HorizontalPodAutoscaler between v1 and v2.

v1 has fields for the CPU target only; everything else travels in annotations, so that nothing is lost on the way there
and back. In v2 these annotations never appear.
"""

from kapi.contracts.resources import Object
from kapi_apigroups.autoscaling import annotations as notes
from kapi_apigroups.autoscaling import wellformed
from kapi_apigroups.autoscaling.defaults import cpu_metric, default_autoscaler
from kapi_apigroups.autoscaling.metrics import reading_from_v1, reading_to_v1, target_from_v1, target_to_v1

_SAME_IN_SPEC = ("scaleTargetRef", "minReplicas", "maxReplicas")
_SAME_IN_STATUS = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")


def _same(source: Object, members: tuple[str, ...]) -> Object:
    return {member: source[member] for member in members if member in source}


def _with(obj: Object, version: str, **parts: Object) -> Object:
    """Return a copy of an object in another version, with metadata of its own."""
    return {**obj, "apiVersion": f"autoscaling/{version}", "metadata": dict(obj["metadata"]), **parts}


def _is_cpu_target(metric: Object) -> bool:
    resource = metric.get("resource") or {}
    return (
        metric.get("type") == "Resource"
        and resource.get("name") == "cpu"
        and resource.get("target", {}).get("averageUtilization") is not None
    )


def to_v1(obj: Object) -> Object:
    """Return an autoscaler of v2 as v1 shows it. The argument stays as it is."""
    spec, status = obj.get("spec", {}), obj.get("status", {})
    converted = _with(obj, "v1", spec=_spec_to_v1(spec), status=_status_to_v1(status))
    notes.take(converted, notes.ALL)
    notes.put(converted, _annotations(spec, status))
    return converted


def _spec_to_v1(spec: Object) -> Object:
    found = _same(spec, _SAME_IN_SPEC)
    for metric in spec.get("metrics") or ():
        if _is_cpu_target(metric):
            found["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
            break
    return found


def _status_to_v1(status: Object) -> Object:
    found = {"currentReplicas": 0, "desiredReplicas": 0, **_same(status, _SAME_IN_STATUS)}
    for metric in status.get("currentMetrics") or ():
        resource = metric.get("resource") or {}
        utilization = resource.get("current", {}).get("averageUtilization")
        if metric.get("type") == "Resource" and resource.get("name") == "cpu" and utilization is not None:
            found["currentCPUUtilizationPercentage"] = utilization
            break
    return found


def _annotations(spec: Object, status: Object) -> dict[str, str]:
    """Return the annotations for what v1 has no fields for."""
    found = {}
    others = [target_to_v1(metric) for metric in spec.get("metrics") or () if not _is_cpu_target(metric)]
    readings = [reading_to_v1(metric) for metric in status.get("currentMetrics") or ()]
    if others:
        found[notes.METRICS] = notes.encode(others)
    if readings:
        found[notes.CURRENT_METRICS] = notes.encode(readings)
    if spec.get("behavior") is not None:
        found[notes.BEHAVIOR] = notes.encode_behavior(spec["behavior"])
    if status.get("conditions"):
        found[notes.CONDITIONS] = notes.encode(status["conditions"])
    return found


def from_v1(obj: Object) -> Object:
    """Return an autoscaler of v1 in the form of v2, with v2's defaults. The argument stays as it is."""
    converted = _with(obj, "v2")
    carried = notes.take(converted, notes.ALL)
    converted["spec"] = _spec_from_v1(obj.get("spec", {}), carried)
    if "status" in obj:
        converted["status"] = _status_from_v1(obj["status"], carried)
    default_autoscaler(converted)
    return converted


def _spec_from_v1(spec: Object, carried: dict[str, str]) -> Object:
    found = _same(spec, _SAME_IN_SPEC)
    metrics = [
        target_from_v1(metric) for metric in notes.decode_list(carried.get(notes.METRICS, ""), wellformed.METRICS)
    ]
    utilization = spec.get("targetCPUUtilizationPercentage")
    if utilization is not None:
        metrics.append(cpu_metric(utilization))
    if metrics:
        found["metrics"] = metrics
    behavior = notes.decode_behavior(carried.get(notes.BEHAVIOR, ""))
    if behavior is not None:
        found["behavior"] = behavior
    return found


def _status_from_v1(status: Object, carried: dict[str, str]) -> Object:
    found: Object = {"desiredReplicas": 0, "currentMetrics": None, **_same(status, _SAME_IN_STATUS)}
    if not found.get("currentReplicas", 0):
        found.pop("currentReplicas", None)
    flat = notes.decode_list(carried.get(notes.CURRENT_METRICS, ""), wellformed.CURRENT_METRICS)
    readings = [reading_from_v1(metric) for metric in flat]
    utilization = status.get("currentCPUUtilizationPercentage")
    if not readings and utilization is not None:
        readings = [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": utilization}}}]
    if readings:
        found["currentMetrics"] = readings
    conditions = notes.decode_list(carried.get(notes.CONDITIONS, ""), wellformed.CONDITIONS)
    if conditions:
        found["conditions"] = conditions
    return found
