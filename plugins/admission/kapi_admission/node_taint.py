"""TaintNodesByCondition: a new node takes no pods until it is known to be ready."""

from collections.abc import Sequence

from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupResource
from kapi_admission.writes import spec_of, written

NODES = GroupResource("", "nodes")
_KEY, _EFFECT = "node.kubernetes.io/not-ready", "NoSchedule"


class TaintNodesByCondition:
    """Taints new nodes."""

    resources = (NODES,)

    def handles(self, operation: Operation) -> bool:
        """Look at what is created."""
        return operation == "CREATE"

    async def admit(self, attributes: AdmissionAttributes) -> None:
        """Add the taint to a new node that does not have it."""
        node = written(attributes, NODES)
        if node is None:
            return
        spec = spec_of(node)
        taints = spec.get("taints") or []
        if not any(taint.get("key") == _KEY and taint.get("effect") == _EFFECT for taint in taints):
            spec["taints"] = [*taints, {"key": _KEY, "effect": _EFFECT}]


def build(context: BuildContext) -> TaintNodesByCondition:
    """Return the controller."""
    return TaintNodesByCondition()


@hookimpl
def kapi_register_admission() -> Sequence[AdmissionPlugin]:
    """Contribute TaintNodesByCondition."""
    return [AdmissionPlugin("TaintNodesByCondition", "taints new nodes as not ready", build)]
