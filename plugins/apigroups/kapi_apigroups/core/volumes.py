"""Rules of PersistentVolume and PersistentVolumeClaim."""

from collections.abc import Callable

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta import times
from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_required
from kapi_apigroups.common import volume_defaults
from kapi_apigroups.common.members import equal_but, keep
from kapi_apigroups.common.status_owner import StatusOwner
from kapi_apigroups.common.volume_warnings import warn_of_sources

_SOURCE_DEFAULTS: dict[str, Callable[[Object], None]] = {
    "azureDisk": volume_defaults.default_azure_disk,
    "hostPath": volume_defaults.default_host_path,
    "iscsi": volume_defaults.default_iscsi,
    "rbd": volume_defaults.default_rbd,
    "scaleIO": volume_defaults.default_scale_io,
}
_NOT_SOURCES = frozenset(
    (
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    )
)
_SAME_SOURCE = "spec.persistentvolumesource is immutable after creation"
_CLAIM_IMMUTABLE = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_RECYCLE = (
    "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. "
    "Instead, the recommended approach is to use dynamic provisioning."
)
_SOURCE_MEMBERS = ("dataSource", "dataSourceRef")


def _storage_class_warnings(obj: Object) -> list[str]:
    if _CLASS_ANNOTATION not in obj["metadata"].get("annotations", {}):
        return []
    path = f"metadata.annotations[{_CLASS_ANNOTATION}]"
    return [f'{path}: deprecated since v1.8; use "storageClassName" attribute instead']


def _source(spec: Object) -> Object:
    return {member: value for member, value in spec.items() if member not in _NOT_SOURCES}


class VolumeStrategy(StatusOwner):
    """PersistentVolumes."""

    returns_deleted = True

    def default(self, obj: Object) -> None:
        """Fill in reclaim policy, mode and what the source leaves open."""
        spec = obj.setdefault("spec", {})
        spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
        spec.setdefault("volumeMode", "Filesystem")
        for member, fill in _SOURCE_DEFAULTS.items():
            if member in spec:
                fill(spec[member])
        obj.setdefault("status", {}).setdefault("phase", "Pending")

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Begin as pending, since now."""
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": times.now()}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check that size, access modes and exactly one source are given."""
        spec = obj.get("spec", {})
        errors = []
        if not spec.get("accessModes"):
            errors.append(field_required("spec.accessModes"))
        if not spec.get("capacity"):
            errors.append(field_required("spec.capacity"))
        sources = list(_source(spec))
        errors += [field_forbidden(f"spec.{extra}", "may not specify more than 1 volume type") for extra in sources[1:]]
        if not sources:
            errors.append(field_required("spec", "must specify a volume type"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Refuse another source or mode."""
        errors = self.validate(ctx, obj)
        spec, before = obj.get("spec", {}), old.get("spec", {})
        if _source(spec) != _source(before):
            errors.append(field_forbidden("spec.persistentvolumesource", _SAME_SOURCE))
        if spec.get("volumeMode") != before.get("volumeMode"):
            errors.append(field_invalid("spec.volumeMode", spec.get("volumeMode", ""), "field is immutable"))
        return errors

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn of sources and policies that are no longer supported."""
        found = list(warn_of_sources(obj["spec"], "spec"))
        if obj["spec"].get("persistentVolumeReclaimPolicy") == "Recycle":
            found.append(_RECYCLE)
        return [*_storage_class_warnings(obj), *found]


class VolumeStatusStrategy(StatusStrategy):
    """``/status``: stamps changes of the phase."""

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the spec; note when the phase changed."""
        super().prepare_for_update(ctx, obj, old)
        status, before = obj.setdefault("status", {}), old.get("status", {})
        if status.get("phase") != before.get("phase"):
            status["lastPhaseTransitionTime"] = times.now()
        elif "lastPhaseTransitionTime" not in status:
            keep(status, before, "lastPhaseTransitionTime")


class ClaimStrategy(StatusOwner):
    """PersistentVolumeClaims."""

    rechecks_metadata = True
    returns_deleted = True
    empty_status = {"phase": "Pending"}

    def default(self, obj: Object) -> None:
        """Fill in the mode and the phase, and make both forms of the data source agree."""
        spec = obj.setdefault("spec", {})
        volume_defaults.default_claim_spec(spec)
        status = obj.setdefault("status", {})
        status.setdefault("phase", "Pending")

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Begin as pending."""
        super().prepare_for_create(ctx, obj)
        join_data_sources(obj["spec"])

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the status."""
        super().prepare_for_update(ctx, obj, old)
        join_data_sources(obj["spec"])

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check that access modes and a size are asked for."""
        return validate_claim_spec(obj.get("spec", {}), "spec")

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Refuse changes of what is asked for, other than growth."""
        errors = self.validate(ctx, obj)
        spec, before = obj.get("spec", {}), old.get("spec", {})
        movable = ["resources", "volumeAttributesClassName"]
        if "volumeName" not in before:
            movable.append("volumeName")
        if not equal_but(spec, before, *movable):
            errors.append(field_forbidden("spec", _CLAIM_IMMUTABLE))
        return errors

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn of the deprecated annotation."""
        return _storage_class_warnings(obj)


class ClaimStatusStrategy(StatusStrategy):
    """``/status``: there is always one."""

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the spec."""
        super().prepare_for_update(ctx, obj, old)
        obj.setdefault("status", {})


def join_data_sources(spec: Object) -> None:
    """Make ``dataSource`` and ``dataSourceRef`` agree where only one of them is given."""
    source, reference = (spec.get(member) for member in _SOURCE_MEMBERS)
    if source is not None and reference is None:
        spec["dataSourceRef"] = dict(source)
    elif reference is not None and source is None and not reference.get("namespace"):
        spec["dataSource"] = dict(reference)


def validate_claim_spec(spec: Object, path: str) -> list[FieldError]:
    """Return what is wrong with a PersistentVolumeClaimSpec that stands at ``path``."""
    errors = []
    if not spec.get("accessModes"):
        errors.append(field_required(f"{path}.accessModes", "at least 1 access mode is required"))
    if "storage" not in spec.get("resources", {}).get("requests", {}):
        errors.append(field_required(f"{path}.resources[storage]"))
    return errors
