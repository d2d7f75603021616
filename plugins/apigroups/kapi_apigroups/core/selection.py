"""Field selectors of the kinds of the core group."""

from collections.abc import Callable

from kapi.contracts.resources import Object

Selectable = dict[str, Callable[[Object], str]]


def _at(part: str, member: str) -> Callable[[Object], str]:
    return lambda obj: str(obj.get(part, {}).get(member, ""))


def _flag(part: str, member: str) -> Callable[[Object], str]:
    return lambda obj: "true" if obj.get(part, {}).get(member) else "false"


def _nothing(obj: Object) -> str:
    """Return no value: the reference knows the name of the field, but never fills it."""
    return ""


PODS: Selectable = {
    "spec.nodeName": _at("spec", "nodeName"),
    "spec.host": _at("spec", "nodeName"),  # as old clients call it
    "spec.restartPolicy": _at("spec", "restartPolicy"),
    "spec.schedulerName": _at("spec", "schedulerName"),
    "spec.serviceAccountName": _at("spec", "serviceAccountName"),
    "spec.hostNetwork": _flag("spec", "hostNetwork"),
    "status.phase": _at("status", "phase"),
    "status.podIP": _at("status", "podIP"),
    "status.podIPs": _nothing,
    "status.nominatedNodeName": _at("status", "nominatedNodeName"),
}
SERVICES: Selectable = {"spec.clusterIP": _at("spec", "clusterIP"), "spec.type": _at("spec", "type")}
NAMESPACES: Selectable = {"status.phase": _at("status", "phase")}
NODES: Selectable = {"spec.unschedulable": _flag("spec", "unschedulable")}
SECRETS: Selectable = {"type": lambda secret: str(secret.get("type", ""))}
CONTROLLERS: Selectable = {"status.replicas": lambda obj: str(obj.get("status", {}).get("replicas", 0))}
