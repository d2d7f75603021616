"""Conditions in the status of objects (Condition of meta/v1 and its elder relatives)."""

from datetime import UTC, datetime

from kapi.contracts.resources import Object


def now_text() -> str:
    """Return the present moment as timestamps of objects are written, in whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def find_condition(status: Object, kind: str) -> Object | None:
    """Return the condition of a type, or None."""
    return next((one for one in status.get("conditions") or () if one.get("type") == kind), None)


def set_condition(status: Object, condition: Object) -> None:
    """Add a condition, or replace the one of its type; the transition time moves only when ``status`` changes."""
    conditions = status.setdefault("conditions", [])
    for index, old in enumerate(conditions):
        if old.get("type") == condition["type"]:
            if old.get("status") == condition["status"]:
                condition = {**condition, "lastTransitionTime": old.get("lastTransitionTime")}
            conditions[index] = condition
            return
    conditions.append(condition)
