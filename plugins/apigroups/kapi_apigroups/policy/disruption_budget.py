"""Rules of PodDisruptionBudget."""

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError
from kapi_apigroups.common.fields import at_most_all, count_or_percent, not_negative, one_of
from kapi_apigroups.common.golang import Shape, invalid_struct
from kapi_apigroups.common.selectors import validate_label_selector
from kapi_apigroups.common.status_owner import StatusOwner

_AMOUNTS = ("minAvailable", "maxUnavailable")
_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
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
    empty_status = dict.fromkeys(_COUNTS, 0)

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
        if "unhealthyPodEvictionPolicy" in spec:
            errors += one_of(spec["unhealthyPodEvictionPolicy"], "spec.unhealthyPodEvictionPolicy", _POLICIES)
        return errors + validate_label_selector(spec.get("selector"), "spec.selector")


class DisruptionBudgetStatusStrategy(StatusStrategy):
    """``/status``: counts are not negative."""

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the spec; the counts are always there."""
        super().prepare_for_update(ctx, obj, old)
        status = obj.setdefault("status", {})
        for member in _COUNTS:
            status.setdefault(member, 0)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the counts."""
        return list(not_negative(obj["status"], _COUNTS, "status"))
