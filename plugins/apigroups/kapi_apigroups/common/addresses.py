"""IP addresses and networks as objects write them (Go's net.ParseIP and net.ParseCIDR)."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

NOT_AN_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
NOT_A_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_LONGEST = 64


def parse_ip(text: str) -> IPAddress | None:
    """Return the address that ``text`` writes, or None. Zones are refused, mapped IPv4 addresses are IPv4."""
    if len(text) > _LONGEST or "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def parse_cidr(text: str) -> IPNetwork | None:
    """Return the network that ``text`` writes (host bits may be set), or None."""
    address, slash, length = text.partition("/")
    if not slash or not (length.isascii() and length.isdigit()) or parse_ip(address) is None:
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def family_of(text: str) -> str:
    """Return ``IPv4`` or ``IPv6`` for an address, "" for something else."""
    address = parse_ip(text)
    return "" if address is None else f"IPv{address.version}"


def family_of_cidr(text: str) -> str:
    """Return ``IPv4`` or ``IPv6`` for a network, "" for something else."""
    network = parse_cidr(text)
    return "" if network is None else f"IPv{network.version}"


def ip_problem(text: str) -> str:
    """Return what is wrong with an address, "" for nothing."""
    return NOT_AN_IP if parse_ip(text) is None else ""


def cidr_problem(text: str) -> str:
    """Return what is wrong with a network, "" for nothing."""
    return NOT_A_CIDR if parse_cidr(text) is None else ""
