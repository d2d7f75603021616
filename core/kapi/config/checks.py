"""What a flag's value must be: functions that return what is wrong with it, or None."""

from collections.abc import Callable
from typing import Any

Check = Callable[[Any], str | None]

TLS12_SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""Cipher suites of TLS 1.2 that ``--tls-cipher-suites`` may name, with OpenSSL's names for them."""

TLS13_SUITES = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
"""Those of TLS 1.3: accepted, but always on (OpenSSL's Python binding cannot choose them)."""


def positive(value: float) -> str | None:
    """A number above zero."""
    return None if value > 0 else "must be greater than 0"


def not_negative(value: float) -> str | None:
    """A number, zero included."""
    return None if value >= 0 else "must not be negative"


def port(value: int) -> str | None:
    """A TCP port, or 0 for any."""
    return None if 0 <= value <= 65535 else "must be a port between 0 and 65535"


def one_of(*allowed: str) -> Check:
    """Return a check for one of some words."""
    listed = ", ".join(word for word in allowed if word)
    return lambda value: None if value in allowed else f"must be one of: {listed}"


def address(value: str) -> str | None:
    """An IPv4 or IPv6 address."""
    from ipaddress import ip_address

    try:
        ip_address(value)
    except ValueError:
        return "must be an IP address"
    return None


def address_or_empty(value: str) -> str | None:
    """An IP address, or nothing."""
    return address(value) if value else None


def storage_prefix(value: str) -> str | None:
    """A key prefix: begins with a slash and is not the root."""
    return None if value.startswith("/") and value.strip("/") else "must begin with / and not be empty"


def cipher_suites(value: tuple[str, ...]) -> str | None:
    """Names of cipher suites that kapi can offer."""
    unknown = [name for name in value if name not in TLS12_SUITES and name not in TLS13_SUITES]
    return f"unknown cipher suite {unknown[0]!r}" if unknown else None


def origin_patterns(value: tuple[str, ...]) -> str | None:
    """Regular expressions that say where a host begins and ends; else ``example.com`` would let in others' hosts."""
    import re2

    options = re2.Options()
    options.log_errors = False
    for pattern in value:
        if not pattern:
            return "must not have an empty pattern"
        try:
            re2.compile(pattern, options)
        except re2.error as error:
            reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
            return f"{pattern!r} is no regular expression: {reason}"
        if not any(mark in pattern for mark in ("^", "//")) or not any(mark in pattern for mark in ("$", ":")):
            return f"{pattern!r} does not say where the host begins (^ or //) and ends ($ or :)"
    return None


def sni_pairs(value: tuple[str, ...]) -> str | None:
    """``CERT,KEY`` or ``CERT,KEY:NAME,NAME``."""
    bad = [item for item in value if "," not in item.partition(":")[0]]
    return f"{bad[0]!r} is not CERT,KEY or CERT,KEY:NAME,NAME" if bad else None


def port_range(value: str) -> str | None:
    """``FIRST-LAST``, both ports."""
    first, dash, last = value.partition("-")
    if not (dash and first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        return "must be a range of ports like 30000-32767"
    return None if 0 < int(first) <= int(last) <= 65535 else "must be an ascending range of ports up to 65535"


def service_ranges(value: str) -> str | None:
    """One network, or two of different families, big enough to hold addresses."""
    from ipaddress import ip_network

    try:
        networks = [ip_network(part.strip()) for part in value.split(",")]
    except ValueError as ex:
        return str(ex)
    if len(networks) > 2 or (len(networks) == 2 and networks[0].version == networks[1].version):
        return "must be one range, or one IPv4 and one IPv6 range"
    small = [str(network) for network in networks if network.num_addresses < 8]
    return f"{small[0]} is too small: at least 8 addresses are needed" if small else None
