import pytest

from kapi_apigroups.common.pod_warnings import pod_template_warnings
from kapi_apigroups.common.quantities import has_fraction
from kapi_apigroups.common.scale import ScaleView
from kapi_apigroups.common.selectors import format_label_selector, selector_matches, validate_label_selector

_SELECTOR = {
    "matchLabels": {"b": "2", "a": "1"},
    "matchExpressions": [
        {"key": "c", "operator": "In", "values": ["y", "x"]},
        {"key": "d", "operator": "DoesNotExist"},
        {"key": "e", "operator": "NotIn", "values": ["z"]},
        {"key": "f", "operator": "Exists"},
    ],
}


def test_selectors_are_printed_sorted():
    assert format_label_selector(_SELECTOR) == "a=1,b=2,c in (x,y),!d,e notin (z),f"
    assert format_label_selector(None) == format_label_selector({}) == ""


@pytest.mark.parametrize(
    ("labels", "matches"),
    [
        ({"a": "1", "b": "2", "c": "x", "f": ""}, True),
        ({"a": "1", "b": "2", "c": "x", "f": "", "e": "z"}, False),
        ({"a": "1", "b": "2", "c": "x", "f": "", "d": ""}, False),
        ({"a": "1", "b": "2", "c": "q", "f": ""}, False),
        ({"a": "1", "c": "x", "f": ""}, False),
    ],
)
def test_selectors_match(labels, matches):
    assert selector_matches(_SELECTOR, labels) is matches


def test_empty_selectors_select_everything_and_none_nothing():
    assert selector_matches({}, {"a": "b"})
    assert not selector_matches(None, {"a": "b"})


def test_invalid_selectors():
    selector = {
        "matchLabels": {"bad key": "x"},
        "matchExpressions": [{"key": "a", "operator": "In"}, {"key": "b", "operator": "X"}],
    }
    assert [error.field for error in validate_label_selector(selector, "s")] == [
        "s.matchLabels",
        "s.matchExpressions[0].values",
        "s.matchExpressions[1].operator",
    ]


def test_scale_shows_and_changes_replicas():
    parent = {
        "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "5", "labels": {"x": "y"}},
        "spec": {"replicas": 2, "selector": {"b": "2", "a": "1"}},
        "status": {"replicas": 1},
    }
    view = ScaleView(plain_selector=True)
    scale = view.project(parent)
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 1, "selector": "a=1,b=2"}
    assert "labels" not in scale["metadata"]
    view.apply(parent, {"spec": {}})
    assert parent["spec"]["replicas"] == 0
    assert view.project(parent)["spec"] == {}
    assert [error.field for error in view.validate({"spec": {"replicas": -1}})] == ["spec.replicas"]
    assert view.parent_path(("spec", "replicas")) == ("spec", "replicas")
    assert view.parent_path(("status", "replicas")) is None


def test_template_warnings_name_where_they_stand():
    spec = {"topologySpreadConstraints": [{"topologyKey": "z"}], "volumes": [{"name": "v", "gitRepo": {}}]}
    assert pod_template_warnings({"spec": spec}, "template") == [
        "template.spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
        "template.spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
    ]


@pytest.mark.parametrize(("text", "fraction"), [("1", False), ("100m", True), ("2E", False), ("1.5Gi", False)])
def test_fractions_of_bytes(text, fraction):
    assert has_fraction(text) is fraction
