"""Rules of StatefulSet."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError, field_forbidden, field_invalid
from kapi.meta.names import dns1123_label
from kapi_apigroups.apps.counts import exceeds, more_than_replicas
from kapi_apigroups.common.fields import not_negative, one_of
from kapi_apigroups.common.golang import Shape, invalid_struct
from kapi_apigroups.common.volume_defaults import default_claim_spec
from kapi_apigroups.common.workloads import Workload

_ROLLING: Shape = {"Partition": ("partition", 0), "MaxUnavailable": "maxUnavailable"}
_STRATEGY: Shape = {"Type": "type", "RollingUpdate": ("rollingUpdate", None, _ROLLING)}
_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_FROZEN = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_COUNTS = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")


class StatefulSetStrategy(Workload):
    """StatefulSets: most of the spec cannot change."""

    kind_name = "statefulset"
    empty_status = {"replicas": 0, "availableReplicas": 0}

    def default_spec(self, spec: Object) -> None:
        """Fill in replicas, policies, update strategy, history and the claims' own defaults."""
        spec.setdefault("podManagementPolicy", "OrderedReady")
        _default_update_strategy(spec.setdefault("updateStrategy", {}))
        retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
        retention.setdefault("whenDeleted", "Retain")
        retention.setdefault("whenScaled", "Retain")
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        if spec.get("volumeClaimTemplates"):
            spec["volumeClaimTemplates"] = [_default_claim(claim) for claim in spec["volumeClaimTemplates"]]

    def validate_spec(self, spec: Object) -> Iterator[FieldError]:
        """Yield what is wrong with ``spec``."""
        policy = spec.get("podManagementPolicy")
        if policy not in ("OrderedReady", "Parallel"):
            yield field_invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
        yield from _validate_update_strategy(spec.get("updateStrategy", {}))
        retention = spec.get("persistentVolumeClaimRetentionPolicy", {})
        for member in ("whenDeleted", "whenScaled"):
            path = f"spec.persistentVolumeClaimRetentionPolicy.{member}"
            yield from one_of(retention.get(member, ""), path, ("Retain", "Delete"))
        yield from not_negative(spec, ("replicas", "minReadySeconds"), "spec")
        yield from not_negative(spec.get("ordinals", {}), ("start",), "spec.ordinals")
        service = spec.get("serviceName", "")
        if service:
            yield from (field_invalid("spec.serviceName", service, text) for text in dns1123_label(service))
        yield from self.validate_selector_and_template(spec)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the spec, and that what it may not change has stayed."""
        errors = self.validate(ctx, obj)
        if _frozen_part(obj["spec"]) != _frozen_part(old["spec"]):
            errors.append(field_forbidden("spec", _FROZEN))
        return errors

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn about names, and about a history without end."""
        found = super().warnings(ctx, obj, old)
        if obj["spec"].get("revisionHistoryLimit", 0) < 0:
            found.append(
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; "
                "a value >= 0 is recommended"
            )
        return found


def _frozen_part(spec: Object) -> Object:
    return {member: value for member, value in spec.items() if member not in _MUTABLE}


def _default_update_strategy(strategy: Object) -> None:
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    if strategy["type"] == "RollingUpdate" and "rollingUpdate" in strategy:
        strategy["rollingUpdate"].setdefault("partition", 0)


def _default_claim(claim: Object) -> Object:
    """Return a claim template as it is stored: with its kind, and the status of a new claim."""
    default_claim_spec(claim.setdefault("spec", {}))
    claim.setdefault("status", {}).setdefault("phase", "Pending")
    return {**claim, "kind": "PersistentVolumeClaim", "apiVersion": "v1"}


def _validate_update_strategy(strategy: Object) -> Iterator[FieldError]:
    path, kind, rolling = "spec.updateStrategy", strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "OnDelete":
        if rolling is not None:
            detail = "only allowed for updateStrategy 'RollingUpdate'"
            yield invalid_struct(f"{path}.rollingUpdate", rolling, _ROLLING, detail)
    elif kind == "RollingUpdate":
        yield from not_negative(rolling or {}, ("partition",), f"{path}.rollingUpdate")
    else:
        yield invalid_struct(path, strategy, _STRATEGY, "must be 'RollingUpdate' or 'OnDelete'")


class StatefulSetStatusStrategy(StatusStrategy):
    """The status of stateful sets: counts that fit together."""

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the counts."""
        status = obj.get("status", {})
        errors = list(not_negative(status, (*_COUNTS, "observedGeneration", "collisionCount"), "status"))
        errors += more_than_replicas(status, _COUNTS[1:])
        errors += exceeds(status, "availableReplicas", "readyReplicas", "status.readyReplicas")
        return errors
