"""Rules of PodDisruptionBudget."""

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError
from kapi_apigroups.common.fields import at_most_all, count_or_percent
from kapi_apigroups.common.golang import Shape, invalid_struct
from kapi_apigroups.common.selectors import validate_label_selector
from kapi_apigroups.common.status_owner import StatusOwner

_AMOUNTS = ("minAvailable", "maxUnavailable")
_SPEC: Shape = {
    "MinAvailable": "minAvailable",
    "Selector": "selector",
    "MaxUnavailable": "maxUnavailable",
    "UnhealthyPodEvictionPolicy": "unhealthyPodEvictionPolicy",
}


class DisruptionBudgetStrategy(StatusOwner):
    """PodDisruptionBudgets: how many of a set of pods may be evicted is counted by a controller."""

    generation = ("spec",)
    allow_unconditional_update = False
    empty_status = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check that at most one amount is given, and the selector."""
        spec = obj.get("spec", {})
        errors: list[FieldError] = []
        if all(member in spec for member in _AMOUNTS):
            errors.append(invalid_struct("spec", spec, _SPEC, "minAvailable and maxUnavailable cannot be both set"))
        for member in _AMOUNTS:
            if member in spec:
                errors += count_or_percent(spec[member], f"spec.{member}")
                errors += at_most_all(spec[member], f"spec.{member}")
        return errors + validate_label_selector(spec.get("selector"), "spec.selector")
