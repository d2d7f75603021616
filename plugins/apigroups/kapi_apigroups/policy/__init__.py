"""The API group ``policy``: disruption budgets. Its Eviction is served as a subresource of pods."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.policy.disruption_budget import DisruptionBudgetStatusStrategy, DisruptionBudgetStrategy

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    budget = DisruptionBudgetStrategy()
    rules = KindRules(budget, subresources={"status": DisruptionBudgetStatusStrategy(budget)})
    return [build_group("policy", {("v1", "poddisruptionbudgets"): rules})]
