"""Rules of HorizontalPodAutoscaler in v2, the stored version."""

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError
from kapi_apigroups.autoscaling import annotations as notes
from kapi_apigroups.autoscaling.defaults import default_autoscaler
from kapi_apigroups.autoscaling.validation import validate_autoscaler, validate_autoscaler_status
from kapi_apigroups.common.status_owner import StatusOwner


class AutoscalerStrategy(StatusOwner):
    """Autoscalers in v2: the annotations by which v1 carries the rest are dropped."""

    empty_status = {"desiredReplicas": 0, "currentMetrics": None}

    def default(self, obj: Object) -> None:
        """Fill in the defaults."""
        default_autoscaler(obj)

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Start with an empty status."""
        super().prepare_for_create(ctx, obj)
        notes.take(obj, notes.ALL)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the status."""
        super().prepare_for_update(ctx, obj, old)
        notes.take(obj, notes.ALL)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec."""
        return list(validate_autoscaler(obj["spec"]))


class AutoscalerStatusStrategy(StatusStrategy):
    """The status of autoscalers."""

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the counts."""
        return list(validate_autoscaler_status(obj.get("status", {})))
