"""Rules of ControllerRevision."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi_apigroups.common.fields import NOT_NEGATIVE, immutable


class ControllerRevisionStrategy(Strategy):
    """ControllerRevisions: snapshots whose data never change."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the revision number and the data."""
        return list(_validate(obj))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the revision number, and that the data stay."""
        errors = [error for error in _validate(obj) if error.field == "revision"]
        return errors + list(immutable(obj, old, "data", ""))


def _validate(obj: Object) -> Iterator[FieldError]:
    revision = obj.get("revision", 0)
    if revision < 0:
        yield field_invalid("revision", revision, NOT_NEGATIVE)
    data = obj.get("data")
    if data is None:
        yield field_required("data", "data is mandatory")
    elif not isinstance(data, dict):
        yield field_required("data", "data must be a valid JSON object")
