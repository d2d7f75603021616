"""Flow schemas and priority levels."""

from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.printing.cells import NONE, age_of, condition_of, name_of, part
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, NAME, Printer


def _flow_schema(obj: Object) -> list[Any]:
    spec = part(obj, "spec")
    return [
        name_of(obj),
        part(spec, "priorityLevelConfiguration").get("name", ""),
        spec.get("matchingPrecedence", 0),
        part(spec, "distinguisherMethod").get("type", NONE),
        age_of(obj),
        condition_of(part(obj, "status"), "Dangling").get("status", "?"),
    ]


def _priority_level(obj: Object) -> list[Any]:
    spec = part(obj, "spec")
    limited = part(spec, "limited")
    queuing = part(part(limited, "limitResponse"), "queuing")
    return [
        name_of(obj),
        spec.get("type", ""),
        limited.get("nominalConcurrencyShares", NONE),
        queuing.get("queues", NONE),
        queuing.get("handSize", NONE),
        queuing.get("queueLengthLimit", NONE),
        age_of(obj),
    ]


PRINTERS = {
    ("flowcontrol.apiserver.k8s.io", "flowschemas"): Printer(
        _flow_schema,
        (
            NAME,
            Field("flowcontrol_v1.PriorityLevelConfigurationReference.name"),
            Field("flowcontrol_v1.FlowSchemaSpec.matchingPrecedence"),
            Field("flowcontrol_v1.FlowSchemaSpec.distinguisherMethod"),
            AGE,
            "references a broken or non-existent PriorityLevelConfiguration",
        ),
    ),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"): Printer(
        _priority_level,
        (
            NAME,
            Field("flowcontrol_v1.PriorityLevelConfigurationSpec.type"),
            Field("flowcontrol_v1.LimitedPriorityLevelConfiguration.nominalConcurrencyShares"),
            Field("flowcontrol_v1.QueuingConfiguration.queues"),
            Field("flowcontrol_v1.QueuingConfiguration.handSize"),
            Field("flowcontrol_v1.QueuingConfiguration.queueLengthLimit"),
            AGE,
        ),
    ),
}
