"""Which members of a Service its type calls for."""

from collections.abc import Mapping
from typing import Any

Spec = Mapping[str, Any]

NONE = "None"
"""The clusterIP of a headless service."""

_WITH_CLUSTER_IP = ("ClusterIP", "NodePort", "LoadBalancer")


def needs_cluster_ip(spec: Spec) -> bool:
    """Tell whether services of the type have a cluster IP (if only ``None``)."""
    return spec.get("type") in _WITH_CLUSTER_IP


def is_headless(spec: Spec) -> bool:
    """Tell whether the service has no cluster IP by choice."""
    return bool(spec.get("clusterIPs")) and spec["clusterIPs"][0] == NONE


def needs_node_ports(spec: Spec) -> bool:
    """Tell whether each port of the service gets a node port."""
    kind = spec.get("type")
    return kind == "NodePort" or (kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True))


def needs_health_port(spec: Spec) -> bool:
    """Tell whether load balancers ask nodes for the health of the service on a port of its own."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def externally_accessible(spec: Spec) -> bool:
    """Tell whether traffic from outside of the cluster reaches the service."""
    kind = spec.get("type")
    return kind in ("NodePort", "LoadBalancer") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))
