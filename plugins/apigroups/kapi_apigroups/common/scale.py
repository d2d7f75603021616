"""The ``scale`` subresource (Scale of autoscaling/v1) of kinds with ``spec.replicas`` and ``status.replicas``."""

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_invalid
from kapi_apigroups.common.selectors import format_label_selector, format_labels

_SHOWN_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
_REPLICAS = ("spec", "replicas")


def scale_of(parent: Object, wanted: int, present: int, selector: str) -> Object:
    """Return the Scale of an object: how many replicas it wants and has, and which pods they are ("": not said)."""
    metadata = parent["metadata"]
    status: Object = {"replicas": present}
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {member: metadata[member] for member in _SHOWN_METADATA if member in metadata},
        "spec": {"replicas": wanted} if wanted else {},
        "status": status,
    }


class ScaleView:
    """Shows and changes the number of replicas of a workload (a View).

    ``plain_selector`` tells that the workload's ``spec.selector`` is a map of labels, not a LabelSelector.
    """

    def __init__(self, *, plain_selector: bool = False) -> None:
        """Take the form of the workload's selector."""
        self._format = format_labels if plain_selector else format_label_selector

    def project(self, parent: Object) -> Object:
        """Return the Scale of a workload."""
        spec = parent["spec"]
        present = parent.get("status", {}).get("replicas", 0)
        return scale_of(parent, spec.get("replicas", 0), present, self._format(spec.get("selector")))

    def read(self, parent: Object) -> Object:
        """Return the Scale of a workload."""
        return self.project(parent)

    def validate(self, obj: Object) -> list[FieldError]:
        """Return what is wrong with the wanted number of replicas."""
        replicas = obj.get("spec", {}).get("replicas", 0)
        if replicas < 0:
            return [field_invalid("spec.replicas", replicas, "must be greater than or equal to 0")]
        return []

    def apply(self, parent: Object, obj: Object) -> None:
        """Give the workload the wanted number of replicas."""
        parent["spec"]["replicas"] = obj.get("spec", {}).get("replicas", 0)

    def parent_path(self, path: tuple[str, ...]) -> tuple[str, ...] | None:
        """Map ``spec.replicas`` to the workload's; the rest of a Scale has no place there."""
        return _REPLICAS if path == _REPLICAS else None
