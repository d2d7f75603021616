import copy

import pytest

from kapi.meta.errors import StatusError


@pytest.fixture
def strategy(core_resources):
    return core_resources["services"].strategy


def service(**spec):
    return {"spec": {"ports": [{"port": 80}], "selector": {"a": "b"}, **spec}}


@pytest.fixture
def stored(created, strategy, ctx):
    async def make(**spec):
        new = created("services", service(**spec))
        await strategy.before_create(ctx, new)
        return new

    return make


async def test_a_service_gets_defaults_and_an_address(stored):
    spec = (await stored())["spec"]
    assert spec["type"] == "ClusterIP"
    assert spec["sessionAffinity"] == "None"
    assert spec["internalTrafficPolicy"] == "Cluster"
    assert spec["ipFamilies"] == ["IPv4"]
    assert spec["ipFamilyPolicy"] == "SingleStack"
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert spec["clusterIP"].startswith("10.0.0.")
    assert "externalTrafficPolicy" not in spec


async def test_node_ports_and_load_balancers_get_more(stored):
    spec = (await stored(type="LoadBalancer", externalTrafficPolicy="Local"))["spec"]
    assert spec["allocateLoadBalancerNodePorts"] is True
    assert 30000 <= spec["ports"][0]["nodePort"] <= 32767
    assert 30000 <= spec["healthCheckNodePort"] <= 32767
    assert spec["healthCheckNodePort"] != spec["ports"][0]["nodePort"]
    spec = (await stored(type="LoadBalancer", allocateLoadBalancerNodePorts=False))["spec"]
    assert "nodePort" not in spec["ports"][0]


async def test_headless_and_external_services_get_no_address(stored):
    assert (await stored(clusterIP="None"))["spec"]["clusterIPs"] == ["None"]
    spec = (await stored(type="ExternalName", externalName="a.b"))["spec"]
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "internalTrafficPolicy"} & spec.keys()


def test_headless_services_without_selector_may_have_both_families(created):
    spec = created("services", {"spec": {"clusterIP": "None", "ports": [{"port": 1}]}})["spec"]
    assert spec["ipFamilies"] == ["IPv4", "IPv6"]
    assert spec["ipFamilyPolicy"] == "RequireDualStack"


def test_session_affinity_has_a_timeout_only_for_client_ip(settle):
    spec = settle("services", service(sessionAffinity="ClientIP", sessionAffinityConfig={}))["spec"]
    assert spec["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    spec = settle("services", service(sessionAffinityConfig={"clientIP": {"timeoutSeconds": 5}}))["spec"]
    assert "sessionAffinityConfig" not in spec


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"clusterIP": "x"}, 'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address'),
        ({"clusterIPs": ["10.0.0.5"]}, "must be empty when `clusterIP` is not specified"),
        ({"clusterIP": "10.0.0.4", "clusterIPs": ["10.0.0.5"]}, "first value must match `clusterIP`"),
        ({"clusterIP": "fd00::5"}, "IPv6 is not configured on this cluster"),
        ({"ipFamilies": ["IPv6"]}, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'),
        ({"ipFamilies": ["IPv5"]}, "spec.ipFamilies[0]: Unsupported value"),
        ({"ipFamilies": ["IPv4", "IPv4"]}, "spec.ipFamilies[1]: Duplicate value"),
        ({"ipFamilies": ["IPv4", "IPv6"]}, "when multiple IP families are specified"),
        ({"ipFamilyPolicy": "RequireDualStack"}, "this cluster is not configured for dual-stack services"),
        ({"clusterIP": "10.0.0.9", "ipFamilies": ["IPv6"]}, "expected an IPv6 value"),
        ({"type": "ExternalName", "externalName": "a", "clusterIP": "None"}, "may not be set for ExternalName"),
    ],
)
def test_impossible_addresses_are_refused_before_anything_else(settle, strategy, ctx, spec, text):
    new = settle("services", service(**spec))
    with pytest.raises(StatusError) as caught:
        strategy.prepare_for_create(ctx, new)
    assert caught.value.code == 422
    assert text in caught.value.message


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"ports": []}, "spec.ports"),
        ({"ports": [{"port": 0}]}, "spec.ports[0].port"),
        ({"ports": [{"port": 80, "protocol": "ICMP"}]}, "spec.ports[0].protocol"),
        ({"ports": [{"port": 80, "name": "Bad_"}]}, "spec.ports[0].name"),
        ({"ports": [{"port": 80, "targetPort": "not_valid"}]}, "spec.ports[0].targetPort"),
        ({"ports": [{"port": 80, "nodePort": 30000}]}, "spec.ports[0].nodePort"),
        ({"ports": [{"port": 80}, {"port": 81}]}, "spec.ports[0].name"),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}, "spec.ports[1]"),
        ({"type": "Bogus"}, "spec.type"),
        ({"type": "ExternalName"}, "spec.externalName"),
        ({"selector": {"bad key": "x"}}, "spec.selector"),
        ({"sessionAffinity": "Bogus"}, "spec.sessionAffinity"),
        ({"externalTrafficPolicy": "Local"}, "spec.externalTrafficPolicy"),
        ({"externalIPs": ["127.0.0.1"]}, "spec.externalIPs[0]"),
        ({"type": "LoadBalancer", "loadBalancerSourceRanges": ["bad"]}, "spec.LoadBalancerSourceRanges[0]"),
        ({"loadBalancerClass": "x.y/z"}, "spec.loadBalancerClass"),
        ({"allocateLoadBalancerNodePorts": True}, "spec.allocateLoadBalancerNodePorts"),
        ({"trafficDistribution": "Bogus"}, "spec.trafficDistribution"),
    ],
)
def test_invalid_services(settle, strategy, ctx, spec, field):
    new = settle("services", service(**spec))
    strategy.prepare_for_create(ctx, new)
    assert field in [error.field for error in strategy.validate(ctx, new)]


