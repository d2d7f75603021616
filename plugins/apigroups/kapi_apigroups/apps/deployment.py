"""Rules of Deployment."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_required
from kapi_apigroups.apps.counts import exceeds, more_than_replicas
from kapi_apigroups.common.fields import at_most_all, count_of, count_or_percent, immutable, not_negative
from kapi_apigroups.common.golang import Shape, unsupported
from kapi_apigroups.common.workloads import Workload

ROLLBACK_TO = "deprecated.deployment.rollback.rollbackTo"
"""The annotation that was a member in versions that are gone."""

_SHARE = "25%"
_STRATEGY: Shape = {"Type": "type", "RollingUpdate": "rollingUpdate"}
_COUNTS = (
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "collisionCount",
)


class DeploymentStrategy(Workload):
    """Deployments: a change of the annotations counts as a new generation too."""

    generation = ("spec", "metadata.annotations")
    kind_name = "deployment"
    warns_of_names = True

    def default_spec(self, spec: Object) -> None:
        """Fill in replicas, rollout strategy, history and deadline."""
        spec.setdefault("replicas", 1)
        strategy = spec.setdefault("strategy", {})
        kind = strategy.setdefault("type", "RollingUpdate") or "RollingUpdate"
        if kind == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", _SHARE)
            rolling.setdefault("maxSurge", _SHARE)
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)

    def validate_spec(self, spec: Object) -> Iterator[FieldError]:
        """Yield what is wrong with ``spec``."""
        yield from not_negative(spec, ("replicas",), "spec")
        yield from self.validate_selector_and_template(spec)
        yield from _validate_strategy(spec.get("strategy", {}))
        yield from not_negative(spec, ("minReadySeconds", "revisionHistoryLimit"), "spec")
        deadline = spec.get("progressDeadlineSeconds")
        if deadline is not None:
            yield from not_negative(spec, ("progressDeadlineSeconds",), "spec")
            if deadline <= spec.get("minReadySeconds", 0):
                yield field_invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the spec, and that the selector stays."""
        return self.validate(ctx, obj) + list(immutable(obj["spec"], old["spec"], "selector", "spec."))


def _validate_strategy(strategy: Object) -> Iterator[FieldError]:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "Recreate":
        if rolling is not None:
            yield field_forbidden(
                "spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"
            )
    elif kind == "RollingUpdate":
        if rolling is None:
            yield field_required("spec.strategy.rollingUpdate", "this should be defaulted and never be nil")
        else:
            yield from _validate_rolling_update(rolling, "spec.strategy.rollingUpdate")
    else:
        yield unsupported("spec.strategy", strategy, _STRATEGY, ("Recreate", "RollingUpdate"))


def _validate_rolling_update(rolling: Object, path: str) -> Iterator[FieldError]:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    yield from count_or_percent(unavailable, f"{path}.maxUnavailable")
    yield from count_or_percent(surge, f"{path}.maxSurge")
    if count_of(unavailable) == 0 and count_of(surge) == 0:
        yield field_invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    yield from at_most_all(unavailable, f"{path}.maxUnavailable")


class DeploymentStatusStrategy(StatusStrategy):
    """The status of deployments: counts that fit together."""

    resets = ("metadata.labels",)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep everything but the status, labels included."""
        super().prepare_for_update(ctx, obj, old)
        obj["metadata"].pop("labels", None)
        if "labels" in old["metadata"]:
            obj["metadata"]["labels"] = old["metadata"]["labels"]

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the counts."""
        status = obj.get("status", {})
        errors = list(not_negative(status, ("observedGeneration", *_COUNTS), "status"))
        errors += more_than_replicas(status, ("updatedReplicas", "readyReplicas", "availableReplicas"))
        errors += exceeds(status, "availableReplicas", "readyReplicas", "readyReplicas")
        old_collisions = old.get("status", {}).get("collisionCount")
        collisions = status.get("collisionCount")
        if old_collisions is not None and (collisions or 0) < old_collisions:
            errors.append(field_invalid("status.collisionCount", collisions, "cannot be decremented"))
        return errors
