"""IP addresses and CIDRs in objects: only forms that everybody reads the same way."""

import ipaddress
from collections.abc import Iterator

from kapi.meta.errors import FieldError, field_invalid

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

IP_SYNTAX = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
CIDR_SYNTAX = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_LEADING_ZEROS = "must not have leading 0s"
_MAPPED = "must not be an IPv4-mapped IPv6 address"
_LONGEST = 64


def parse_ip(text: str) -> IPAddress | None:
    """Return an address, or None for text that is not one (zones and leading zeros included)."""
    if "%" in text or len(text) > _LONGEST:
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _has_leading_zeros(text: str) -> bool:
    """Tell whether text would be an IPv4 address if its parts had no leading zeros."""
    parts = text.split(".")
    if len(parts) != 4 or len(text) > _LONGEST or not all(part.isascii() and part.isdigit() for part in parts):
        return False
    if not any(len(part) > 1 and part.startswith("0") for part in parts):
        return False
    return parse_ip(".".join(str(int(part)) for part in parts)) is not None


def canonical_ip(text: str) -> list[str]:
    """Return what is wrong with an address that must be in its canonical form."""
    ip = parse_ip(text)
    if ip is None:
        return [_LEADING_ZEROS if _has_leading_zeros(text) else IP_SYNTAX]
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return [_MAPPED]
    return [] if str(ip) == text else [f'must be in canonical form ("{ip}")']


def parse_cidr(text: str) -> IPNetwork | None:
    """Return a network, or None for text that is not one; bits beyond the prefix are ignored."""
    address, slash, prefix = text.partition("/")
    if not slash or not (prefix.isascii() and prefix.isdigit()) or prefix != str(int(prefix[:4])):
        return None
    ip = parse_ip(address)
    if ip is None or int(prefix) > ip.max_prefixlen:
        return None
    return ipaddress.ip_network(f"{address}/{prefix}", strict=False)


def validate_cidr(text: str, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a CIDR."""
    network = parse_cidr(text)
    address = text.partition("/")[0]
    if network is None:
        yield field_invalid(path, text, _LEADING_ZEROS if _has_leading_zeros(address) else CIDR_SYNTAX)
    elif parse_ip(address) != network.network_address:
        yield field_invalid(path, text, "must not have bits set beyond the prefix length")


def validate_canonical_cidr(text: str, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a CIDR that must be in its canonical form."""
    problems = list(validate_cidr(text, path))
    yield from problems
    network = parse_cidr(text)
    if not problems and str(network) != text:
        yield field_invalid(path, text, f'must be in canonical form ("{network}")')
