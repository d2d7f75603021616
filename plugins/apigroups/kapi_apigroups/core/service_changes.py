"""What an update of a Service carries over, what it drops, and what it may not change."""

from collections.abc import Iterator

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_forbidden, field_invalid
from kapi_apigroups.core.service_types import (
    externally_accessible,
    needs_cluster_ip,
    needs_health_port,
    needs_node_ports,
)

_ONCE = "may not change once set"


def sync_cluster_ips(spec: Object, old: Object | None) -> None:
    """Make ``clusterIP`` and ``clusterIPs`` agree where a client knows only the elder one."""
    single = spec.get("clusterIP", "")
    if old is None:
        if single and not spec.get("clusterIPs"):
            spec["clusterIPs"] = [single]
        return
    before = old.get("clusterIP", "")
    if single == before or spec.get("clusterIPs") != old.get("clusterIPs"):
        return
    if single:
        spec["clusterIPs"] = [single]
    else:
        spec.pop("clusterIPs", None)


def carry_allocations(spec: Object, old: Object) -> None:
    """Fill in what had been allocated and the client left out."""
    if needs_cluster_ip(old) and needs_cluster_ip(spec):
        _carry_addresses(spec, old)
    if needs_node_ports(old) and needs_node_ports(spec):
        _carry_node_ports(spec, old)
    if needs_health_port(old) and needs_health_port(spec) and old.get("healthCheckNodePort"):
        spec.setdefault("healthCheckNodePort", old["healthCheckNodePort"])


def _carry_addresses(spec: Object, old: Object) -> None:
    if not spec.get("clusterIP") and old.get("clusterIP"):
        spec["clusterIP"] = old["clusterIP"]
    if not spec.get("clusterIPs") and spec.get("clusterIP") == old.get("clusterIP") and old.get("clusterIPs"):
        spec["clusterIPs"] = list(old["clusterIPs"])
    if "ipFamilyPolicy" not in spec and "ipFamilyPolicy" in old:
        spec["ipFamilyPolicy"] = old["ipFamilyPolicy"]
    if not spec.get("ipFamilies") and old.get("ipFamilies"):
        spec["ipFamilies"] = list(old["ipFamilies"])
    if spec.get("ipFamilyPolicy") == "SingleStack" != old.get("ipFamilyPolicy"):
        for member in ("clusterIPs", "ipFamilies"):
            if spec.get(member) == old.get(member) and spec.get(member):
                spec[member] = spec[member][:1]


def _carry_node_ports(spec: Object, old: Object) -> None:
    before = {port.get("name", ""): port["nodePort"] for port in old.get("ports", ()) if port.get("nodePort")}
    used = {port["nodePort"] for port in spec.get("ports", ()) if port.get("nodePort")}
    for port in spec.get("ports", ()):
        number = before.get(port.get("name", ""))
        if not port.get("nodePort") and number and number not in used:
            port["nodePort"] = number
            used.add(number)


def drop_dependents(spec: Object, old: Object) -> None:
    """Drop what the new type does not know, where the client just left it as it was."""
    if needs_cluster_ip(old) and not needs_cluster_ip(spec):
        if spec.get("clusterIPs") == old.get("clusterIPs"):
            spec.pop("clusterIP", None)
        for member in ("clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"):
            _drop(spec, old, member)
    if needs_node_ports(old) and not needs_node_ports(spec) and _node_ports(spec) == _node_ports(old):
        for port in spec.get("ports", ()):
            port.pop("nodePort", None)
    if needs_health_port(old) and not needs_health_port(spec):
        _drop(spec, old, "healthCheckNodePort")
    if externally_accessible(old) and not externally_accessible(spec):
        _drop(spec, old, "externalTrafficPolicy")
    if old.get("type") == "LoadBalancer" != spec.get("type"):
        for member in ("loadBalancerClass", "allocateLoadBalancerNodePorts"):
            _drop(spec, old, member)


def _drop(spec: Object, old: Object, member: str) -> None:
    if spec.get(member) == old.get(member):
        spec.pop(member, None)


def _node_ports(spec: Object) -> set[int]:
    return {port.get("nodePort", 0) for port in spec.get("ports", ())}


def validate_changes(spec: Object, old: Object) -> list[FieldError]:
    """Return what an update changed that is fixed."""
    errors: list[FieldError] = []
    if needs_cluster_ip(spec) and needs_cluster_ip(old):
        errors += _fixed_addresses(spec, old)
        errors += _fixed_families(spec, old)
    if spec.get("type") == old.get("type") == "LoadBalancer":
        name = spec.get("loadBalancerClass")
        if name != old.get("loadBalancerClass"):
            errors.append(field_invalid("spec.loadBalancerClass", name, _ONCE))
    health = old.get("healthCheckNodePort")
    if needs_health_port(old) and needs_health_port(spec) and health and spec.get("healthCheckNodePort") != health:
        errors.append(field_forbidden("spec.healthCheckNodePort", "field is immutable"))
    return errors


def _fixed_addresses(spec: Object, old: Object) -> Iterator[FieldError]:
    ips, before = spec.get("clusterIPs", []), old.get("clusterIPs", [])
    if before and not ips:
        yield field_invalid("spec.clusterIPs[0]", ips, "primary clusterIP can not be unset")
    for index, (ip, was) in enumerate(zip(ips, before, strict=False)):
        if ip != was:
            yield field_invalid(f"spec.clusterIPs[{index}]", ips, _ONCE)
    if len(before) == 2 and len(ips) == 1 and spec.get("ipFamilyPolicy") != "SingleStack":
        detail = "must be set to 'SingleStack' when releasing the secondary clusterIP"
        yield field_invalid("spec.ipFamilyPolicy", spec.get("ipFamilyPolicy"), detail)


def _fixed_families(spec: Object, old: Object) -> Iterator[FieldError]:
    families, before = spec.get("ipFamilies", []), old.get("ipFamilies", [])
    if before and families and families[0] != before[0]:
        yield field_invalid("spec.ipFamilies[0]", families, _ONCE)
