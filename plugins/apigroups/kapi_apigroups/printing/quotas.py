"""Limits: resource quotas and disruption budgets."""

from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.printing.cells import age_of, name_of, part
from kapi_apigroups.printing.printer import AGE, NAME, Printer

_LIMITS = "limits."


def _quota(obj: Object) -> list[Any]:
    status = part(obj, "status")
    used = part(status, "used")
    lines = [(name, f"{name}: {used.get(name, '0')}/{hard}") for name, hard in sorted(part(status, "hard").items())]
    return [
        name_of(obj),
        ", ".join(line for name, line in lines if not name.startswith(_LIMITS)),
        ", ".join(line for name, line in lines if name.startswith(_LIMITS)),
        age_of(obj),
    ]


def _budget(obj: Object) -> list[Any]:
    spec = part(obj, "spec")
    return [
        name_of(obj),
        str(spec.get("minAvailable", "N/A")),
        str(spec.get("maxUnavailable", "N/A")),
        part(obj, "status").get("disruptionsAllowed", 0),
        age_of(obj),
    ]


PRINTERS = {
    ("", "resourcequotas"): Printer(
        _quota,
        (
            NAME,
            "Request represents a minimum amount of cpu/memory that a container may consume.",
            "Limits control the maximum amount of cpu/memory that a container may use independent of contention "
            "on the node.",
            AGE,
        ),
    ),
    ("policy", "poddisruptionbudgets"): Printer(
        _budget,
        (
            NAME,
            "The minimum number of pods that must be available.",
            "The maximum number of pods that may be unavailable.",
            "Calculated number of pods that may be disrupted at this time.",
            AGE,
        ),
    ),
}
