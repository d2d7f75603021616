"""What makes an autoscaler invalid, in the terms of v2."""

from collections.abc import Callable, Iterator

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_not_supported, field_required
from kapi.meta.names import path_segment_name
from kapi_apigroups.common.fields import not_negative

_SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_SELECT_POLICIES = ("Disabled", "Max", "Min")
_POLICY_TYPES = ("Percent", "Pods")
_LONGEST_WINDOW = 3600
_LONGEST_PERIOD = 1800
_EITHER = "must set either a target raw value or a target utilization"


def validate_autoscaler_status(status: Object) -> Iterator[FieldError]:
    """Yield what is wrong with a status."""
    yield from not_negative(status, ("currentReplicas", "desiredReplicas"), "status")


def validate_autoscaler(spec: Object) -> Iterator[FieldError]:
    """Yield what is wrong with a spec of v2."""
    yield from _validate_bounds(spec)
    target = spec.get("scaleTargetRef", {})
    yield from _validate_reference(target, "spec.scaleTargetRef")
    if not target.get("apiVersion"):
        yield field_invalid("spec.scaleTargetRef.apiVersion", "", "apiVersion must specify API group")
    metrics = spec.get("metrics") or ()
    for index, metric in enumerate(metrics):
        yield from _validate_metric(metric, f"spec.metrics[{index}]")
    if spec.get("minReplicas") == 0 and not any(one.get("type") in ("Object", "External") for one in metrics):
        yield field_forbidden(
            "spec.metrics", "must specify at least one Object or External metric to support scaling to zero replicas"
        )
    behavior = spec.get("behavior") or {}
    for direction in ("scaleUp", "scaleDown"):
        if direction in behavior:
            yield from _validate_rules(behavior[direction], f"spec.behavior.{direction}")


def _validate_bounds(spec: Object) -> Iterator[FieldError]:
    low, high = spec.get("minReplicas"), spec.get("maxReplicas", 0)
    if low is not None and low < 1:
        yield field_invalid("spec.minReplicas", low, "must be greater than or equal to 1")
    if high == 0:
        yield field_required("spec.maxReplicas", "must be set and greater than 0")
    elif high < 0:
        yield field_invalid("spec.maxReplicas", high, "must be greater than or equal to 1")
    if low is not None and high < low:
        yield field_invalid("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`")


def _validate_reference(reference: Object, path: str) -> Iterator[FieldError]:
    for member in ("kind", "name"):
        value = reference.get(member, "")
        if not value:
            yield field_required(f"{path}.{member}")
        else:
            yield from (field_invalid(f"{path}.{member}", value, text) for text in path_segment_name(value))


def _validate_metric(metric: Object, path: str) -> Iterator[FieldError]:
    kind = metric.get("type", "")
    if not kind:
        yield field_required(f"{path}.type", "must specify a metric source type")
    if kind not in _SOURCES:
        yield field_not_supported(f"{path}.type", kind, tuple(_SOURCES))
    present = [source for source in _CHECKS if source in metric]
    if present:
        yield from _CHECKS[present[0]](metric[present[0]], f"{path}.{present[0]}")
    expected = _SOURCES.get(kind)
    if expected is None:
        yield field_not_supported(f"{path}.type", kind, tuple(_SOURCES))
    elif expected not in present:
        yield field_required(f"{path}.{expected}", "must populate information for the given metric source")
    if len(present) > 1:
        for source in present:
            if source != expected:
                yield field_forbidden(f"{path}.{source}", "must populate the given metric source only")


def _validate_metric_name(source: Object, path: str) -> Iterator[FieldError]:
    name = source.get("metric", {}).get("name", "")
    if not name:
        yield field_required(f"{path}.metric.name", "must specify a metric name")
    else:
        yield from (field_invalid(f"{path}.metric.name", name, text) for text in path_segment_name(name))


def _validate_object(source: Object, path: str) -> Iterator[FieldError]:
    target = source.get("target", {})
    yield from _validate_reference(source.get("describedObject", {}), f"{path}.describedObject")
    yield from _validate_metric_name(source, path)
    yield from _validate_target(target, f"{path}.target")
    if "value" not in target and "averageValue" not in target:
        yield field_required(f"{path}.target.averageValue", "must set either a target value or averageValue")


