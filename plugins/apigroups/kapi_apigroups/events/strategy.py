"""Rules of Event, for both API groups that serve it."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi.meta.names import qualified_name
from kapi_apigroups.common.fields import IMMUTABLE
from kapi_apigroups.common.golang import Shape, invalid_struct
from kapi_apigroups.events.conversion import to_core

_LONGEST = 128
_LONGEST_NOTE = 1024
_NAMESPACE = "involvedObject.namespace"
_WITHOUT_NAMESPACE = ("default", "kube-system")
_MISMATCH = "does not match event.namespace"
_UNSET = "needs to be unset"
_REFERENCE: Shape = {
    "Kind": ("kind", ""),
    "Namespace": ("namespace", ""),
    "Name": ("name", ""),
    "UID": ("uid", ""),
    "APIVersion": ("apiVersion", ""),
    "ResourceVersion": ("resourceVersion", ""),
    "FieldPath": ("fieldPath", ""),
}
_SOURCE: Shape = {"Component": ("component", ""), "Host": ("host", "")}
_SHAPES: dict[str, Shape] = {"involvedObject": _REFERENCE, "related": _REFERENCE, "source": _SOURCE}
_FIXED = (
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "reason",
    "type",
    "eventTime",
    "action",
    "related",
    "reportingComponent",
    "reportingInstance",
)


class EventStrategy(Strategy):
    """Events of the core group: only those with an ``eventTime`` have more than a few rules."""

    allow_create_on_update = True

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the namespace, and what events with an ``eventTime`` must have."""
        return list(_validate(obj, "reportingComponent"))


class NewEventStrategy(EventStrategy):
    """Events of events.k8s.io: complete when they are created, and only the series changes. Errors name core fields."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check a new event."""
        event = to_core(obj)
        errors = list(_validate(event, "reportingController"))
        errors += _validate_series(event)
        if not event.get("eventTime"):
            errors.append(field_required("eventTime"))
        if event.get("type") not in ("Normal", "Warning"):
            errors.append(field_invalid("type", "", f"has invalid value: {event.get('type', '')}"))
        errors += [
            field_invalid(member, "", _UNSET)
            for member in ("firstTimestamp", "lastTimestamp", "count", "source")
            if event.get(member)
        ]
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check that only the series (and metadata) changed."""
        event, before = to_core(obj), to_core(old)
        errors = list(_validate(event, "reportingController"))
        if event.get("series") != before.get("series"):
            errors += _validate_series(event)
        return errors + [
            _immutable(member, event.get(member)) for member in _FIXED if event.get(member) != before.get(member)
        ]


def _immutable(member: str, value: object) -> FieldError:
    path = "reportingController" if member == "reportingComponent" else member
    shape = _SHAPES.get(member)
    return invalid_struct(path, value, shape, IMMUTABLE) if shape else field_invalid(path, value or "", IMMUTABLE)


def _validate(event: Object, controller_path: str) -> Iterator[FieldError]:
    namespace = event["metadata"].get("namespace", "")
    involved = event.get("involvedObject", {}).get("namespace", "")
    if not event.get("eventTime"):
        if involved != namespace if involved else namespace not in ("", "default"):
            yield field_invalid(_NAMESPACE, involved, _MISMATCH)
        return
    if not involved and namespace not in _WITHOUT_NAMESPACE:
        yield field_invalid(_NAMESPACE, involved, _MISMATCH)
    yield from _validate_controller(event.get("reportingComponent", ""), controller_path)
    for member in ("reportingInstance", "action", "reason"):
        yield from _bounded(event.get(member, ""), member)
    if len(event.get("message", "")) > _LONGEST_NOTE:
        yield field_invalid("message", "", f"can have at most {_LONGEST_NOTE} characters")


def _validate_controller(controller: str, path: str) -> Iterator[FieldError]:
    if not controller:
        yield field_required(path)
    for problem in qualified_name(controller):
        yield field_invalid(path, controller, problem)


def _bounded(text: str, path: str) -> Iterator[FieldError]:
    if not text:
        yield field_required(path)
    if len(text) > _LONGEST:
        yield field_invalid(path, "", f"can have at most {_LONGEST} characters")


def _validate_series(event: Object) -> Iterator[FieldError]:
    series = event.get("series")
    if series is None:
        return
    if series.get("count", 0) < 2:
        yield field_invalid("series.count", "", "should be at least 2")
    if not series.get("lastObservedTime"):
        yield field_required("series.lastObservedTime")
