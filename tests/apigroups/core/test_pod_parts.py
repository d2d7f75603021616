import pytest

from kapi_apigroups.core.pod_parts import EphemeralContainersStrategy, ResizeStrategy
from kapi_apigroups.core.pod_status import PodStatusStrategy
from kapi_apigroups.core.pods import PodStrategy


@pytest.fixture
def stored(created, pod_of):
    resources = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}}
    pod = created("pods", {"spec": {"containers": [{"name": "c", "image": "i:1", "resources": resources}]}})
    pod["metadata"]["resourceVersion"] = "5"
    return pod


@pytest.fixture
def sent(stored, settle):
    return settle("pods", stored)


def update(strategy, ctx, obj, old):
    strategy.prepare_for_update(ctx, obj, old)
    return [str(error) for error in strategy.validate_update(ctx, obj, old)]


def test_adding_an_ephemeral_container_changes_nothing_else(sent, stored, ctx):
    sent["spec"]["ephemeralContainers"] = [{"name": "dbg", "image": "b", "targetContainerName": "c"}]
    sent["spec"]["containers"][0]["image"] = "other"
    sent["metadata"]["labels"] = {"x": "y"}
    assert update(EphemeralContainersStrategy(PodStrategy()), ctx, sent, stored) == []
    assert sent["spec"]["containers"][0]["image"] == "i:1"
    assert "labels" not in sent["metadata"]
    assert sent["spec"]["ephemeralContainers"][0]["name"] == "dbg"


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"name": "c", "image": "b"}, 'spec.ephemeralContainers[0].name: Duplicate value: "c"'),
        ({"name": "d", "image": "b", "targetContainerName": "no"}, "targetContainerName: Not found"),
        ({"name": "d", "image": "b", "ports": [{"containerPort": 1}]}, "ports: Forbidden: cannot be set for an Eph"),
        ({"name": "D_", "image": "b"}, "spec.ephemeralContainers[0].name: Invalid value"),
    ],
)
def test_bad_ephemeral_containers(sent, stored, ctx, container, expected):
    sent["spec"]["ephemeralContainers"] = [container]
    (error,) = update(EphemeralContainersStrategy(PodStrategy()), ctx, sent, stored)
    assert expected in error


def test_ephemeral_containers_stay(sent, stored, ctx):
    stored["spec"]["ephemeralContainers"] = [{"name": "dbg", "image": "b"}]
    (error,) = update(EphemeralContainersStrategy(PodStrategy()), ctx, sent, stored)
    assert error == 'spec.ephemeralContainers: Forbidden: existing ephemeral containers "dbg" may not be removed\n'


def test_resize_changes_cpu_and_memory_only(sent, stored, ctx):
    container = sent["spec"]["containers"][0]
    container["resources"]["requests"]["cpu"] = "600m"
    container["image"] = "other"
    assert update(ResizeStrategy(PodStrategy()), ctx, sent, stored) == []
    assert sent["spec"]["containers"][0]["image"] == "i:1"
    assert sent["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "600m"


def test_resize_keeps_the_quality_of_service(sent, stored, ctx):
    sent["spec"]["containers"][0]["resources"]["requests"]["cpu"] = "1"
    errors = update(ResizeStrategy(PodStrategy()), ctx, sent, stored)
    assert errors == ['spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing']


def test_resize_refuses_other_resources_and_containers(sent, stored, ctx, settle):
    sent["spec"]["containers"][0]["resources"]["requests"]["ephemeral-storage"] = "1Gi"
    errors = update(ResizeStrategy(PodStrategy()), ctx, sent, stored)
    assert errors == ["spec: Forbidden: only cpu and memory resources are mutable"]
    more = settle("pods", stored)
    more["spec"]["containers"].insert(0, {"name": "new", "image": "x"})
    errors = update(ResizeStrategy(PodStrategy()), ctx, more, stored)
    assert errors == ["spec.containers: Forbidden: containers may not be added or removed on resize"]


def test_status_keeps_spec_owners_and_quality(sent, stored, ctx):
    stored["metadata"]["ownerReferences"] = [{"name": "o"}]
    sent["spec"]["nodeName"] = "evil"
    sent["status"] = {"phase": "Running", "podIP": "1.2.3.4"}
    strategy = PodStatusStrategy(PodStrategy())
    strategy.default(sent)
    assert update(strategy, ctx, sent, stored) == []
    assert "nodeName" not in sent["spec"]
    assert sent["metadata"]["ownerReferences"] == [{"name": "o"}]
    assert sent["status"] == {
        "phase": "Running",
        "podIP": "1.2.3.4",
        "podIPs": [{"ip": "1.2.3.4"}],
        "qosClass": "Burstable",
    }


@pytest.mark.parametrize(
    ("status", "field"),
    [
        ({"qosClass": "Guaranteed"}, "status.qosClass"),
        ({"podIPs": [{"ip": "bad"}]}, "status.podIPs[0]"),
        ({"podIPs": [{"ip": "1.1.1.1"}, {"ip": "2.2.2.2"}]}, "status.podIPs"),
        ({"hostIPs": [{"ip": "1.1.1.1"}]}, "status.hostIPs[0].ip"),
        ({"nominatedNodeName": "a b"}, "status.nominatedNodeName"),
        ({"resourceClaimStatuses": [{"name": "x"}]}, "status.resourceClaimStatuses[0].name"),
    ],
)
def test_bad_status(sent, stored, ctx, status, field):
    sent["status"] = status
    (error,) = update(PodStatusStrategy(PodStrategy()), ctx, sent, stored)
    assert error.startswith(f"{field}: Invalid value")
