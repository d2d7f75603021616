import pytest


@pytest.fixture
def slices(kind_bench):
    return kind_bench("discovery", "endpointslices")


def test_ports_get_name_and_protocol(slices):
    obj = slices.create(addressType="IPv4", ports=[{"port": 80}])
    assert obj["ports"] == [{"port": 80, "name": "", "protocol": "TCP"}]
    assert slices.problems == []


def test_topology_is_only_read(slices):
    endpoint = {"addresses": ["10.1.1.1"], "deprecatedTopology": {"a": "b"}}
    obj = slices.create(addressType="IPv4", endpoints=[endpoint])
    assert "deprecatedTopology" not in obj["endpoints"][0]


def test_a_node_known_from_the_topology_becomes_a_member(slices):
    topology = {"kubernetes.io/hostname": "n"}
    endpoint = {"addresses": ["10.1.1.1"], "conditions": {}, "deprecatedTopology": topology}
    old = {**slices.create(addressType="IPv4"), "endpoints": [endpoint]}
    new = slices.update(old, addressType="IPv4", endpoints=[{**endpoint, "addresses": ["10.1.1.2"]}])
    assert new["endpoints"][0]["nodeName"] == "n"
    same = slices.update(old, addressType="IPv4", endpoints=[endpoint])
    assert same["endpoints"][0].get("deprecatedTopology") == topology


def test_the_type_is_immutable(slices):
    slices.update(slices.create(addressType="IPv4"), addressType="IPv6")
    assert slices.problems == ['addressType: Invalid value: "IPv6": field is immutable']


@pytest.mark.parametrize(
    ("kind", "addresses", "fields"),
    [
        ("IPv4", ["10.1.1.1"], []),
        ("IPv6", ["fd00::1"], []),
        ("FQDN", ["a.example.com"], []),
        ("", [], ["addressType", "endpoints[0].addresses"]),
        ("IPv4", [], ["endpoints[0].addresses"]),
        ("IPv4", ["fd00::1"], ["endpoints[0].addresses"]),
        ("IPv4", ["127.0.0.1"], ["endpoints[0].addresses[0]"]),
        ("IPv4", ["x"], ["endpoints[0].addresses[0]"]),
        ("FQDN", ["-bad"], ["endpoints[0].addresses[0]"]),
    ],
)
def test_addresses(slices, kind, addresses, fields):
    found = slices.findings(addressType=kind, endpoints=[{"addresses": addresses}])
    assert [problem.partition(":")[0] for problem in found] == fields


def test_port_names_are_distinct(slices):
    found = slices.findings(addressType="IPv4", ports=[{"name": "a"}, {"name": "a"}])
    assert found == ['ports[1].name: Duplicate value: "a"']
