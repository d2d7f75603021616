"""Rules of NetworkPolicy."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_required
from kapi.meta.names import port_name, port_number
from kapi_apigroups.common.addresses import IPNetwork, parse_cidr, validate_cidr
from kapi_apigroups.common.fields import one_of
from kapi_apigroups.common.selectors import validate_label_selector

_PEERS = {"ingress": "from", "egress": "to"}


class NetworkPolicyStrategy(Strategy):
    """NetworkPolicies."""

    generation = ("spec",)

    def default(self, obj: Object) -> None:
        """Fill in the protocols, and the policy types that the rules imply."""
        spec = obj.setdefault("spec", {})
        for direction in _PEERS:
            for rule in spec.get(direction) or ():
                for port in rule.get("ports") or ():
                    port.setdefault("protocol", "TCP")
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check selectors, rules and types."""
        return list(_validate_spec(obj["spec"]))


def _validate_spec(spec: Object) -> Iterator[FieldError]:
    yield from validate_label_selector(spec.get("podSelector"), "spec.podSelector")
    for direction, peers in _PEERS.items():
        for index, rule in enumerate(spec.get(direction) or ()):
            path = f"spec.{direction}[{index}]"
            for number, port in enumerate(rule.get("ports") or ()):
                yield from _validate_port(port, f"{path}.ports[{number}]")
            for number, peer in enumerate(rule.get(peers) or ()):
                yield from _validate_peer(peer, f"{path}.{peers}[{number}]")
    types = spec["policyTypes"]
    if len(types) > 2:
        yield field_invalid("spec.policyTypes", types, "may not specify more than two policyTypes")
        return
    for index, kind in enumerate(types):
        yield from one_of(kind, f"spec.policyTypes[{index}]", ("Ingress", "Egress"))


def _validate_port(port: Object, path: str) -> Iterator[FieldError]:
    yield from one_of(port.get("protocol", "TCP"), f"{path}.protocol", ("TCP", "UDP", "SCTP"))
    number, end = port.get("port"), port.get("endPort")
    if isinstance(number, int):
        yield from (field_invalid(f"{path}.port", number, text) for text in port_number(number))
    elif number is not None:
        yield from (field_invalid(f"{path}.port", number, text) for text in port_name(number))
    if end is not None:
        yield from _validate_end(number, end, path)


def _validate_end(number: int | str | None, end: int, path: str) -> Iterator[FieldError]:
    path = f"{path}.endPort"
    if number is None:
        yield field_invalid(path, end, "may not be specified when `port` is not specified")
    elif isinstance(number, str):
        yield field_invalid(path, end, "may not be specified when `port` is non-numeric")
    else:
        if end < number:
            yield field_invalid(path, number, "must be greater than or equal to `port`")
        yield from (field_invalid(path, end, text) for text in port_number(end))


def _validate_peer(peer: Object, path: str) -> Iterator[FieldError]:
    for member in ("podSelector", "namespaceSelector"):
        yield from validate_label_selector(peer.get(member), f"{path}.{member}")
    if "ipBlock" in peer:
        yield from _validate_block(peer["ipBlock"], f"{path}.ipBlock")
    if not peer:
        yield field_required(path, "must specify a peer")
    elif "ipBlock" in peer and len(peer) > 1:
        yield field_forbidden(path, "may not specify both ipBlock and another peer")


def _validate_block(block: Object, path: str) -> Iterator[FieldError]:
    cidr = block.get("cidr", "")
    if not cidr:
        yield field_required(f"{path}.cidr")
        return
    problems = list(validate_cidr(cidr, f"{path}.cidr"))
    yield from problems
    whole = parse_cidr(cidr)
    for index, text in enumerate(block.get("except") or ()):
        at = f"{path}.except[{index}]"
        problems = list(validate_cidr(text, at))
        yield from problems
        part = parse_cidr(text)
        if not problems and whole and part and not _strictly_within(part, whole):
            yield field_invalid(at, text, "must be a strict subset of `cidr`")


def _strictly_within(part: IPNetwork, whole: IPNetwork) -> bool:
    return part.version == whole.version and part.prefixlen > whole.prefixlen and part.network_address in whole
