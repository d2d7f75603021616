"""Rules of DaemonSet."""

import re
from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError, bad_request, field_invalid, field_required
from kapi_apigroups.common.fields import at_most_all, count_of, count_or_percent, immutable, not_negative
from kapi_apigroups.common.golang import Shape, unsupported
from kapi_apigroups.common.workloads import Workload

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
"""The annotation that counts the changes of the template."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
_STRATEGY: Shape = {"Type": "type", "RollingUpdate": "rollingUpdate"}
_COUNTS = (
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
)


class DaemonSetStrategy(Workload):
    """DaemonSets: an annotation counts the generations of the template."""

    kind_name = "daemonset"
    requires_selector = False
    empty_status = {
        "currentNumberScheduled": 0,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 0,
        "numberReady": 0,
    }

    def default_spec(self, spec: Object) -> None:
        """Fill in the update strategy and the history."""
        strategy = spec.setdefault("updateStrategy", {})
        if (strategy.setdefault("type", "RollingUpdate") or "RollingUpdate") == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", 1)
            rolling.setdefault("maxSurge", 0)
        spec.setdefault("revisionHistoryLimit", 10)

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Start to count the template's generations, at 1 at least."""
        super().prepare_for_create(ctx, obj)
        _set_template_generation(obj, max(_template_generation(obj), 1))

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Count a change of the template; clients cannot set the number."""
        super().prepare_for_update(ctx, obj, old)
        changed = obj["spec"].get("template") != old["spec"].get("template")
        _set_template_generation(obj, _template_generation(old) + changed)

    def validate_spec(self, spec: Object) -> Iterator[FieldError]:
        """Yield what is wrong with ``spec``."""
        yield from self.validate_selector_and_template(spec)
        yield from not_negative(spec, ("minReadySeconds",), "spec")
        yield from _validate_strategy(spec.get("updateStrategy", {}))
        yield from not_negative(spec, ("revisionHistoryLimit",), "spec")

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the spec, and that the selector stays."""
        return self.validate(ctx, obj) + list(immutable(obj["spec"], old["spec"], "selector", "spec."))


def _template_generation(obj: Object) -> int:
    """Return the number in the annotation, 0 for none; raises StatusError (400) for text that is no number."""
    text = obj["metadata"].get("annotations", {}).get(TEMPLATE_GENERATION)
    if text is None:
        return 0
    if not _NUMBER.fullmatch(text) or not -(2**63) <= int(text) < 2**63:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _set_template_generation(obj: Object, number: int) -> None:
    obj["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = str(number)


def _validate_strategy(strategy: Object) -> Iterator[FieldError]:
    kind = strategy.get("type")
    if kind == "OnDelete":
        return
    if kind != "RollingUpdate":
        yield unsupported("spec.updateStrategy", strategy, _STRATEGY, ("RollingUpdate", "OnDelete"))
    elif strategy.get("rollingUpdate") is None:
        yield field_required("spec.updateStrategy.rollingUpdate")
    else:
        yield from _validate_rolling_update(strategy["rollingUpdate"], "spec.updateStrategy.rollingUpdate")


def _validate_rolling_update(rolling: Object, path: str) -> Iterator[FieldError]:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    yield from count_or_percent(unavailable, f"{path}.maxUnavailable")
    yield from at_most_all(unavailable, f"{path}.maxUnavailable")
    yield from count_or_percent(surge, f"{path}.maxSurge")
    yield from at_most_all(surge, f"{path}.maxSurge")
    has_unavailable, has_surge = count_of(unavailable) > 0, count_of(surge) > 0
    if has_unavailable and has_surge:
        yield field_invalid(f"{path}.maxSurge", surge, "may not be set when maxUnavailable is non-zero")
    elif not has_unavailable and not has_surge:
        yield field_required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0")


class DaemonSetStatusStrategy(StatusStrategy):
    """The status of daemon sets."""

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep all but the status, the template's generation included."""
        super().prepare_for_update(ctx, obj, old)
        _set_template_generation(obj, _template_generation(old))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the counts."""
        return list(not_negative(obj.get("status", {}), _COUNTS, "status"))
