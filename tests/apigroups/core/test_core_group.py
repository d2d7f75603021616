import asyncio
from pathlib import Path

import pytest

from kapi.contracts.plugins import BuildContext, Options
from kapi.testing.memory_client import MemoryClient
from kapi_apigroups.core import kapi_register_api_groups
from kapi_apigroups.core.bootstrap import core_objects
from kapi_apigroups.core.configured import CoreOptions


def test_storage_prefixes_are_those_of_kube_apiserver(core_resources):
    prefixes = {plural: resource.storage_prefix for plural, resource in core_resources.items()}
    assert prefixes["services"] == "services/specs"
    assert prefixes["endpoints"] == "services/endpoints"
    assert prefixes["nodes"] == "minions"
    assert prefixes["replicationcontrollers"] == "controllers"
    assert prefixes["pods"] == "pods"
    assert prefixes["bindings"] == prefixes["componentstatuses"] == ""


def test_every_subresource_is_served_by_rules(core_resources):
    for resource in core_resources.values():
        for sub in resource.subresources:
            assert type(sub.handler).__name__ != "Unserved", (resource.gvr.resource, sub.name)


@pytest.mark.parametrize(
    ("text", "low_and_size"), [("30000-32767", (30000, 2768)), ("30000+10", (30000, 11)), ("31000", (31000, 1))]
)
def test_port_ranges(text, low_and_size):
    assert CoreOptions.of({"service-node-port-range": text}).node_ports == low_and_size


def test_two_ranges_make_the_cluster_dual_stack():
    options = CoreOptions.of({"service-cluster-ip-range": "fd00::/112, 10.9.0.0/16"})
    assert options.first_service_ip == "fd00::1"
    assert [network.version for network in options.service_ranges] == [6, 4]


def test_events_live_as_long_as_the_flag_says():
    context = BuildContext(Options({"event-ttl": 60.0}), Path("/nonexistent"))
    (group,) = kapi_register_api_groups(context)
    (events,) = [one for one in group.versions[0].resources if one.gvr.resource == "events"]
    assert events.ttl is not None
    assert events.ttl({}) == 60.0


def test_bootstrap_names_the_service_and_where_it_is_reached():
    objects = core_objects("10.0.0.1", "192.0.2.7", 6443)(MemoryClient())
    by_kind: dict[str, list[str]] = {}
    for resource, obj in objects:
        by_kind.setdefault(resource.resource, []).append(obj["metadata"]["name"])
    assert by_kind == {
        "namespaces": ["default", "kube-system", "kube-public", "kube-node-lease"],
        "services": ["kubernetes"],
        "endpoints": ["kubernetes"],
        "endpointslices": ["kubernetes"],
    }
    endpoints = next(obj for resource, obj in objects if resource.resource == "endpoints")
    assert endpoints["subsets"][0]["addresses"] == [{"ip": "192.0.2.7"}]


def test_dual_stack_services_get_two_addresses():
    from kapi.contracts.authn import UserInfo
    from kapi.contracts.resources import RequestContext
    from kapi_apigroups.core.node_ports import NodePorts
    from kapi_apigroups.core.services import ServiceStrategy

    options = CoreOptions.of({"service-cluster-ip-range": "10.0.0.0/24,fd00::/112"})
    strategy = ServiceStrategy(options.service_ranges, NodePorts(30000, 10))
    ctx = RequestContext(UserInfo("u"), "create", "ns", "s", "", False, MemoryClient())
    service = {
        "metadata": {"name": "s", "namespace": "ns"},
        "spec": {"type": "ClusterIP", "ipFamilyPolicy": "PreferDualStack", "ports": [{"port": 1}], "selector": {}},
    }
    strategy.prepare_for_create(ctx, service)
    asyncio.run(strategy.before_create(ctx, service))
    assert service["spec"]["ipFamilies"] == ["IPv4", "IPv6"]
    assert [":" in address for address in service["spec"]["clusterIPs"]] == [False, True]
