"""Rules of HorizontalPodAutoscaler in v1: a view of v2.

Objects are kept in the form that conversion from v2 gives, so that an answer shows what a later GET shows.
"""

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError
from kapi_apigroups.autoscaling import annotations as notes
from kapi_apigroups.autoscaling.conversion import from_v1, to_v1
from kapi_apigroups.autoscaling.validation import validate_autoscaler, validate_autoscaler_status
from kapi_apigroups.common.status_owner import StatusOwner


class AutoscalerV1Strategy(StatusOwner):
    """Autoscalers in v1: annotations carry what only v2 has fields for."""

    empty_status = {"currentReplicas": 0, "desiredReplicas": 0}

    def default(self, obj: Object) -> None:
        """Fill in v2's defaults, as v1 shows them."""
        _normalize(obj)

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Start with an empty status, annotations included."""
        super().prepare_for_create(ctx, obj)
        notes.take(obj, notes.OF_STATUS)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the status, annotations included."""
        super().prepare_for_update(ctx, obj, old)
        _keep_annotations(obj, old, notes.OF_STATUS)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec as v2 does: the errors name v2's fields."""
        return list(validate_autoscaler(from_v1(obj)["spec"]))


class AutoscalerV1StatusStrategy(StatusStrategy):
    """The status of autoscalers in v1."""

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the spec, annotations included."""
        super().prepare_for_update(ctx, obj, old)
        _keep_annotations(obj, old, notes.OF_SPEC)
        _normalize(obj)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the counts."""
        return list(validate_autoscaler_status(obj.get("status", {})))


def _normalize(obj: Object) -> None:
    """Give an object the form that it has after a round trip through v2."""
    through = to_v1(from_v1(obj))
    obj.clear()
    obj.update(through)


def _keep_annotations(obj: Object, old: Object, names: tuple[str, ...]) -> None:
    notes.take(obj, names)
    stored = old["metadata"].get("annotations", {})
    notes.put(obj, {name: stored[name] for name in names if name in stored})
