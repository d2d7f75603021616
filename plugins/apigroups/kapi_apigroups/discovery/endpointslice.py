"""Rules of EndpointSlice."""

import ipaddress
from collections.abc import Iterable, Iterator

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_duplicate, field_invalid, field_required
from kapi.meta.names import dns1123_label, dns1123_subdomain, label_value, qualified_name
from kapi_apigroups.common.addresses import IP_SYNTAX, parse_ip
from kapi_apigroups.common.fields import immutable, one_of

_HOSTNAME = "kubernetes.io/hostname"
_FAMILIES = {"IPv4": ipaddress.IPv4Address, "IPv6": ipaddress.IPv6Address}
_MOST_ADDRESSES = 100
_FORBIDDEN_RANGES = (
    ("is_unspecified", "may not be unspecified (0.0.0.0 or ::)"),
    ("is_loopback", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("is_link_local", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
)


class EndpointSliceStrategy(Strategy):
    """EndpointSlices: everything but annotations counts as a new generation."""

    generation = ("addressType", "endpoints", "ports", "metadata.labels")

    def default(self, obj: Object) -> None:
        """Fill in name and protocol of the ports."""
        for port in obj.get("ports") or ():
            port.setdefault("name", "")
            port.setdefault("protocol", "TCP")

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Drop the topology, which v1 only reads."""
        _drop_topology(obj, None)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Drop the topology of endpoints that changed."""
        if obj.get("endpoints") != old.get("endpoints"):
            _drop_topology(obj, old)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check addresses and ports."""
        return list(_validate(obj))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check addresses and ports, and that the type of the addresses stays."""
        return self.validate(ctx, obj) + list(immutable(obj, old, "addressType", ""))


def _drop_topology(obj: Object, old: Object | None) -> None:
    """Remove ``deprecatedTopology``; a node name that only stood there in ``old`` becomes ``nodeName``."""
    known = {one.get("deprecatedTopology", {}).get(_HOSTNAME) for one in (old or {}).get("endpoints") or ()}
    for endpoint in obj.get("endpoints") or ():
        topology = endpoint.pop("deprecatedTopology", {})
        node = topology.get(_HOSTNAME)
        if node and node in known and "nodeName" not in endpoint and not dns1123_subdomain(node):
            endpoint["nodeName"] = node


def _validate(obj: Object) -> Iterator[FieldError]:
    kind = obj.get("addressType", "")
    if not kind:
        yield field_required("addressType")
    else:
        yield from one_of(kind, "addressType", ("FQDN", "IPv4", "IPv6"))
    for index, endpoint in enumerate(obj.get("endpoints") or ()):
        yield from _validate_endpoint(endpoint, kind, f"endpoints[{index}]")
    yield from _validate_ports(obj.get("ports") or ())


def _validate_endpoint(endpoint: Object, kind: str, path: str) -> Iterator[FieldError]:
    addresses = endpoint.get("addresses") or ()
    if not addresses:
        yield field_required(f"{path}.addresses", "must contain at least 1 address")
    elif len(addresses) > _MOST_ADDRESSES:
        yield field_invalid(f"{path}.addresses", addresses, f"must have at most {_MOST_ADDRESSES} items")
    else:
        for index, address in enumerate(addresses):
            yield from _validate_address(address, kind, f"{path}.addresses", index)
    if "hostname" in endpoint:
        hostname = endpoint["hostname"]
        yield from (field_invalid(f"{path}.hostname", hostname, text) for text in dns1123_label(hostname))
    yield from _validate_hints(endpoint.get("hints", {}).get("forZones") or (), f"{path}.hints.forZones")


def _validate_address(address: str, kind: str, path: str, index: int) -> Iterator[FieldError]:
    if kind == "FQDN":
        yield from (field_invalid(f"{path}[{index}]", address, text) for text in dns1123_subdomain(address))
        return
    ip = parse_ip(address)
    if ip is None:
        yield field_invalid(f"{path}[{index}]", address, IP_SYNTAX)
        return
    if kind in _FAMILIES and not isinstance(ip, _FAMILIES[kind]):
        yield field_invalid(path, address, f"must be an {kind} address")
    for attribute, text in _FORBIDDEN_RANGES:
        if getattr(ip, attribute):
            yield field_invalid(f"{path}[{index}]", address, text)


def _validate_hints(zones: Iterable[Object], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, zone in enumerate(zones):
        name = zone.get("name", "")
        if name in seen:
            yield field_duplicate(f"{path}[{index}].name", name)
        seen.add(name)
        yield from (field_invalid(f"{path}[{index}].name", name, text) for text in label_value(name))


def _validate_ports(ports: Iterable[Object]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        path, name = f"ports[{index}]", port.get("name", "")
        if name:
            yield from (field_invalid(f"{path}.name", name, text) for text in dns1123_label(name))
        if name in seen:
            yield field_duplicate(f"{path}.name", name)
        seen.add(name)
        yield from one_of(port.get("protocol", "TCP"), f"{path}.protocol", ("SCTP", "TCP", "UDP"))
        protocol = port.get("appProtocol")
        if protocol is not None:
            yield from (field_invalid(f"{path}.appProtocol", protocol, text) for text in qualified_name(protocol))
