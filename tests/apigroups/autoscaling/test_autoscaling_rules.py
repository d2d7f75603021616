import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapi_apigroups.autoscaling import annotations as notes
from kapi_apigroups.autoscaling.conversion import from_v1, to_v1
from kapi_apigroups.autoscaling.defaults import cpu_metric, default_autoscaler

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}
SPEC = {"scaleTargetRef": TARGET, "maxReplicas": 3}
EXTERNAL = {"type": "External", "external": {"metric": {"name": "q"}, "target": {"type": "Value", "value": "3"}}}


@pytest.fixture
def second(kind_bench):
    return kind_bench("autoscaling", "horizontalpodautoscalers", "v2")


@pytest.fixture
def first(kind_bench):
    return kind_bench("autoscaling", "horizontalpodautoscalers", "v1")


def autoscaler(version="v2", metadata=None, **members):
    return {
        "kind": "HorizontalPodAutoscaler",
        "apiVersion": f"autoscaling/{version}",
        "metadata": {"name": "x", **(metadata or {})},
        **members,
    }


class TestV2:
    def test_defaults(self, second):
        obj = second.create(spec=SPEC)
        assert obj["spec"]["metrics"] == [cpu_metric(80)]
        assert obj["spec"]["minReplicas"] == 1
        assert "behavior" not in obj["spec"]
        assert obj["status"] == {"desiredReplicas": 0, "currentMetrics": None}
        assert second.problems == []

    def test_one_rule_brings_the_defaults_of_both_directions(self, second):
        behavior = second.create(spec={**SPEC, "behavior": {"scaleDown": {"selectPolicy": "Disabled"}}})["spec"][
            "behavior"
        ]
        assert behavior["scaleDown"]["selectPolicy"] == "Disabled"
        assert behavior["scaleDown"]["policies"] == [{"type": "Percent", "value": 100, "periodSeconds": 15}]
        assert [policy["type"] for policy in behavior["scaleUp"]["policies"]] == ["Pods", "Percent"]
        assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0

    def test_defaults_are_not_shared(self, second):
        one, two = (second.create(spec={**SPEC, "behavior": {"scaleUp": {}}}) for _ in range(2))
        one["spec"]["behavior"]["scaleUp"]["policies"].clear()
        assert two["spec"]["behavior"]["scaleUp"]["policies"]

    def test_drops_the_annotations_of_v1(self, second):
        metadata = {"name": "x", "annotations": {notes.METRICS: "[]", "a": "b"}}
        assert second.create(metadata=metadata, spec=SPEC)["metadata"]["annotations"] == {"a": "b"}

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"maxReplicas": 0}, ["spec.maxReplicas", "spec.maxReplicas"]),
            ({"minReplicas": 5}, ["spec.maxReplicas"]),
            ({"minReplicas": 0}, ["spec.minReplicas", "spec.metrics"]),
            ({"scaleTargetRef": {"kind": "a/b", "name": ".."}}, ["scaleTargetRef"] * 3),
            ({"metrics": [{}]}, ["spec.metrics[0].type"] * 3),
            ({"metrics": [{"type": "Resource"}]}, ["spec.metrics[0].resource"]),
            ({"metrics": [cpu_metric(0)]}, ["spec.metrics[0].resource.target.averageUtilization"]),
            ({"behavior": {"scaleUp": {"selectPolicy": "X"}}}, ["spec.behavior.scaleUp.selectPolicy"]),
            ({"behavior": {"scaleDown": {"tolerance": "-0.1"}}}, ["spec.behavior.scaleDown.tolerance"]),
        ],
    )
    def test_invalid(self, second, change, expected):
        found = [problem.partition(":")[0] for problem in second.findings(spec={**SPEC, **change})]
        assert len(found) == len(expected)
        assert all(want in got for want, got in zip(expected, found, strict=True))


