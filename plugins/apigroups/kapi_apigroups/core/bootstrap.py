"""The objects of the core group that every cluster has."""

from collections.abc import Callable, Sequence
from ipaddress import ip_address

from kapi.contracts.client import ObjectClient
from kapi.contracts.resources import Object
from kapi.meta.gvk import GroupVersionResource
from kapi_apigroups.core.resources import ENDPOINT_SLICES, ENDPOINTS, NAMESPACES, SERVICES

Bootstrap = Callable[[ObjectClient], Sequence[tuple[GroupVersionResource, Object]]]

_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_NAME = "kubernetes"
_NAMESPACE = "default"
_PORT = 443


def core_objects(service_ip: str, advertised: str, port: int) -> Bootstrap:
    """Return the bootstrap function for a server that others reach at an address and port.

    ``service_ip`` is the first of the cluster IPs, at which pods find the server.
    """

    def objects(client: ObjectClient) -> Sequence[tuple[GroupVersionResource, Object]]:
        namespaces = [(NAMESPACES, {"metadata": {"name": name}}) for name in _NAMESPACES]
        return [*namespaces, (SERVICES, _service(service_ip, port)), *_reached_at(advertised, port)]

    return objects


def _service(service_ip: str, port: int) -> Object:
    return {
        "metadata": {
            "name": _NAME,
            "namespace": _NAMESPACE,
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": service_ip,
            "clusterIPs": [service_ip],
            "ports": [{"name": "https", "port": _PORT, "protocol": "TCP", "targetPort": port}],
            "type": "ClusterIP",
        },
    }


def outward_address(version: int) -> str:
    """Return the address of this machine that routes outwards, "" if there is none."""
    import socket

    family, target = (socket.AF_INET6, "2001:db8::1") if version == 6 else (socket.AF_INET, "192.0.2.1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))  # sends nothing: asks the routing table
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _reached_at(address: str, port: int) -> list[tuple[GroupVersionResource, Object]]:
    """Return the endpoints of the service; none when the server has no address that other machines reach."""
    ip = ip_address(address)
    if ip.is_loopback or ip.is_unspecified:
        address = outward_address(ip.version)
    if not address or ip_address(address).is_loopback:
        return []
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    endpoints = {
        "metadata": {
            "name": _NAME,
            "namespace": _NAMESPACE,
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
        },
        "subsets": [{"addresses": [{"ip": address}], "ports": ports}],
    }
    endpoint_slice = {
        "metadata": {"name": _NAME, "namespace": _NAMESPACE, "labels": {"kubernetes.io/service-name": _NAME}},
        "addressType": f"IPv{ip.version}",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": ports,
    }
    return [(ENDPOINTS, endpoints), (ENDPOINT_SLICES, endpoint_slice)]
