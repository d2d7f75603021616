"""Rules of VolumeAttachment."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_required
from kapi.meta.names import dns1123_subdomain
from kapi_apigroups.common.fields import IMMUTABLE, checked
from kapi_apigroups.common.status_owner import StatusOwner

_EXACTLY_ONE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


class VolumeAttachmentStrategy(StatusOwner):
    """VolumeAttachments: what is attached where never changes."""

    returns_deleted = True
    allow_unconditional_update = False
    empty_status = {"attached": False}

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec."""
        return list(_validate_spec(obj.get("spec", {})))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the spec, and that it stays."""
        errors = self.validate(ctx, obj)
        if obj.get("spec") != old.get("spec"):
            errors.append(field_invalid("spec", obj.get("spec"), IMMUTABLE))
        return errors


def _validate_spec(spec: Object) -> Iterator[FieldError]:
    attacher = spec.get("attacher", "")
    if not attacher:
        yield field_required("spec.attacher")
    else:
        yield from checked(attacher.lower(), "spec.attacher", dns1123_subdomain)
    source = spec.get("source", {})
    inline, volume = "inlineVolumeSpec" in source, bool(source.get("persistentVolumeName"))
    if not inline and not volume:
        yield field_required("spec.source", _EXACTLY_ONE)
    elif inline and volume:
        yield field_forbidden("spec.source", _EXACTLY_ONE)
    yield from checked(spec.get("nodeName", ""), "spec.nodeName", dns1123_subdomain)
