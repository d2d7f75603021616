"""Field selectors of events. All read the stored form, which is the core group's."""

from collections.abc import Callable

from kapi.contracts.resources import Object

_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


def _involved(member: str) -> Callable[[Object], str]:
    return lambda event: str(event.get("involvedObject", {}).get(member, ""))


def _text(member: str) -> Callable[[Object], str]:
    return lambda event: str(event.get(member, ""))


def _source(event: Object) -> str:
    return str(event.get("source", {}).get("component") or event.get("reportingComponent", ""))


CORE_FIELDS: dict[str, Callable[[Object], str]] = {
    **{f"involvedObject.{member}": _involved(member) for member in _REFERENCE},
    "reason": _text("reason"),
    "reportingComponent": _text("reportingComponent"),
    "source": _source,
    "type": _text("type"),
}
"""Of events in the core group."""

NEW_FIELDS: dict[str, Callable[[Object], str]] = {
    **{f"regarding.{member}": _involved(member) for member in _REFERENCE},
    "reason": _text("reason"),
    "reportingController": _text("reportingComponent"),
    "type": _text("type"),
}
"""Of events in events.k8s.io."""
