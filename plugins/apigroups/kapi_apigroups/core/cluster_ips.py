"""Cluster IPs of services, allocated as IPAddress objects: whoever creates the object has the address."""

import random
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from kapi.contracts.client import ObjectClient
from kapi.contracts.resources import Object
from kapi.meta.errors import StatusError, internal_error
from kapi_apigroups.common.addresses import IPNetwork, parse_ip
from kapi_apigroups.core.resources import IP_ADDRESSES, SERVICES

MANAGED_BY = {"ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"}
_FAMILY_LABEL = "ipaddress.kubernetes.io/ip-family"
_MOST_STATIC = 256
_LEAST_STATIC = 16
_MOST_TRIES = 4096


class AddressUnavailable(Exception):
    """An address that a client asked for cannot be had; the text says why."""


class ClusterIPs:
    """Takes and gives back addresses of the configured ranges."""

    def __init__(self, ranges: Sequence[IPNetwork]) -> None:
        """Take the ranges, at most one of each family."""
        self._ranges = {f"IPv{network.version}": network for network in ranges}

    async def take(self, client: ObjectClient, text: str, owner: Object, *, dry_run: bool) -> None:
        """Take a certain address for a service; raises AddressUnavailable.

        An address that was taken for a service of this name and is not in use by it is free: the server may have been
        killed between taking it and storing the service.
        """
        if not self._usable(text):
            raise AddressUnavailable(
                f"failed to allocate IP {text}: the provided network does not match the current range"
            )
        created = await _create(client, text, owner, dry_run=dry_run)
        if not created and await _left_over(client, str(ip_address(text)), owner) is None:
            raise AddressUnavailable(f"failed to allocate IP {text}: provided IP is already allocated")

    async def take_any(self, client: ObjectClient, family: str, owner: Object, *, dry_run: bool) -> str:
        """Take some free address of a family; raises an internal error when there is none."""
        known = client.informer(IP_ADDRESSES)
        await known.synced()
        for text in _candidates(self._ranges[family]):
            if known.get(text) is None and await _create(client, text, owner, dry_run=dry_run):
                return text
        raise internal_error("failed to allocate a serviceIP: range is full")

    async def give_back(self, client: ObjectClient, addresses: Sequence[str], owner: Object) -> None:
        """Delete the objects of addresses, as far as they are the service's, and no service of its name is using them.

        Another process may have stored the service that this one could not store.
        """
        for text in addresses:
            address = parse_ip(text)
            if address is not None:
                await _delete(client, str(address), owner)

    def _usable(self, text: str) -> bool:
        address = parse_ip(text)
        if address is None:
            return False
        network = self._ranges.get(f"IPv{address.version}")
        if network is None or address not in network or address == network.network_address:
            return False
        return address.version == 6 or address != network.broadcast_address


def _candidates(network: IPNetwork) -> Iterator[str]:
    """Yield addresses to try: from a random one on, those at the low end last, where clients choose by hand."""
    first = int(network.network_address)
    usable = network.num_addresses - (1 if network.version == 6 else 2)
    static = min(max(_LEAST_STATIC, network.num_addresses // 16), _MOST_STATIC)
    low = min(static - 1, usable) if network.num_addresses > _LEAST_STATIC else 0
    upper = usable - low
    if upper > 0:
        start = random.randrange(upper)
        for step in range(min(upper, max(_MOST_TRIES, 1 << 16))):
            yield str(_at(first + 1 + low + (start + step) % upper, network))
    for offset in range(low):
        yield str(_at(first + 1 + offset, network))


def _at(number: int, network: IPNetwork) -> object:
    return type(network.network_address)(number)


def _parent(owner: Object) -> Object:
    metadata = owner["metadata"]
    return {"resource": "services", "namespace": metadata.get("namespace", ""), "name": metadata["name"]}


async def _create(client: ObjectClient, text: str, owner: Object, *, dry_run: bool) -> bool:
    """Create the object of an address; False when it exists. A dry run does not look, as in kube-apiserver."""
    name = str(ip_address(text))
    if dry_run:
        return True
    labels = {_FAMILY_LABEL: f"IPv{ip_address(text).version}", **MANAGED_BY}
    try:
        await client.create(
            IP_ADDRESSES, {"metadata": {"name": name, "labels": labels}, "spec": {"parentRef": _parent(owner)}}
        )
    except StatusError as error:
        if error.reason != "AlreadyExists":
            raise
        return False
    return True


async def _left_over(client: ObjectClient, name: str, owner: Object) -> Object | None:
    """Return the object of an address if it is that of a service of this name that does not use the address."""
    try:
        found = await client.get(IP_ADDRESSES, name)
    except StatusError as error:
        if error.reason != "NotFound":
            raise
        return None
    mine = found.get("spec", {}).get("parentRef") == _parent(owner)
    return found if mine and not await _in_use(client, name, owner) else None


async def _in_use(client: ObjectClient, name: str, owner: Object) -> bool:
    """Tell whether the service that is stored under the owner's name has the address."""
    metadata = owner["metadata"]
    try:
        live = await client.get(SERVICES, metadata["name"], metadata.get("namespace", ""))
    except StatusError as error:
        if error.reason != "NotFound":
            raise
        return False
    return name in (str(parse_ip(text)) for text in live["spec"].get("clusterIPs") or ())


async def _delete(client: ObjectClient, name: str, owner: Object) -> None:
    try:
        found = await _left_over(client, name, owner)
        if found is not None:
            await client.delete(IP_ADDRESSES, name, uid=found["metadata"]["uid"])
    except StatusError as error:
        if error.reason not in ("NotFound", "Conflict"):
            raise
