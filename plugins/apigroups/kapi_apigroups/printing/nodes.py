"""Nodes and component statuses."""

from collections.abc import Mapping
from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.printing.cells import NONE, UNKNOWN, age_of, condition_of, metadata, name_of, part
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, NAME, Printer

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE = "kubernetes.io/role"
_NO_LABELS: Mapping[str, str] = {}


def _status(node: Object) -> str:
    ready = condition_of(part(node, "status"), "Ready").get("status", "")
    words = ["Unknown" if not ready else "Ready" if ready == "True" else "NotReady"]
    if part(node, "spec").get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(node: Object) -> str:
    labels = metadata(node).get("labels") or _NO_LABELS
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)}
    roles.add(labels.get(_ROLE, ""))
    return ",".join(sorted(roles - {""})) or NONE


def _address(status: Mapping[str, Any], kind: str) -> str:
    for address in status.get("addresses") or ():
        if address.get("type") == kind:
            found: str = address.get("address", "")
            return found
    return NONE


def _kernel(info: Mapping[str, Any]) -> str:
    version, architecture = info.get("kernelVersion", ""), info.get("architecture", "")
    if not version:
        return UNKNOWN
    return f"{version} ({architecture})" if architecture else version


def _node(node: Object) -> list[Any]:
    status = part(node, "status")
    info = part(status, "nodeInfo")
    return [
        name_of(node),
        _status(node),
        _roles(node),
        age_of(node),
        info.get("kubeletVersion", ""),
        _address(status, "InternalIP"),
        _address(status, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        _kernel(info),
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _component(obj: Object) -> list[Any]:
    healthy = condition_of(obj, "Healthy")
    word = "Unknown"
    if healthy:
        word = "Healthy" if healthy.get("status") == "True" else "Unhealthy"
    return [name_of(obj), word, healthy.get("message", ""), healthy.get("error", "")]


PRINTERS = {
    ("", "nodes"): Printer(
        _node,
        (
            NAME,
            "The status of the node",
            "The roles of the node",
            AGE,
            Field("core_v1.NodeSystemInfo.kubeletVersion"),
            Field("core_v1.NodeStatus.addresses"),
            Field("core_v1.NodeStatus.addresses"),
            Field("core_v1.NodeSystemInfo.osImage"),
            Field("core_v1.NodeSystemInfo.kernelVersion"),
            Field("core_v1.NodeSystemInfo.containerRuntimeVersion"),
        ),
    ),
    ("", "componentstatuses"): Printer(
        _component,
        (
            NAME,
            "Status of the component conditions",
            "Message of the component conditions",
            "Error of the component conditions",
        ),
    ),
}
