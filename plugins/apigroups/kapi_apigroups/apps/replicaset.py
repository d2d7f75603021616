"""Rules of ReplicaSet."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError
from kapi_apigroups.apps.counts import exceeds, more_than_replicas
from kapi_apigroups.common.fields import immutable, not_negative
from kapi_apigroups.common.workloads import Workload

_COUNTS = (
    "replicas",
    "fullyLabeledReplicas",
    "readyReplicas",
    "availableReplicas",
    "terminatingReplicas",
    "observedGeneration",
)


class ReplicaSetStrategy(Workload):
    """ReplicaSets."""

    kind_name = "replicaset"
    warns_of_names = True
    empty_status = {"replicas": 0}

    def default_spec(self, spec: Object) -> None:
        """Fill in the number of replicas."""
        spec.setdefault("replicas", 1)

    def validate_spec(self, spec: Object) -> Iterator[FieldError]:
        """Yield what is wrong with ``spec``."""
        yield from not_negative(spec, ("replicas", "minReadySeconds"), "spec")
        yield from self.validate_selector_and_template(spec)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the spec, and that the selector stays."""
        return self.validate(ctx, obj) + list(immutable(obj["spec"], old["spec"], "selector", "spec."))


class ReplicaSetStatusStrategy(StatusStrategy):
    """The status of replica sets: counts that fit together."""

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the counts."""
        status = obj.get("status", {})
        errors = list(not_negative(status, _COUNTS, "status"))
        errors += more_than_replicas(status, ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"))
        errors += exceeds(status, "availableReplicas", "readyReplicas", "readyReplicas")
        return errors
