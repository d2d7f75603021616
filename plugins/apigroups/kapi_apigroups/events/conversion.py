"""Events in their two forms: the core group's, which is stored, and that of events.k8s.io."""

from kapi.contracts.resources import Object

_RENAMED = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_BACK = {new: old for old, new in _RENAMED.items()}
_ALWAYS_CORE = {"involvedObject": {}, "reportingComponent": "", "reportingInstance": ""}
_OPTIONAL_NEW = ("reportingController", "reportingInstance", "regarding")


def to_core(obj: Object) -> Object:
    """Return an event of events.k8s.io/v1 in the form of the core group; members are shared."""
    event = {_BACK.get(member, member): value for member, value in obj.items()}
    for member, zero in _ALWAYS_CORE.items():
        event.setdefault(member, dict(zero) if isinstance(zero, dict) else zero)
    event["apiVersion"] = "v1"
    return event


def from_core(obj: Object) -> Object:
    """Return an event of the core group in the form of events.k8s.io/v1; members are shared."""
    event = {_RENAMED.get(member, member): value for member, value in obj.items()}
    for member in _OPTIONAL_NEW:
        if event.get(member) == "":
            del event[member]
    event["apiVersion"] = "events.k8s.io/v1"
    return event
