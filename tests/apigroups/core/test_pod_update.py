import copy

import pytest

from kapi_apigroups.core.pod_update import validate_pod_change

_OLD = {
    "containers": [{"name": "c", "image": "a:1", "resources": {}}],
    "tolerations": [{"key": "t", "operator": "Exists", "tolerationSeconds": 5}],
    "activeDeadlineSeconds": 50,
    "terminationGracePeriodSeconds": 30,
}


def changed(**members):
    return {**copy.deepcopy(_OLD), **members}


@pytest.mark.parametrize(
    "new",
    [
        changed(),
        changed(containers=[{"name": "c", "image": "b:2", "resources": {}}]),
        changed(activeDeadlineSeconds=10),
        changed(tolerations=[{"key": "t", "operator": "Exists", "tolerationSeconds": 9}, {"key": "u"}]),
    ],
)
def test_allowed_changes(new):
    assert validate_pod_change(new, _OLD) == []


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (changed(nodeName="n"), "spec"),
        (changed(terminationGracePeriodSeconds=1), "spec"),
        (changed(containers=[{"name": "c", "image": "a:1", "resources": {}, "command": ["x"]}]), "spec"),
        (changed(containers=[]), "spec.containers"),
        (changed(containers=None), "spec.containers"),
        (changed(activeDeadlineSeconds=51), "spec.activeDeadlineSeconds"),
        (changed(activeDeadlineSeconds=-1), "spec.activeDeadlineSeconds"),
        (changed(tolerations=[]), "spec.tolerations"),
        (changed(schedulingGates=[{"name": "g"}]), "spec.schedulingGates[0].name"),
    ],
)
def test_refused_changes_name_the_field(new, field):
    assert field in [error.field for error in validate_pod_change(new, _OLD)]


def test_the_refusal_shows_what_differs():
    (error,) = validate_pod_change(changed(nodeName="n"), _OLD)
    assert error.message.startswith("Forbidden: pod updates may not change fields other than")
    assert "\n@@ " in error.message
    assert '+ "nodeName": "n"' in error.message


def test_a_negative_grace_may_become_a_second():
    old = {**_OLD, "terminationGracePeriodSeconds": -1}
    assert validate_pod_change({**old, "terminationGracePeriodSeconds": 1}, old) == []


def test_gated_pods_may_narrow_their_choice_of_nodes():
    old = {**_OLD, "schedulingGates": [{"name": "g"}], "nodeSelector": {"a": "b"}}
    assert validate_pod_change({**old, "nodeSelector": {"a": "b", "c": "d"}}, old) == []
    assert validate_pod_change({**old, "nodeSelector": {"a": "z"}}, old) != []


def test_huge_specs_are_not_compared_line_by_line():
    env = [{"name": f"E{i}", "value": str(i)} for i in range(3000)]
    old = {**_OLD, "containers": [{"name": "c", "image": "a:1", "env": env}]}
    (error,) = validate_pod_change({**old, "nodeName": "n"}, old)
    assert "too large" in error.message
