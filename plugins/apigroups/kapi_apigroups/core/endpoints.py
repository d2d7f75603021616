"""Rules of Endpoints."""

from collections.abc import Iterable, Iterator

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi.meta.names import dns1123_label, dns1123_subdomain, port_number, qualified_name
from kapi_apigroups.common.addresses import IP_SYNTAX, parse_ip
from kapi_apigroups.common.fields import one_of

_PROTOCOLS = ("SCTP", "TCP", "UDP")


class EndpointsStrategy(Strategy):
    """Endpoints: addresses must be reachable from other machines."""

    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        """Fill in the protocol of ports."""
        for subset in obj.get("subsets", ()):
            for port in subset.get("ports", ()):
                port.setdefault("protocol", "TCP")

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check addresses and ports."""
        return [
            error
            for index, subset in enumerate(obj.get("subsets", ()))
            for error in _validate_subset(subset, f"subsets[{index}]")
        ]

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the subsets only if they changed."""
        return [] if obj.get("subsets") == old.get("subsets") else self.validate(ctx, obj)


def _validate_subset(subset: Object, path: str) -> Iterator[FieldError]:
    ready, waiting = subset.get("addresses", ()), subset.get("notReadyAddresses", ())
    if not ready and not waiting:
        yield field_required(path, "must specify `addresses` or `notReadyAddresses`")
    yield from _validate_addresses(ready, f"{path}.addresses")
    yield from _validate_addresses(waiting, f"{path}.notReadyAddresses")
    ports = subset.get("ports", ())
    for index, port in enumerate(ports):
        yield from _validate_port(port, f"{path}.ports[{index}]", name_required=len(ports) > 1)


def _validate_addresses(addresses: Iterable[Object], path: str) -> Iterator[FieldError]:
    for index, address in enumerate(addresses):
        at = f"{path}[{index}]"
        if parse_ip(address.get("ip", "")) is None:
            yield field_invalid(f"{at}.ip", address.get("ip", ""), IP_SYNTAX)
        if address.get("hostname"):
            for problem in dns1123_label(address["hostname"]):
                yield field_invalid(f"{at}.hostname", address["hostname"], problem)
        if "nodeName" in address:
            for problem in dns1123_subdomain(address["nodeName"]):
                yield field_invalid(f"{at}.nodeName", address["nodeName"], problem)
        yield from validate_reachable(address.get("ip", ""), f"{at}.ip")


def validate_reachable(text: str, path: str) -> Iterator[FieldError]:
    """Yield why an address cannot be that of another machine."""
    address = parse_ip(text)
    if address is None:
        yield field_invalid(path, text, "must be a valid IP address")
        return
    if address.is_unspecified:
        yield field_invalid(path, text, f"may not be unspecified ({text})")
    if address.is_loopback:
        yield field_invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        yield field_invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if text.startswith("224.0.0.") or (address.version == 6 and address.packed[:2] == b"\xff\x02"):
        yield field_invalid(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")


def _validate_port(port: Object, path: str, *, name_required: bool) -> Iterator[FieldError]:
    name = port.get("name", "")
    if name_required and not name:
        yield field_required(f"{path}.name")
    elif name:
        for problem in dns1123_label(name):
            yield field_invalid(f"{path}.name", name, problem)
    for problem in port_number(port.get("port", 0)):
        yield field_invalid(f"{path}.port", port.get("port", 0), problem)
    yield from one_of(port.get("protocol", ""), f"{path}.protocol", _PROTOCOLS)
    if port.get("appProtocol"):
        for problem in qualified_name(port["appProtocol"]):
            yield field_invalid(f"{path}.appProtocol", port["appProtocol"], problem)
