"""The conditions of a namespace that is being deleted: what went wrong, and what it still holds.

Types, reasons and messages are those of kube-controller-manager's namespace controller.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from kapi.contracts.client import Object
from kapi.meta.gvk import GroupVersionResource
from kapi.meta.times import now

CONTENT_FAILURE: Final = "NamespaceDeletionContentFailure"
CONTENT_REMAINING: Final = "NamespaceContentRemaining"
FINALIZERS_REMAINING: Final = "NamespaceFinalizersRemaining"


class Well(NamedTuple):
    """What a condition says when nothing is wrong."""

    reason: str
    message: str


_WELL: Final = {
    "NamespaceDeletionDiscoveryFailure": Well("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": Well(
        "ParsedGroupVersions", "All legacy kube types successfully parsed"
    ),
    CONTENT_FAILURE: Well("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
    CONTENT_REMAINING: Well("ContentRemoved", "All content successfully removed"),
    FINALIZERS_REMAINING: Well("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}
"""All conditions, in their order. The first two are about discovery that fails and names that cannot be read: kapi
knows what it serves."""


class Remaining:
    """What one pass over a namespace has left there, for people to read."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.objects: Counter[str] = Counter()
        self.finalizers: Counter[str] = Counter()
        self.failures: list[str] = []

    def add(self, resource: GroupVersionResource, left: Sequence[Object], failures: Iterable[str]) -> None:
        """Count objects of a resource that are still there, the finalizers that hold them, and refused deletions."""
        if left:
            self.objects[f"{resource.resource}.{resource.group}"] = len(left)
        self.finalizers.update(each for obj in left for each in obj["metadata"].get("finalizers") or ())
        self.failures.extend(sorted(set(failures))[:1])  # one for each resource, as of a deletion of all at once

    def conditions(self) -> list[dict[str, str]]:
        """Return all conditions."""
        wrong = dict(self._wrong())
        return [
            {"type": kind, "status": "True", "reason": wrong[kind].reason, "message": wrong[kind].message}
            if kind in wrong
            else {"type": kind, "status": "False", "reason": well.reason, "message": well.message}
            for kind, well in _WELL.items()
        ]

    def _wrong(self) -> Iterable[tuple[str, Well]]:
        if self.failures:
            count, texts = len(self.failures), ", ".join(sorted(self.failures))
            text = f"Failed to delete all resource types, {count} remaining: {texts}"
            yield CONTENT_FAILURE, Well("ContentDeletionFailed", text)
        if self.objects:
            text = ", ".join(f"{name} has {count} resource instances" for name, count in sorted(self.objects.items()))
            yield CONTENT_REMAINING, Well("SomeResourcesRemain", f"Some resources are remaining: {text}")
        if self.finalizers:
            text = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(self.finalizers.items()))
            yield (
                FINALIZERS_REMAINING,
                Well("SomeFinalizersRemain", f"Some content in the namespace has finalizers remaining: {text}"),
            )


def set_condition(conditions: list[dict[str, str]], wanted: dict[str, str]) -> bool:
    """Put a condition in its place, with the time since which its status holds; tells whether it is news."""
    old = next((each for each in conditions if each["type"] == wanted["type"]), None)
    if old is None:
        conditions.append({**wanted, "lastTransitionTime": now()})
        return True
    if all(old.get(key) == value for key, value in wanted.items()):
        return False
    since = old["lastTransitionTime"] if old["status"] == wanted["status"] else now()
    old.update(wanted, lastTransitionTime=since)
    return True
