import asyncio

import pytest

from kapi.meta.errors import StatusError
from kapi_apigroups.core.node_ports import NodePorts, ports_of
from kapi_apigroups.core.resources import SERVICES


def service(name="s", *ports, **spec):
    listed = [{"port": 80 + i, "protocol": "TCP", **port} for i, port in enumerate(ports or ({},))]
    return {"metadata": {"name": name, "namespace": "ns"}, "spec": {"type": "NodePort", "ports": listed, **spec}}


async def test_concurrent_services_get_different_ports(client):
    ports = NodePorts(30000, 20)
    services = [service(f"s{i}") for i in range(20)]
    await asyncio.gather(*(ports.fill(client, one, None) for one in services))
    assert len({one["spec"]["ports"][0]["nodePort"] for one in services}) == 20
    with pytest.raises(StatusError, match="range is full"):
        await ports.fill(client, service("more"), None)


async def test_a_port_that_another_service_has_is_refused(client):
    await client.create(SERVICES, service("a", {"nodePort": 30005}), "ns")
    errors = await NodePorts(30000, 20).fill(client, service("b", {"nodePort": 30005}), None)
    assert [error.message for error in errors] == ["Invalid value: 30005: provided port is already allocated"]


async def test_a_port_may_serve_two_protocols_of_one_service(client):
    ports = ({"nodePort": 30005}, {"nodePort": 30005, "protocol": "UDP"})
    assert await NodePorts(30000, 20).fill(client, service("b", *ports), None) == []
    errors = await NodePorts(30000, 20).fill(client, service("c", {"nodePort": 30005}, {"nodePort": 30005}), None)
    assert [error.field for error in errors] == ["spec.ports[1].nodePort"]


async def test_a_reservation_ends_when_the_service_is_written(client):
    ports = NodePorts(30000, 20)
    first = service("a", {"nodePort": 30005})
    await ports.fill(client, first, None)
    assert await ports.fill(client, service("b", {"nodePort": 30005}), None)
    await client.create(SERVICES, service("a", {"nodePort": 30006}), "ns")
    assert await ports.fill(client, service("b", {"nodePort": 30005}), None) == []


async def test_a_failed_creation_frees_its_ports(client):
    ports = NodePorts(30000, 20)
    first = service("a", {"nodePort": 30005})
    await ports.fill(client, first, None)
    ports.forget(first)
    assert await ports.fill(client, service("b", {"nodePort": 30005}), None) == []


async def test_an_update_keeps_its_own_ports_even_outside_the_range(client):
    old = await client.create(SERVICES, service("a", {"nodePort": 99}), "ns")
    new = service("a", {"nodePort": 99}, {"name": "more"})
    assert await NodePorts(30000, 20).fill(client, new, old) == []
    assert len(ports_of(new["spec"])) == 2


async def test_a_taken_health_check_port_is_an_internal_error(client):
    await client.create(SERVICES, service("a", {"nodePort": 30005}), "ns")
    balanced = service("b", type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=30005)
    with pytest.raises(StatusError) as caught:
        await NodePorts(30000, 20).fill(client, balanced, None)
    assert caught.value.code == 500
    assert "failed to allocate requested HealthCheck NodePort 30005" in caught.value.message
