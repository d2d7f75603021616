"""Events, in both of their forms."""

from collections.abc import Mapping
from typing import Any

from kapi.contracts.resources import Object
from kapi.meta.times import age
from kapi_apigroups.events.conversion import to_core
from kapi_apigroups.printing.cells import name_of, part
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import NAME, Printer


def _source(event: Object) -> str:
    source = part(event, "source")
    component = source.get("component") or event.get("reportingComponent", "")
    instance = source.get("host") or event.get("reportingInstance", "")
    return f"{component}, {instance}" if instance else component


def _object(reference: Mapping[str, Any]) -> str:
    kind, name = reference.get("kind", "").lower(), reference.get("name", "")
    return f"{kind}/{name}" if name else kind


def _event(event: Object) -> list[Any]:
    first = age(event.get("firstTimestamp") or event.get("eventTime"))
    last = event.get("lastTimestamp")
    series, reference = event.get("series"), part(event, "involvedObject")
    return [
        age(series.get("lastObservedTime")) if series is not None else age(last) if last else first,
        event.get("type", ""),
        event.get("reason", ""),
        _object(reference),
        reference.get("fieldPath", ""),
        _source(event),
        event.get("message", "").strip(),
        first,
        series.get("count", 0) if series is not None else event.get("count") or 1,
        name_of(event),
    ]


_DESCRIPTIONS = (
    Field("core_v1.Event.lastTimestamp"),
    Field("core_v1.Event.type"),
    Field("core_v1.Event.reason"),
    Field("core_v1.Event.involvedObject"),
    Field("core_v1.ObjectReference.fieldPath"),
    Field("core_v1.Event.source"),
    Field("core_v1.Event.message"),
    Field("core_v1.Event.firstTimestamp"),
    Field("core_v1.Event.count"),
    NAME,
)

PRINTERS = {
    ("", "events"): Printer(_event, _DESCRIPTIONS),
    ("events.k8s.io", "events"): Printer(lambda event: _event(to_core(event)), _DESCRIPTIONS),
}
