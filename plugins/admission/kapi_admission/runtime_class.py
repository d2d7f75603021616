"""RuntimeClass: gives pods the overhead, node selector and tolerations of their runtime class."""

from collections.abc import Sequence

from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation, refusal
from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl
from kapi.meta.errors import go_quote
from kapi.meta.gvk import GroupVersionResource
from kapi.meta.quantity import parse
from kapi_admission.tolerations import merged
from kapi_admission.views import View, required_client
from kapi_admission.writes import PODS, spec_of, written

RUNTIME_CLASSES = GroupVersionResource("node.k8s.io", "v1", "runtimeclasses")
_NAME = "RuntimeClass"
_OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"


class RuntimeClassAdmission:
    """Completes and checks new pods."""

    resources = (PODS,)

    def __init__(self, client: ObjectClient) -> None:
        """Take the way to the runtime classes."""
        self._classes = View(client, RUNTIME_CLASSES)

    def handles(self, operation: Operation) -> bool:
        """Look at what is created."""
        return operation == "CREATE"

    async def admit(self, attributes: AdmissionAttributes) -> None:
        """Complete a pod that names a class; raises 403 when there is no such class, or the pod contradicts it."""
        pod = written(attributes, PODS)
        found = await self._class_of(attributes, pod)
        if pod is None or found is None:
            return
        _set_overhead(attributes, spec_of(pod), found)
        _set_scheduling(attributes, spec_of(pod), found.get("scheduling") or {})

    async def validate(self, attributes: AdmissionAttributes) -> None:
        """Refuse an overhead that is not that of the pod's class."""
        pod = written(attributes, PODS)
        if pod is None:
            return
        given = spec_of(pod).get("overhead") or {}
        found = await self._class_of(attributes, pod)
        if found is not None and "overhead" in found:
            if not _same_amounts(given, _fixed(found)):
                raise refusal(attributes, _OTHER_OVERHEAD)
        elif given:
            text = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            raise refusal(attributes, text)

    async def _class_of(self, attributes: AdmissionAttributes, pod: Object | None) -> Object | None:
        """Return the class that a pod names, None if it names none; raises 403."""
        name = (pod or {}).get("spec", {}).get("runtimeClassName")
        if name is None:
            return None
        found = await self._classes.get(name)
        if found is None:
            raise refusal(attributes, f"pod rejected: RuntimeClass {go_quote(name)} not found")
        return found


def _fixed(runtime_class: Object) -> Object:
    fixed: Object = runtime_class["overhead"].get("podFixed") or {}
    return fixed


def _same_amounts(one: Object, other: Object) -> bool:
    return one.keys() == other.keys() and all(parse(amount) == parse(other[name]) for name, amount in one.items())


def _set_overhead(attributes: AdmissionAttributes, spec: Object, runtime_class: Object) -> None:
    if "overhead" not in runtime_class:
        return
    fixed = _fixed(runtime_class)
    if spec.get("overhead") and not _same_amounts(spec["overhead"], fixed):
        raise refusal(attributes, _OTHER_OVERHEAD)
    if fixed:
        spec["overhead"] = dict(fixed)


def _set_scheduling(attributes: AdmissionAttributes, spec: Object, scheduling: Object) -> None:
    selector = dict(spec.get("nodeSelector") or {})
    for label, value in (scheduling.get("nodeSelector") or {}).items():
        if selector.setdefault(label, value) != value:
            wanted = f"runtimeClass.scheduling.nodeSelector[{label}] = {value}"
            raise refusal(attributes, f"conflict: {wanted}; pod.spec.nodeSelector[{label}] = {selector[label]}")
    if selector:
        spec["nodeSelector"] = selector
    if scheduling.get("tolerations"):
        copies = [dict(one) for one in scheduling["tolerations"]]
        spec["tolerations"] = merged(spec.get("tolerations") or (), copies)


def build(context: BuildContext) -> RuntimeClassAdmission:
    """Return the controller; raises ValueError without a client."""
    return RuntimeClassAdmission(required_client(context, _NAME))


@hookimpl
def kapi_register_admission() -> Sequence[AdmissionPlugin]:
    """Contribute RuntimeClass."""
    return [AdmissionPlugin(_NAME, "gives pods what their runtime class needs", build)]
