"""Names and conditions of definitions: which names are accepted, and when a definition is established.

Names are unique within a group. Whoever asks first gets them; what is taken is left out of ``acceptedNames`` until it
is free.
"""

from collections.abc import Iterable
from typing import Final

from kapi.contracts.resources import Object
from kapi_apigroups.common.conditions import find_condition, now_text, set_condition

APPROVAL: Final = "api-approved.kubernetes.io"
_PROTECTED: Final = ("k8s.io", "kubernetes.io")


def is_protected(group: str) -> bool:
    """Tell whether definitions in a group need an approval (KEP-1111)."""
    return any(group == suffix or group.endswith(f".{suffix}") for suffix in _PROTECTED)


def is_served(definition: Object) -> bool:
    """Tell whether the resources of a definition are to be served: its names have been accepted."""
    return _is_true(definition.get("status") or {}, "Established")


def is_terminating(definition: Object) -> bool:
    """Tell whether a definition is being deleted."""
    return "deletionTimestamp" in definition["metadata"]


def name_definition(definition: Object, others: Iterable[Object]) -> bool:
    """Set accepted names and conditions in the status; tells whether something changed.

    ``others`` are all definitions; those of the same group count.
    """
    before = definition.get("status") or {}
    status: Object = {**before, "conditions": [dict(each) for each in before.get("conditions") or ()]}
    accepted, problem = _accepted(definition, others)
    status["acceptedNames"] = accepted
    set_condition(status, _names_condition(problem))
    if not _is_true(status, "Established"):
        set_condition(status, _established_condition(problem))
    approval = _approval_condition(definition)
    if approval is not None:
        set_condition(status, approval)
    changed = status != {"conditions": [], **before}
    definition["status"] = status
    return changed


def lacks_names(definition: Object) -> bool:
    """Tell whether a definition waits for names that others have."""
    found = find_condition(definition.get("status") or {}, "NamesAccepted")
    return found is not None and found.get("status") != "True"


def _is_true(status: Object, kind: str) -> bool:
    condition = find_condition(status, kind)
    return condition is not None and condition.get("status") == "True"


def condition(kind: str, holds: bool, reason: str, message: str) -> Object:
    """Return a condition as of now."""
    return {
        "type": kind,
        "status": "True" if holds else "False",
        "lastTransitionTime": now_text(),
        "reason": reason,
        "message": message,
    }


def _names_condition(problem: tuple[str, str] | None) -> Object:
    reason, message = problem or ("NoConflicts", "no conflicts found")
    return condition("NamesAccepted", problem is None, reason, message)


def _established_condition(problem: tuple[str, str] | None) -> Object:
    if problem is not None:
        return condition("Established", False, "NotAccepted", "not all names are accepted")
    return condition("Established", True, "InitialNamesAccepted", "the initial names have been accepted")


def _accepted(definition: Object, others: Iterable[Object]) -> tuple[Object, tuple[str, str] | None]:
    """Return the names that are accepted, and the last conflict as reason and message."""
    wanted, current = definition["spec"]["names"], definition.get("status", {}).get("acceptedNames") or {}
    resources, kinds = _taken(definition, others)
    accepted: Object = {"plural": current.get("plural", ""), "kind": current.get("kind", "")}
    accepted |= {name: current[name] for name in ("singular", "shortNames", "listKind") if current.get(name)}
    problem = None
    for member, taken, reason in (
        ("plural", resources, "PluralConflict"),
        ("singular", resources, "SingularConflict"),
        ("shortNames", resources, "ShortNamesConflict"),
        ("kind", kinds, "KindConflict"),
        ("listKind", kinds, "ListKindConflict"),
    ):
        conflicts = _conflicts(wanted.get(member), current.get(member), taken)
        if conflicts:
            problem = reason, conflicts
        elif wanted.get(member):
            accepted[member] = wanted[member]
        else:
            accepted.pop(member, None)
    if wanted.get("categories"):
        accepted["categories"] = wanted["categories"]
    return accepted, problem


def _conflicts(wanted: object, current: object, taken: set[str]) -> str:
    """Return what is wrong with one name or a list of them; "" for nothing."""
    names = wanted if isinstance(wanted, list) else [wanted]
    own = current if isinstance(current, list) else [current]
    texts = [f'"{name}" is already in use' for name in names if name in taken and name not in own]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]" if texts else ""


def _taken(definition: Object, others: Iterable[Object]) -> tuple[set[str], set[str]]:
    """Return the resource names and the kinds that other definitions of the group have."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        if other["spec"]["group"] != definition["spec"]["group"]:
            continue
        if other["metadata"]["name"] == definition["metadata"]["name"]:
            continue
        names = other.get("status", {}).get("acceptedNames") or {}
        resources.update(filter(None, (names.get("plural"), names.get("singular"), *(names.get("shortNames") or ()))))
        kinds.update(filter(None, (names.get("kind"), names.get("listKind"))))
    return resources, kinds


def _approval_condition(definition: Object) -> Object | None:
    """Return the condition about the approval of definitions in protected groups."""
    kind = "KubernetesAPIApprovalPolicyConformant"
    if not is_protected(definition["spec"]["group"]):
        return None
    value = definition["metadata"].get("annotations", {}).get(APPROVAL, "")
    if not value:
        message = (
            f'protected groups must have approval annotation "{APPROVAL}", '
            "see https://github.com/kubernetes/enhancements/pull/1111"
        )
        return condition(kind, False, "MissingAnnotation", message)
    if value.startswith("unapproved"):
        return condition(kind, False, "UnapprovedAnnotation", f'not approved: "{value}"')
    return condition(kind, True, "ApprovedAnnotation", f"approved in {value}")
