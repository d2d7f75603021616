"""What resources pods ask for: defaults, and the quality of service that follows."""

from collections.abc import Iterable, Iterator

from kapi.contracts.resources import Object
from kapi_apigroups.common.quantities import add_resources, is_zero, max_resources, same_quantity

_QOS_RESOURCES = ("cpu", "memory")


def default_requests(spec: Object) -> None:
    """Let requests that are left open be the limits, for each container and then for the pod as a whole."""
    for container in _run_to_completion_first(spec):
        resources = container.get("resources", {})
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **resources.get("requests", {})}
    resources = spec.get("resources")
    if resources and (resources.get("limits") or resources.get("requests")):
        _default_pod_level(spec, resources)


def _run_to_completion_first(spec: Object) -> Iterator[Object]:
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def _default_pod_level(spec: Object, resources: Object) -> None:
    wanted = {name: amount for name, amount in aggregate(spec, "limits").items() if name.startswith("hugepages-")}
    limits = {**wanted, **resources.get("limits", {})}
    asked = {name: amount for name, amount in aggregate(spec, "requests").items() if name in _QOS_RESOURCES}
    supported = {name: amount for name, amount in limits.items() if _supported(name)}
    requests = {**supported, **asked, **resources.get("requests", {})}
    if limits:
        resources["limits"] = limits
    if requests:
        resources["requests"] = requests


def _supported(name: str) -> bool:
    return name in _QOS_RESOURCES or name.startswith("hugepages-")


def aggregate(spec: Object, member: str) -> dict[str, str]:
    """Return the resources that the containers together need at any one time (``requests`` or ``limits``).

    Sidecars (init containers that restart always) run beside all later containers; the other init containers run one
    after another, before the rest.
    """
    total: dict[str, str] = {}
    for container in spec.get("containers") or ():
        total = add_resources(total, container.get("resources", {}).get(member, {}))
    sidecars: dict[str, str] = {}
    highest: dict[str, str] = {}
    for container in spec.get("initContainers") or ():
        own = container.get("resources", {}).get(member, {})
        if container.get("restartPolicy") == "Always":
            total = add_resources(total, own)
            sidecars = add_resources(sidecars, own)
            own = sidecars
        else:
            own = add_resources(own, sidecars)
        highest = max_resources(highest, own)
    return max_resources(total, highest)


def qos_class(spec: Object) -> str:
    """Return the quality of service of a pod: Guaranteed, Burstable or BestEffort."""
    whole = spec.get("resources") or {}
    holders = [whole] if whole else [one.get("resources", {}) for one in _run_to_completion_first(spec)]
    requests = [_counted(holder.get("requests", {})) for holder in holders]
    limits = [_counted(holder.get("limits", {})) for holder in holders]
    asked, bounded = _sum(requests), _sum(limits)
    if not asked and not bounded:
        return "BestEffort"
    complete = all(len(one) == len(_QOS_RESOURCES) for one in limits)
    if complete and len(asked) == len(bounded) and all(same_quantity(asked[n], bounded.get(n, "0")) for n in asked):
        return "Guaranteed"
    return "Burstable"


def _counted(resources: Object) -> dict[str, str]:
    return {name: resources[name] for name in _QOS_RESOURCES if name in resources and not is_zero(resources[name])}


def _sum(lists: Iterable[dict[str, str]]) -> dict[str, str]:
    total: dict[str, str] = {}
    for one in lists:
        total = add_resources(total, one)
    return total