class TestV1:
    def test_default_target(self, first):
        obj = first.create(spec=SPEC)
        assert obj["spec"]["targetCPUUtilizationPercentage"] == 80
        assert obj["status"] == {"currentReplicas": 0, "desiredReplicas": 0}
        assert first.problems == []

    def test_other_metrics_leave_cpu_open(self, first):
        flat = [{"type": "External", "external": {"metricName": "q", "targetValue": "3"}}]
        metadata = {"name": "x", "annotations": {notes.METRICS: notes.encode(flat)}}
        obj = first.create(metadata=metadata, spec=SPEC)
        assert "targetCPUUtilizationPercentage" not in obj["spec"]
        assert from_v1(obj)["spec"]["metrics"] == [EXTERNAL]

    def test_status_goes_into_fields_and_annotation(self, first):
        old = first.create(spec=SPEC)
        new = first.update(old, "status", status={"currentReplicas": 2, "currentCPUUtilizationPercentage": 12})
        assert new["status"]["currentCPUUtilizationPercentage"] == 12
        assert json.loads(new["metadata"]["annotations"][notes.CURRENT_METRICS]) == [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "currentAverageUtilization": 12, "currentAverageValue": "0"},
            }
        ]

    def test_a_spec_write_keeps_the_status_annotations(self, first):
        old = first.create(spec=SPEC)
        old = first.update(old, "status", status={"currentReplicas": 2, "currentCPUUtilizationPercentage": 12})
        new = first.update(old, metadata={"name": "x", "annotations": {notes.CURRENT_METRICS: "[]"}}, spec=SPEC)
        assert new["metadata"]["annotations"] == old["metadata"]["annotations"]
        assert new["status"] == old["status"]

    def test_a_status_write_keeps_the_spec_annotations(self, first):
        behavior = notes.encode_behavior({"scaleUp": {"selectPolicy": "Min"}})
        old = first.create(metadata={"name": "x", "annotations": {notes.BEHAVIOR: behavior}}, spec=SPEC)
        new = first.update(old, "status", status={"currentReplicas": 1})
        assert new["metadata"]["annotations"][notes.BEHAVIOR] == old["metadata"]["annotations"][notes.BEHAVIOR]

    def test_errors_name_the_fields_of_v2(self, first):
        found = first.findings(spec={**SPEC, "targetCPUUtilizationPercentage": 0})
        assert found == ["spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0"]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "x",
            "5",
            "[5]",
            '[{"type":5}]',
            '[{"type":"External","external":{"metricName":{"a":1}}}]',
            '[{"type":"Resource","resource":{"name":"cpu","targetAverageUtilization":"x"}}]',
            '[{"type":"Resource","resource":{"name":"cpu","targetAverageUtilization":99999999999}}]',
            '[{"type":"Pods","pods":{"targetAverageValue":"nonsense"}}]',
            "[" * 100_000,
            '{"a":NaN}',
        ],
    )
    def test_malformed_annotations_are_ignored(self, first, text):
        annotations = dict.fromkeys(notes.ALL, text)
        obj = first.create(metadata={"name": "x", "annotations": annotations}, spec=SPEC)
        assert first.problems == []
        assert obj["spec"]["targetCPUUtilizationPercentage"] == 80
        assert "annotations" not in obj["metadata"]


NAMES = st.text("abc.<&", min_size=1, max_size=5)
QUANTITIES = st.sampled_from(["0", "1", "1500m", "512Mi", "2k"])
SELECTORS = st.none() | st.just({"matchLabels": {"a": "b"}})


def nested(name, selector, **target):
    metric = {"name": name} if selector is None else {"name": name, "selector": selector}
    return {"metric": metric, "target": target}


def averages(kind, source):
    return st.builds(
        lambda name, selector, value: {
            "type": kind,
            source: nested(name, selector, type="AverageValue", averageValue=value),
        },
        NAMES,
        SELECTORS,
        QUANTITIES,
    )


OBJECTS = st.builds(
    lambda name, selector, value: {
        "type": "Object",
        "object": {"describedObject": TARGET, **nested(name, selector, type="Value", value=value)},
    },
    NAMES,
    SELECTORS,
    QUANTITIES,
)
CONTAINERS = st.builds(
    lambda name, percent: {
        "type": "ContainerResource",
        "containerResource": {
            "name": name,
            "container": "c",
            "target": {"type": "Utilization", "averageUtilization": percent},
        },
    },
    NAMES,
    st.integers(1, 100),
)
METRICS = st.lists(
    averages("Pods", "pods") | averages("External", "external") | OBJECTS | CONTAINERS, min_size=1, max_size=4
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "stabilizationWindowSeconds": st.integers(0, 3600),
        "selectPolicy": st.sampled_from(["Max", "Min", "Disabled"]),
        "policies": st.just([{"type": "Pods", "value": 4, "periodSeconds": 60}]),
        "tolerance": QUANTITIES,
    },
)
BEHAVIORS = st.none() | st.fixed_dictionaries({}, optional={"scaleUp": RULES, "scaleDown": RULES})


class TestConversion:
    @settings(max_examples=80, deadline=None)
    @given(METRICS, BEHAVIORS, st.none() | st.integers(1, 100))
    def test_nothing_is_lost_on_the_way_through_v1(self, metrics, behavior, cpu):
        metrics = metrics if cpu is None else [*metrics, cpu_metric(cpu)]
        spec = {**SPEC, "metrics": metrics, **({} if behavior is None else {"behavior": behavior})}
        obj = autoscaler(spec=copy.deepcopy(spec), status={"desiredReplicas": 0, "currentMetrics": None})
        default_autoscaler(obj)
        assert from_v1(to_v1(obj)) == obj

    def test_leaves_its_argument_alone(self):
        obj = autoscaler(metadata={"annotations": {"a": "b"}}, spec={**SPEC, "metrics": [EXTERNAL]})
        before = copy.deepcopy(obj)
        to_v1(obj)
        assert obj == before
        old = to_v1(obj)
        before = copy.deepcopy(old)
        from_v1(old)
        assert old == before

    def test_behavior_is_written_as_the_internal_type(self):
        text = notes.encode_behavior(
            {"scaleDown": {"policies": [{"type": "Percent", "value": 10, "periodSeconds": 30}]}}
        )
        assert text == (
            '{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":null,'
            '"Policies":[{"Type":"Percent","Value":10,"PeriodSeconds":30}],"Tolerance":null}}'
        )

    def test_escapes_like_go(self):
        assert notes.encode([{"a": "<&>"}]) == '[{"a":"\\u003c\\u0026\\u003e"}]'


def test_is_stored_once_as_v2(built_group):
    resources = {one.version: one.resources[0] for one in built_group("autoscaling").versions}
    assert list(resources) == ["v2", "v1"]
    assert resources["v2"].storage_prefix == resources["v1"].storage_prefix
    assert resources["v1"].storage_kind == resources["v2"].kind
