import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi_apigroups.common.addresses import IP_SYNTAX, canonical_ip, parse_cidr, validate_cidr

BACKEND = {"service": {"name": "s", "port": {"number": 80}}}


def path(text, kind="Prefix", backend=BACKEND):
    return {"rules": [{"http": {"paths": [{"path": text, "pathType": kind, "backend": backend}]}}]}


class TestIngress:
    @pytest.fixture
    def ingresses(self, kind_bench):
        return kind_bench("networking", "ingresses")

    def test_status_starts_empty_and_stays(self, ingresses):
        old = ingresses.create(
            spec={"defaultBackend": BACKEND}, status={"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}
        )
        assert old["status"] == {"loadBalancer": {}}
        balancer = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}
        new = ingresses.update(old, "status", status=balancer)
        assert (new["status"], new["spec"]) == (balancer, old["spec"])
        assert ingresses.problems == []

    @pytest.mark.parametrize(
        ("spec", "field"),
        [
            ({}, "spec"),
            ({"defaultBackend": {}}, "spec.defaultBackend"),
            ({"defaultBackend": {**BACKEND, "resource": {"kind": "K", "name": "n"}}}, "spec.defaultBackend"),
            (path("rel"), "spec.rules[0].http.paths[0].path"),
            (path("/a/../b"), "spec.rules[0].http.paths[0].path"),
            (path("/", "Bad"), "spec.rules[0].http.paths[0].pathType"),
            ({"rules": [{"http": {"paths": []}}]}, "spec.rules[0].http.paths"),
            ({"rules": [{"host": "1.2.3.4"}]}, "spec.rules[0].host"),
            ({"rules": [{"host": "*.*.x"}]}, "spec.rules[0].host"),
            ({"defaultBackend": BACKEND, "tls": [{"hosts": ["a b"]}]}, "spec.tls[0].hosts[0]"),
        ],
    )
    def test_invalid(self, ingresses, spec, field):
        assert [problem.partition(":")[0] for problem in ingresses.findings(spec=spec)] == [field]

    @pytest.mark.parametrize("text", ["/", "/x", "/x/y.z"])
    def test_valid_paths(self, ingresses, text):
        assert ingresses.findings(spec=path(text)) == []

    def test_the_old_annotation_warns_and_must_agree(self, ingresses):
        metadata = {"name": "x", "annotations": {"kubernetes.io/ingress.class": "old"}}
        ingresses.create(metadata=metadata, spec={"defaultBackend": BACKEND})
        assert ingresses.warnings == [
            "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"
        ]
        ingresses.create(metadata=metadata, spec={"defaultBackend": BACKEND, "ingressClassName": "new"})
        assert len(ingresses.problems) == 1
        assert ingresses.warnings == []

    def test_is_stored_under_its_old_key(self, ingresses):
        assert ingresses.resource.storage_prefix == "ingress"


class TestIngressClass:
    @pytest.fixture
    def classes(self, kind_bench):
        return kind_bench("networking", "ingressclasses")

    def test_scope_of_parameters(self, classes):
        obj = classes.create(spec={"controller": "x.io/c", "parameters": {"kind": "K", "name": "n"}})
        assert obj["spec"]["parameters"]["scope"] == "Cluster"
        assert classes.problems == []

    def test_the_controller_is_immutable(self, classes):
        old = classes.create(spec={"controller": "x.io/c"})
        classes.update(old, spec={"controller": "x.io/d"})
        assert classes.problems == ['spec.controller: Invalid value: "x.io/d": field is immutable']

    @pytest.mark.parametrize("controller", ["", "nodomain", "a b/c", "x.io/" + "c" * 250, "x.io/ä"])
    def test_malformed_controllers(self, classes, controller):
        assert classes.findings(spec={"controller": controller})


