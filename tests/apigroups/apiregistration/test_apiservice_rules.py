import pytest

from kapi.contracts.client import ServedResource
from kapi.meta.gvk import GroupVersionResource

SPEC = {"group": "x.io", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 5}


@pytest.fixture
def services(kind_bench):
    return kind_bench("apiregistration", "apiservices")


class Served:
    def __init__(self, *resources):
        self._resources = resources

    def resources(self):
        return [ServedResource(GroupVersionResource(*one), "K", True, ("get",)) for one in self._resources]


def test_a_local_one_is_available_at_once(services):
    obj = services.create(metadata={"name": "v1.x.io"}, spec=SPEC)
    assert services.problems == []
    (condition,) = obj["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Available", "True", "Local")


def test_a_remote_one_gets_a_port_and_no_status(services):
    obj = services.create(metadata={"name": "v1.x.io"}, spec={**SPEC, "service": {"name": "s", "namespace": "n"}})
    assert obj["spec"]["service"]["port"] == 443
    assert obj["status"] == {}
    assert services.problems == []


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"group": "y.io"}, ["metadata.name"]),
        ({"version": "V_1"}, ["metadata.name", "spec.version"]),
        ({"groupPriorityMinimum": 20_001, "versionPriority": 0}, ["spec.groupPriorityMinimum", "spec.versionPriority"]),
        ({"insecureSkipTLSVerify": True}, ["spec.insecureSkipTLSVerify"]),
        ({"service": {"name": "", "namespace": ""}}, ["spec.service.namespace", "spec.service.name"]),
        ({"service": {"name": "s", "namespace": "n", "port": 70_000}}, ["spec.service.port"]),
    ],
)
def test_invalid(services, change, fields):
    found = services.findings(metadata={"name": "v1.x.io"}, spec={**SPEC, **change})
    assert [problem.partition(":")[0] for problem in found] == fields


def test_there_is_one_for_each_group_version_served_here(built_group):
    client = Served(
        ("", "v1", "pods"),
        ("", "v1", "services"),
        ("autoscaling", "v2", "h"),
        ("autoscaling", "v1", "h"),
        ("mine.example.com", "v1", "m"),
        ("apiregistration.k8s.io", "v1", "apiservices"),
    )
    found = {obj["metadata"]["name"]: obj["spec"] for _, obj in built_group("apiregistration").bootstrap(client)}
    assert {name: (spec["groupPriorityMinimum"], spec["versionPriority"]) for name, spec in found.items()} == {
        "v1.": (18000, 1),
        "v2.autoscaling": (17500, 30),
        "v1.autoscaling": (17500, 15),
        "v1.mine.example.com": (1000, 15),
    }
    assert "group" not in found["v1."]
