"""Rules of PriorityClass."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_forbidden
from kapi_apigroups.common.fields import immutable, one_of

_HIGHEST_OF_USERS = 1_000_000_000
_SYSTEM_PREFIX = "system-"


class PriorityClassStrategy(Strategy):
    """PriorityClasses: the value never changes."""

    def default(self, obj: Object) -> None:
        """Fill in the preemption policy."""
        obj.setdefault("preemptionPolicy", "PreemptLowerPriority")

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Start with generation 1, which stays."""
        obj["metadata"]["generation"] = 1

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check that only the system's own classes are higher than a user may go."""
        return list(_validate(obj))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check that value and preemption policy stay."""
        errors = []
        if obj.get("value", 0) != old.get("value", 0):
            errors.append(field_forbidden("value", "may not be changed in an update."))
        return errors + list(immutable(obj, old, "preemptionPolicy", ""))


def _validate(obj: Object) -> Iterator[FieldError]:
    name = obj["metadata"].get("name", "")
    if name.startswith(_SYSTEM_PREFIX):
        if not any(_same(obj, known) for known in system_classes()):
            detail = "priority class names with 'system-' prefix are reserved for system use only"
            yield field_forbidden("metadata.name", f"{detail}. error: {name} is not a known system priority class")
    elif obj.get("value", 0) > _HIGHEST_OF_USERS:
        detail = f"maximum allowed value of a user defined priority is {_HIGHEST_OF_USERS}"
        yield field_forbidden("value", detail)
    yield from one_of(obj["preemptionPolicy"], "preemptionPolicy", ("PreemptLowerPriority", "Never"))


def _same(obj: Object, known: Object) -> bool:
    return (
        obj["metadata"].get("name") == known["metadata"]["name"]
        and obj.get("value") == known["value"]
        and not obj.get("globalDefault")
    )


def system_classes() -> list[Object]:
    """Return the priority classes that every cluster has."""
    return [
        _system_class(
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, "
            "but can be moved to another node if necessary.",
        ),
        _system_class(
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
    ]


def _system_class(name: str, value: int, description: str) -> Object:
    return {
        "kind": "PriorityClass",
        "apiVersion": "scheduling.k8s.io/v1",
        "metadata": {"name": name},
        "value": value,
        "description": description,
        "preemptionPolicy": "PreemptLowerPriority",
    }