class TestNetworkPolicy:
    @pytest.fixture
    def policies(self, kind_bench):
        return kind_bench("networking", "networkpolicies")

    @pytest.mark.parametrize(
        ("spec", "types"),
        [({}, ["Ingress"]), ({"egress": [{}]}, ["Ingress", "Egress"]), ({"policyTypes": ["Egress"]}, ["Egress"])],
    )
    def test_types_follow_from_the_rules(self, policies, spec, types):
        assert policies.create(spec=spec)["spec"]["policyTypes"] == types

    def test_protocols(self, policies):
        obj = policies.create(spec={"ingress": [{"ports": [{"port": 80}, {"protocol": "UDP"}]}]})
        assert [port["protocol"] for port in obj["spec"]["ingress"][0]["ports"]] == ["TCP", "UDP"]

    @pytest.mark.parametrize(
        ("peer", "field"),
        [
            ({}, "spec.egress[0].to[0]"),
            ({"ipBlock": {"cidr": ""}}, "spec.egress[0].to[0].ipBlock.cidr"),
            ({"ipBlock": {"cidr": "10.0.0.1/8"}}, "spec.egress[0].to[0].ipBlock.cidr"),
            ({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}}, "spec.egress[0].to[0].ipBlock.except[0]"),
            ({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["fd00::/8"]}}, "spec.egress[0].to[0].ipBlock.except[0]"),
            ({"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}, "spec.egress[0].to[0]"),
        ],
    )
    def test_invalid_peers(self, policies, peer, field):
        assert [problem.partition(":")[0] for problem in policies.findings(spec={"egress": [{"to": [peer]}]})] == [
            field
        ]

    def test_ports(self, policies):
        ports = [{"port": 0}, {"port": "Bad_"}, {"endPort": 5}, {"port": 10, "endPort": 5}, {"port": 1, "endPort": 2}]
        found = policies.findings(spec={"ingress": [{"ports": ports}]})
        assert [problem.partition(":")[0].rpartition("ports")[2] for problem in found] == [
            "[0].port",
            "[1].port",
            "[2].endPort",
            "[3].endPort",
        ]


class TestIPAddress:
    @pytest.fixture
    def addresses(self, kind_bench):
        return kind_bench("networking", "ipaddresses")

    def test_the_holder_is_immutable(self, addresses):
        old = addresses.create(spec={"parentRef": {"resource": "services", "name": "s"}})
        addresses.update(old, spec={"parentRef": {"resource": "services", "name": "t"}})
        assert addresses.problems == [
            'spec.parentRef: Invalid value: {"Group":"","Resource":"services","Namespace":"","Name":"t"}: '
            "field is immutable"
        ]

    def test_names_are_addresses(self, addresses):
        assert addresses.resource.strategy.validate_name("10.0.0.1", False) == []
        assert addresses.resource.strategy.validate_name("web", False) == [IP_SYNTAX]


class TestServiceCIDR:
    @pytest.fixture
    def ranges(self, kind_bench):
        return kind_bench("networking", "servicecidrs")

    @pytest.mark.parametrize(
        ("cidrs", "valid"),
        [
            (["10.0.0.0/24"], True),
            (["10.0.0.0/24", "fd00::/64"], True),
            ([], False),
            (["10.0.0.1/24"], False),
            (["10.0.0.0/24", "10.1.0.0/24"], False),
            (["10.0.0.0/24", "fd00::/64", "10.1.0.0/24"], False),
            (["x"], False),
            (["fd00:0::/64"], False),
        ],
    )
    def test_ranges(self, ranges, cidrs, valid):
        assert (ranges.findings(spec={"cidrs": cidrs}) == []) is valid

    def test_a_second_family_may_be_added(self, ranges):
        old = ranges.create(spec={"cidrs": ["10.0.0.0/24"]})
        ranges.update(old, spec={"cidrs": ["10.0.0.0/24", "fd00::/64"]})
        assert ranges.problems == []
        ranges.update(old, spec={"cidrs": ["10.1.0.0/24"]})
        assert ranges.problems == ['spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable']

    def test_a_status_write_changes_no_labels(self, ranges):
        old = ranges.create(metadata={"name": "x", "labels": {"a": "b"}}, spec={"cidrs": ["10.0.0.0/24"]})
        assert ranges.update(old, "status", status={})["metadata"]["labels"] == {"a": "b"}

    def test_the_configured_range_is_there_from_the_start(self, built_group):
        ((resource, obj),) = built_group("networking").bootstrap(None)
        assert (resource.resource, obj["metadata"]["name"]) == ("servicecidrs", "kubernetes")
        assert obj["spec"]["cidrs"] == ["10.96.0.0/16"]
        assert obj["status"]["conditions"][0]["status"] == "True"


class TestAddresses:
    @given(st.ip_addresses())
    def test_the_text_of_an_address_is_canonical(self, address):
        mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
        assert (canonical_ip(str(address)) == []) is not mapped

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("10.97.03.9", "must not have leading 0s"),
            ("fd00::0", 'must be in canonical form ("fd00::")'),
            ("::ffff:10.0.0.1", "must not be an IPv4-mapped IPv6 address"),
            ("fe80::1%eth0", IP_SYNTAX),
            ("1.2.3", IP_SYNTAX),
            ("1" * 1000, IP_SYNTAX),
        ],
    )
    def test_other_forms_are_refused(self, text, problem):
        assert canonical_ip(text) == [problem]

    @given(st.text())
    def test_any_text_can_be_judged(self, text):
        assert isinstance(canonical_ip(text), list)
        assert parse_cidr(text) is None or "/" in text

    @pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/", "10.0.0.0/-1", "/8", "10.0.0.0/8/8"])
    def test_malformed_cidrs(self, text):
        assert len(list(validate_cidr(text, "p"))) == 1
