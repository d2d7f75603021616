"""What makes a Service invalid, apart from addresses and families."""

from collections.abc import Iterator

from kapi.contracts.resources import Object
from kapi.meta.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from kapi.meta.names import dns1123_label, dns1123_subdomain, port_name, port_number, qualified_name
from kapi_apigroups.common.addresses import CIDR_SYNTAX, IP_SYNTAX, parse_cidr, parse_ip
from kapi_apigroups.common.fields import one_of
from kapi_apigroups.common.golang import show_go
from kapi_apigroups.common.selectors import validate_labels
from kapi_apigroups.core.endpoints import validate_reachable
from kapi_apigroups.core.service_types import externally_accessible, is_headless, needs_health_port

_PORTS = "spec.ports"
_BALANCER_ONLY = "may only be used when `type` is 'LoadBalancer'"
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_AFFINITIES = ("ClientIP", "None")
_SCOPES = ("Cluster", "Local")
_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
_LONGEST_AFFINITY = 86400


def validate_service(spec: Object) -> list[FieldError]:
    """Return what is wrong with the spec of a Service."""
    errors = list(_type(spec))
    errors += _ports(spec)
    errors += validate_labels(spec.get("selector", {}), "spec.selector")
    errors += _affinity(spec)
    errors += _external_ips(spec)
    errors += one_of(spec.get("type", ""), "spec.type", _TYPES)
    errors += _duplicate_ports(spec)
    errors += _load_balancer(spec)
    errors += _traffic(spec)
    return errors


def _type(spec: Object) -> Iterator[FieldError]:
    kind = spec.get("type", "")
    if not spec.get("ports") and not is_headless(spec) and kind != "ExternalName":
        yield field_required(_PORTS)
    if kind in ("NodePort", "LoadBalancer") and is_headless(spec):
        yield field_invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")
    if kind == "ExternalName":
        name = spec.get("externalName", "")
        if not name:
            yield field_required("spec.externalName")
            return
        for problem in dns1123_subdomain(name.removesuffix(".")):
            yield field_invalid("spec.externalName", name, problem)


def _ports(spec: Object) -> Iterator[FieldError]:
    ports, names = spec.get("ports", ()), set[str]()
    for index, port in enumerate(ports):
        path, name = f"{_PORTS}[{index}]", port.get("name", "")
        if name:
            for problem in dns1123_label(name):
                yield field_invalid(f"{path}.name", name, problem)
            if name in names:
                yield field_duplicate(f"{path}.name", name)
            names.add(name)
        elif len(ports) > 1:
            yield field_required(f"{path}.name")
        yield from _port(port, path)
        if spec.get("type") == "ClusterIP" and port.get("nodePort"):
            yield field_forbidden(f"{path}.nodePort", "may not be used when `type` is 'ClusterIP'")


def _port(port: Object, path: str) -> Iterator[FieldError]:
    number, target = port.get("port", 0), port.get("targetPort", 0)
    for problem in port_number(number):
        yield field_invalid(f"{path}.port", number, problem)
    yield from one_of(port.get("protocol", ""), f"{path}.protocol", _PROTOCOLS)
    for problem in port_name(target) if isinstance(target, str) else port_number(target):
        yield field_invalid(f"{path}.targetPort", target, problem)
    protocol = port.get("appProtocol")
    if protocol is not None:
        for problem in qualified_name(protocol):
            yield field_invalid(f"{path}.appProtocol", protocol, problem)


def _duplicate_ports(spec: Object) -> Iterator[FieldError]:
    seen: set[tuple[str, int]] = set()
    for index, port in enumerate(spec.get("ports", ())):
        key = (port.get("protocol", ""), port.get("port", 0))
        if key in seen:
            shown = {
                "Name": "",
                "Protocol": key[0],
                "AppProtocol": None,
                "Port": key[1],
                "TargetPort": 0,
                "NodePort": 0,
            }
            error = field_duplicate(f"{_PORTS}[{index}]", "")
            yield error._replace(message=f"Duplicate value: {show_go(shown)}")
        seen.add(key)


