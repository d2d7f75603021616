"""What the flags say about the core group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from kapi_apigroups.common.addresses import IPNetwork

_RANGES = "10.0.0.0/24"
_NODE_PORTS = "30000-32767"
_PORT = 6443
_ANY_ADDRESS = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class CoreOptions:
    """The options of the group, read.

    ``service_ranges`` are the ranges of cluster IPs, at most one of each family, the preferred family first;
    ``node_ports`` the lowest node port and how many there are.
    """

    service_ranges: Sequence[IPNetwork]
    node_ports: tuple[int, int]
    advertise_address: str
    secure_port: int
    max_token_seconds: int
    extend_tokens: bool

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "CoreOptions":
        """Read the flags; those that are missing have their defaults. Raises ValueError for malformed ones."""
        ranges = options.get("service-cluster-ip-range") or _RANGES
        return cls(
            service_ranges=tuple(ip_network(text.strip()) for text in ranges.split(",")),
            node_ports=_port_range(options.get("service-node-port-range") or _NODE_PORTS),
            advertise_address=options.get("advertise-address") or _ANY_ADDRESS,
            secure_port=options.get("secure-port") or _PORT,
            max_token_seconds=int(options.get("service-account-max-token-expiration") or 0),
            extend_tokens=bool(options.get("service-account-extend-token-expiration", True)),
        )

    @property
    def first_service_ip(self) -> str:
        """The cluster IP of the ``kubernetes`` service."""
        network = self.service_ranges[0]
        return str(network[1])


def _port_range(text: str) -> tuple[int, int]:
    """Read ``30000-32767``, ``30000+2767`` or a single port."""
    low, plus, more = text.partition("+")
    if plus:
        return int(low), int(more) + 1
    low, _, high = text.partition("-")
    return int(low), int(high or low) - int(low) + 1
