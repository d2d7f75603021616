"""The families of IP addresses and networks."""

from ipaddress import IPv6Address

from kapi_apigroups.common.addresses import parse_cidr, parse_ip


def family_of(text: str) -> str:
    """Return ``IPv4`` or ``IPv6`` for an address (IPv4 for one mapped into IPv6), "" for something else."""
    address = parse_ip(text)
    if address is None:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return "IPv4"
    return f"IPv{address.version}"


def family_of_cidr(text: str) -> str:
    """Return ``IPv4`` or ``IPv6`` for a network, "" for something else."""
    network = parse_cidr(text)
    return "" if network is None else f"IPv{network.version}"