def test_names_hold_no_dots(strategy):
    assert strategy.validate_name("1abc", False) == []
    assert strategy.validate_name("has.dot", False) == ["must not contain dots"]
    assert strategy.validate_name("x" * 64, False) == ["must be no more than 63 characters"]


async def update(strategy, settle, ctx, old, **spec):
    body = {"metadata": copy.deepcopy(old["metadata"]), "spec": {**copy.deepcopy(old["spec"]), **spec}}
    for member in [name for name, value in spec.items() if value is None]:
        del body["spec"][member]
    new = settle("services", {**body, "status": copy.deepcopy(old["status"])})
    strategy.prepare_for_update(ctx, new, old)
    errors = strategy.validate_update(ctx, new, old)
    if not errors:
        await strategy.before_update(ctx, new, old)
        await strategy.after_update(ctx, new, old)
    return new, [error.field for error in errors]


async def test_an_update_keeps_what_was_allocated(strategy, settle, ctx, stored):
    old = await stored(type="NodePort")
    new, errors = await update(
        strategy, settle, ctx, old, clusterIP=None, clusterIPs=None, ipFamilies=None, ports=[{"port": 80}]
    )
    assert errors == []
    assert new["spec"] == old["spec"]


async def test_addresses_do_not_change(strategy, settle, ctx, stored):
    old = await stored(clusterIP="10.0.0.5")
    _, errors = await update(strategy, settle, ctx, old, clusterIP="10.0.0.6", clusterIPs=["10.0.0.6"])
    assert errors == ["spec.clusterIPs[0]"]


async def test_a_type_without_ports_drops_them(strategy, settle, ctx, stored):
    old = await stored(type="LoadBalancer")
    old["status"] = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}
    new, errors = await update(strategy, settle, ctx, old, type="ClusterIP")
    assert errors == []
    assert "nodePort" not in new["spec"]["ports"][0]
    assert not {"externalTrafficPolicy", "allocateLoadBalancerNodePorts"} & new["spec"].keys()
    assert new["status"] == {"loadBalancer": {}}


async def test_becoming_external_gives_the_address_back(strategy, settle, ctx, client, stored):
    old = await stored(clusterIP="10.0.0.5")
    new, errors = await update(strategy, settle, ctx, old, type="ExternalName", externalName="a.b")
    assert errors == []
    assert "clusterIP" not in new["spec"]
    back, errors = await update(strategy, settle, ctx, new, type="ClusterIP")
    assert errors == []
    assert back["spec"]["clusterIP"].startswith("10.0.0.")
    assert await stored(clusterIP="10.0.0.5")


async def test_a_taken_address_is_refused_and_nothing_leaks(strategy, settle, ctx, stored):
    await stored(clusterIP="10.0.0.5")
    new = settle("services", service(clusterIP="10.0.0.5"))
    new["metadata"]["name"] = "other"
    strategy.prepare_for_create(ctx, new)
    with pytest.raises(StatusError) as caught:
        await strategy.before_create(ctx, new)
    assert "failed to allocate IP 10.0.0.5: provided IP is already allocated" in caught.value.message


async def test_what_was_taken_is_given_back_when_ports_cannot_be_had(strategy, settle, ctx, stored):
    new = settle("services", service(clusterIP="10.0.0.5", type="NodePort", ports=[{"port": 1, "nodePort": 99}]))
    strategy.prepare_for_create(ctx, new)
    with pytest.raises(StatusError) as caught:
        await strategy.before_create(ctx, new)
    assert "The range of valid ports is 30000-32767" in caught.value.message
    assert await stored(clusterIP="10.0.0.5")


async def test_deletion_gives_the_address_back(strategy, ctx, stored):
    await strategy.after_delete(ctx, await stored(clusterIP="10.0.0.5"))
    assert await stored(clusterIP="10.0.0.5")


def test_warnings(strategy, settle, ctx):
    new = settle("services", service(externalIPs=["1.2.3.4"], externalName="x", trafficDistribution="PreferClose"))
    assert [text.split(" ")[0] for text in strategy.warnings(ctx, new, None)] == [
        "spec.externalIPs",
        "spec.externalName",
        "spec.trafficDistribution:",
    ]