def _validate_external(source: Object, path: str) -> Iterator[FieldError]:
    target = source.get("target", {})
    yield from _validate_metric_name(source, path)
    yield from _validate_target(target, f"{path}.target")
    if "value" not in target and "averageValue" not in target:
        detail = "must set either a target value for metric or a per-pod target"
        yield field_required(f"{path}.target.averageValue", detail)
    if "value" in target and "averageValue" in target:
        yield field_forbidden(f"{path}.target.value", "may not set both a target value for metric and a per-pod target")


def _validate_pods(source: Object, path: str) -> Iterator[FieldError]:
    target = source.get("target", {})
    yield from _validate_metric_name(source, path)
    yield from _validate_target(target, f"{path}.target")
    if "averageValue" not in target:
        yield field_required(f"{path}.target.averageValue", "must specify a positive target averageValue")


def _validate_resource(source: Object, path: str) -> Iterator[FieldError]:
    target = source.get("target", {})
    if not source.get("name"):
        yield field_required(f"{path}.name", "must specify a resource name")
    yield from _validate_target(target, f"{path}.target")
    if "averageUtilization" not in target and "averageValue" not in target:
        yield field_required(f"{path}.target.averageUtilization", _EITHER)
    if "averageUtilization" in target and "averageValue" in target:
        detail = "may not set both a target raw value and a target utilization"
        yield field_forbidden(f"{path}.target.averageValue", detail)


def _validate_container_resource(source: Object, path: str) -> Iterator[FieldError]:
    if not source.get("container"):
        yield field_required(f"{path}.container", "must specify a container")
    yield from _validate_resource(source, path)


_CHECKS: dict[str, Callable[[Object, str], Iterator[FieldError]]] = {
    "object": _validate_object,
    "external": _validate_external,
    "pods": _validate_pods,
    "resource": _validate_resource,
    "containerResource": _validate_container_resource,
}


def _validate_target(target: Object, path: str) -> Iterator[FieldError]:
    kind = target.get("type", "")
    if not kind:
        yield field_required(f"{path}.type", "must specify a metric target type")
    if kind not in ("Utilization", "Value", "AverageValue"):
        yield field_invalid(f"{path}.type", kind, "must be either Utilization, Value, or AverageValue")
    for member in ("value", "averageValue"):
        if member in target and not _positive(target[member]):
            yield field_invalid(f"{path}.{member}", target[member], "must be positive")
    utilization = target.get("averageUtilization")
    if utilization is not None and utilization < 1:
        yield field_invalid(f"{path}.averageUtilization", utilization, "must be greater than 0")


def _positive(quantity: str) -> bool:
    """Tell whether a canonical quantity is more than zero."""
    return not quantity.startswith("-") and any(digit in "123456789" for digit in quantity.split("e")[0].split("E")[0])


def _validate_rules(rules: Object, path: str) -> Iterator[FieldError]:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and window < 0:
        yield field_invalid(f"{path}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
    if window is not None and window > _LONGEST_WINDOW:
        detail = f"must be less than or equal to {_LONGEST_WINDOW}"
        yield field_invalid(f"{path}.stabilizationWindowSeconds", window, detail)
    policy = rules.get("selectPolicy", "Max")
    if policy not in _SELECT_POLICIES:
        yield field_not_supported(f"{path}.selectPolicy", policy, _SELECT_POLICIES)
    if not rules.get("policies"):
        yield field_required(f"{path}.policies", "must specify at least one Policy")
    for index, one in enumerate(rules.get("policies") or ()):
        yield from _validate_policy(one, f"{path}.policies[{index}]")
    tolerance = rules.get("tolerance", "0")
    if tolerance.startswith("-"):
        yield field_invalid(f"{path}.tolerance", tolerance, "must be greater than or equal to 0")


def _validate_policy(policy: Object, path: str) -> Iterator[FieldError]:
    kind = policy.get("type", "")
    if kind not in _POLICY_TYPES:
        yield field_not_supported(f"{path}.type", kind, _POLICY_TYPES)
    for member in ("value", "periodSeconds"):
        if policy.get(member, 0) <= 0:
            yield field_invalid(f"{path}.{member}", policy.get(member, 0), "must be greater than zero")
    period = policy.get("periodSeconds", 0)
    if period > _LONGEST_PERIOD:
        yield field_invalid(f"{path}.periodSeconds", period, f"must be less than or equal to {_LONGEST_PERIOD}")
