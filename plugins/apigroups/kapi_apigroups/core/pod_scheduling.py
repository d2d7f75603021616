"""What a new pod's labels, annotations and gates mean for its spec and status."""

from collections.abc import Iterator

from kapi.contracts.resources import Object
from kapi.meta import times
from kapi_apigroups.common.pod_defaults import CONTAINER_LISTS

_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_LOCALHOST = "localhost/"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def gated_condition() -> Object:
    """Return the condition of a pod that waits for its scheduling gates to be removed."""
    return {
        "type": "PodScheduled",
        "status": "False",
        "lastProbeTime": None,
        "lastTransitionTime": times.now(),
        "reason": "SchedulingGated",
        "message": "Scheduling is blocked due to non-empty scheduling gates",
    }


def resolve_label_keys(pod: Object) -> None:
    """Turn ``matchLabelKeys`` and ``mismatchLabelKeys`` into requirements with the values of the pod's own labels."""
    labels = pod["metadata"].get("labels", {})
    if not labels:
        return
    for term in _affinity_terms(pod["spec"].get("affinity", {})):
        _resolve(term, labels)
    for constraint in pod["spec"].get("topologySpreadConstraints", ()):
        _resolve(constraint, labels)


def _affinity_terms(affinity: Object) -> Iterator[Object]:
    for member in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(member, {})
        yield from rules.get(_REQUIRED, ())
        for weighted in rules.get(_PREFERRED, ()):
            yield weighted.get("podAffinityTerm", {})


def _resolve(term: Object, labels: Object) -> None:
    selector = term.get("labelSelector")
    if selector is None:
        return
    for member, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")):
        for key in term.get(member) or ():
            if key in labels:
                requirement = {"key": key, "operator": operator, "values": [labels[key]]}
                selector.setdefault("matchExpressions", []).append(requirement)


def apply_apparmor_annotations(pod: Object) -> None:
    """Turn the deprecated AppArmor annotations into the containers' security contexts."""
    annotations = pod["metadata"].get("annotations", {})
    if not any(name.startswith(_APPARMOR) for name in annotations):
        return
    for member in CONTAINER_LISTS:
        for container in pod["spec"].get(member, ()):
            profile = _profile(annotations.get(_APPARMOR + container.get("name", ""), ""))
            if profile and "appArmorProfile" not in container.get("securityContext", {}):
                container.setdefault("securityContext", {})["appArmorProfile"] = profile


def _profile(annotation: str) -> Object | None:
    if annotation == "runtime/default":
        return {"type": "RuntimeDefault"}
    if annotation == "unconfined":
        return {"type": "Unconfined"}
    if annotation.startswith(_LOCALHOST) and len(annotation) > len(_LOCALHOST):
        return {"type": "Localhost", "localhostProfile": annotation.removeprefix(_LOCALHOST)}
    return None