def _affinity(spec: Object) -> Iterator[FieldError]:
    yield from one_of(spec.get("sessionAffinity", ""), "spec.sessionAffinity", _AFFINITIES)
    if spec.get("sessionAffinity") != "ClientIP":
        return
    seconds = spec.get("sessionAffinityConfig", {}).get("clientIP", {}).get("timeoutSeconds", 0)
    if not 0 < seconds <= _LONGEST_AFFINITY:
        path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
        yield field_invalid(path, seconds, f"must be greater than 0 and less than {_LONGEST_AFFINITY}")


def _external_ips(spec: Object) -> Iterator[FieldError]:
    for index, text in enumerate(spec.get("externalIPs", ())):
        path = f"spec.externalIPs[{index}]"
        if parse_ip(text) is None:
            yield field_invalid(path, text, IP_SYNTAX)
        else:
            yield from validate_reachable(text, path)


def _load_balancer(spec: Object) -> Iterator[FieldError]:
    balanced = spec.get("type") == "LoadBalancer"
    ranges = spec.get("loadBalancerSourceRanges", ())
    if ranges and not balanced:
        yield field_forbidden("spec.LoadBalancerSourceRanges", _BALANCER_ONLY)
    for index, text in enumerate(ranges if balanced else ()):
        if parse_cidr(text.strip()) is None:
            yield field_invalid(f"spec.LoadBalancerSourceRanges[{index}]", text, CIDR_SYNTAX)
    if not balanced and "allocateLoadBalancerNodePorts" in spec:
        yield field_forbidden("spec.allocateLoadBalancerNodePorts", _BALANCER_ONLY)
    name = spec.get("loadBalancerClass")
    if name is not None and not balanced:
        yield field_forbidden("spec.loadBalancerClass", _BALANCER_ONLY)
    elif name is not None:
        for problem in qualified_name(name):
            yield field_invalid("spec.loadBalancerClass", name, problem)


def _traffic(spec: Object) -> Iterator[FieldError]:
    policy, health = spec.get("externalTrafficPolicy"), spec.get("healthCheckNodePort")
    if externally_accessible(spec):
        yield from one_of(policy or "", "spec.externalTrafficPolicy", _SCOPES)
    elif policy:
        yield field_invalid("spec.externalTrafficPolicy", policy, "may only be set for externally-accessible services")
    if health and not needs_health_port(spec):
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        yield field_invalid("spec.healthCheckNodePort", health, detail)
    if "internalTrafficPolicy" in spec:
        yield from one_of(spec["internalTrafficPolicy"], "spec.internalTrafficPolicy", _SCOPES)
    distribution = spec.get("trafficDistribution")
    if distribution is not None and distribution not in _DISTRIBUTIONS:
        yield field_not_supported("spec.trafficDistribution", distribution, _DISTRIBUTIONS)


def validate_load_balancer_status(status: Object, kind: str) -> Iterator[FieldError]:
    """Yield what is wrong with ``status.loadBalancer`` of a service of type ``kind``."""
    ingresses = status.get("loadBalancer", {}).get("ingress", ())
    if ingresses and kind != "LoadBalancer":
        yield field_forbidden("status.loadBalancer.ingress", "may only be used when `spec.type` is LoadBalancer")
        return
    for index, ingress in enumerate(ingresses):
        path, address = f"status.loadBalancer.ingress[{index}]", ingress.get("ip")
        if address and parse_ip(address) is None:
            yield field_invalid(f"{path}.ip", address, IP_SYNTAX)
        if ingress.get("hostname"):
            for problem in dns1123_subdomain(ingress["hostname"]):
                yield field_invalid(f"{path}.hostname", ingress["hostname"], problem)
            if parse_ip(ingress["hostname"]) is not None:
                yield field_invalid(f"{path}.hostname", ingress["hostname"], "must be a DNS name, not an IP address")
