import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi_apigroups.core.pod_resources import aggregate, default_requests, qos_class

_AMOUNTS = st.sampled_from(["0", "100m", "1", "1000m", "2"])
_LISTS = st.dictionaries(st.sampled_from(["cpu", "memory", "x.io/gpu"]), _AMOUNTS, max_size=3)
_CONTAINERS = st.lists(st.fixed_dictionaries({"limits": _LISTS, "requests": _LISTS}), min_size=1, max_size=3)


def spec_of(*resources, init=()):
    return {
        "containers": [{"name": f"c{i}", "resources": one} for i, one in enumerate(resources)],
        "initContainers": list(init),
    }


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "0"}}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1024Mi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}, "Burstable"),
        ({"limits": {"x.io/gpu": "1"}}, "BestEffort"),
    ],
)
def test_quality_of_service(resources, expected):
    assert qos_class(spec_of(resources)) == expected


def test_the_resources_of_the_pod_decide_where_they_are_given():
    whole = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}
    assert qos_class({**spec_of({}), "resources": whole}) == "Guaranteed"


@given(_CONTAINERS)
def test_adding_a_container_that_asks_for_nothing_never_guarantees(resources):
    assert qos_class(spec_of(*resources, {})) != "Guaranteed"


@given(_CONTAINERS)
def test_defaulted_requests_are_stable_and_cover_the_limits(resources):
    spec = spec_of(*resources)
    default_requests(spec)
    once = repr(spec)
    default_requests(spec)
    assert repr(spec) == once
    for container in spec["containers"]:
        holder = container["resources"]
        assert holder["limits"].keys() <= holder["requests"].keys()


def test_init_containers_count_one_at_a_time_and_sidecars_throughout():
    init = [
        {"name": "a", "resources": {"requests": {"cpu": "3"}}},
        {"name": "s", "restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}},
        {"name": "b", "resources": {"requests": {"cpu": "2500m"}}},
    ]
    assert aggregate(spec_of({"requests": {"cpu": "2"}}, init=init), "requests") == {"cpu": "3500m"}


def test_pod_level_requests_default_from_containers_and_limits():
    spec = spec_of({"requests": {"cpu": "1m"}}, init=[{"resources": {"limits": {"hugepages-2Mi": "4Mi"}}}])
    spec["resources"] = {"limits": {"cpu": "2", "memory": "1Gi"}}
    default_requests(spec)
    assert spec["resources"]["limits"] == {"cpu": "2", "memory": "1Gi", "hugepages-2Mi": "4Mi"}
    assert spec["resources"]["requests"] == {"cpu": "1m", "memory": "1Gi", "hugepages-2Mi": "4Mi"}
