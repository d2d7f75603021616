import asyncio
from ipaddress import ip_address, ip_network

import pytest

from kapi.meta.errors import StatusError
from kapi_apigroups.core.cluster_ips import AddressUnavailable, ClusterIPs
from kapi_apigroups.core.resources import IP_ADDRESSES, SERVICES


def owner(name="s"):
    return {"metadata": {"name": name, "namespace": "ns"}}


@pytest.fixture
def small():
    return ClusterIPs([ip_network("10.0.0.0/28")])


async def test_an_address_has_one_owner(client, small):
    async def take(name):
        try:
            await small.take(client, "10.0.0.5", owner(name), dry_run=False)
        except AddressUnavailable:
            return ""
        return name

    winners = [name for name in await asyncio.gather(*(take(f"s{i}") for i in range(8))) if name]
    assert len(winners) == 1
    parent = (await client.get(IP_ADDRESSES, "10.0.0.5"))["spec"]["parentRef"]
    assert parent == {"resource": "services", "namespace": "ns", "name": winners[0]}


async def test_all_addresses_of_a_range_are_used_once(client, small):
    taken = [await small.take_any(client, "IPv4", owner(f"s{i}"), dry_run=False) for i in range(14)]
    assert sorted(map(ip_address, taken)) == list(ip_network("10.0.0.0/28").hosts())
    with pytest.raises(StatusError) as caught:
        await small.take_any(client, "IPv4", owner(), dry_run=False)
    assert "range is full" in caught.value.message


@pytest.mark.parametrize("text", ["10.0.0.0", "10.0.0.15", "10.1.0.1", "fd00::1"])
async def test_addresses_outside_are_refused(client, small, text):
    with pytest.raises(AddressUnavailable, match="does not match the current range"):
        await small.take(client, text, owner(), dry_run=False)


async def test_only_the_owner_gives_back(client, small):
    await small.take(client, "10.0.0.5", owner("mine"), dry_run=False)
    await small.give_back(client, ["10.0.0.5"], owner("other"))
    assert await client.get(IP_ADDRESSES, "10.0.0.5")
    await small.give_back(client, ["10.0.0.5"], owner("mine"))
    with pytest.raises(StatusError):
        await client.get(IP_ADDRESSES, "10.0.0.5")


async def test_an_address_of_a_service_that_was_never_stored_is_free_for_it(client, small):
    """As when the server is killed between the two."""
    await small.take(client, "10.0.0.5", owner("mine"), dry_run=False)
    await small.take(client, "10.0.0.5", owner("mine"), dry_run=False)
    with pytest.raises(AddressUnavailable):
        await small.take(client, "10.0.0.5", owner("other"), dry_run=False)
    await client.create(SERVICES, {**owner("mine"), "spec": {"clusterIPs": ["10.0.0.5"]}}, "ns")
    with pytest.raises(AddressUnavailable):
        await small.take(client, "10.0.0.5", owner("mine"), dry_run=False)


async def test_what_the_stored_service_uses_is_not_given_back(client, small):
    """As when two processes create the same service, and one comes too late."""
    await small.take(client, "10.0.0.5", owner("mine"), dry_run=False)
    await client.create(SERVICES, {**owner("mine"), "spec": {"clusterIPs": ["10.0.0.5"]}}, "ns")
    await small.give_back(client, ["10.0.0.5"], owner("mine"))
    assert await client.get(IP_ADDRESSES, "10.0.0.5")


async def test_a_dry_run_takes_nothing(client, small):
    await small.take_any(client, "IPv4", owner(), dry_run=True)
    assert await client.list(IP_ADDRESSES) == []


async def test_the_low_end_is_left_for_choice_by_hand(client):
    wide = ClusterIPs([ip_network("10.0.0.0/24")])
    taken = [ip_address(await wide.take_any(client, "IPv4", owner(f"s{i}"), dry_run=False)) for i in range(50)]
    assert min(taken) >= ip_address("10.0.0.16")


async def test_ipv6_addresses_are_canonical(client):
    v6 = ClusterIPs([ip_network("fd00::/112")])
    await v6.take(client, "FD00:0:0::5", owner(), dry_run=False)
    labels = (await client.get(IP_ADDRESSES, "fd00::5"))["metadata"]["labels"]
    assert labels["ipaddress.kubernetes.io/ip-family"] == "IPv6"
