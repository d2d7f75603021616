from pathlib import Path

import pytest

from kapi.contracts.plugins import BuildContext, Options
from kapi_apigroups.policy import kapi_register_api_groups
from kapi_apigroups.policy.disruption_budget import DisruptionBudgetStrategy


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"minAvailable": "50%", "selector": {}}, []),
        ({"minAvailable": 1, "maxUnavailable": 1}, ["spec"]),
        ({"minAvailable": -1}, ["spec.minAvailable"]),
        ({"maxUnavailable": "101%"}, ["spec.maxUnavailable"]),
        ({"maxUnavailable": "abc"}, ["spec.maxUnavailable"]),
        ({"selector": {"matchLabels": {"bad key": "x"}}}, ["spec.selector.matchLabels"]),
    ],
)
def test_validation(spec, expected):
    assert [error.field for error in DisruptionBudgetStrategy().validate(None, {"spec": spec})] == expected


def test_a_new_budget_allows_nothing_yet():
    budget = {"metadata": {"name": "b"}, "spec": {}, "status": {"disruptionsAllowed": 9}}
    DisruptionBudgetStrategy().prepare_for_create(None, budget)
    assert budget["status"]["disruptionsAllowed"] == 0


def test_updates_need_the_version():
    (group,) = kapi_register_api_groups(BuildContext(Options({}), Path("/nonexistent")))
    (budgets,) = [one for one in group.versions[0].resources if one.gvr.resource == "poddisruptionbudgets"]
    assert not budgets.strategy.allow_unconditional_update
    assert [sub.name for sub in budgets.subresources] == ["status"]
