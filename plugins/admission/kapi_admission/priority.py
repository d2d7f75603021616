"""Priority: resolves the priority class of a pod, and lets only one class be the default."""

from collections.abc import Sequence

from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation, refusal
from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupResource, GroupVersionResource
from kapi_admission.views import View, required_client
from kapi_admission.writes import PODS, spec_of, written

CLASSES = GroupVersionResource("scheduling.k8s.io", "v1", "priorityclasses")
_NAME = "Priority"
_NO_CLASS: Object = {"value": 0, "preemptionPolicy": "PreemptLowerPriority"}
"""What holds for pods that name no class when no class is the default."""


class Priority:
    """Gives pods the priority and preemption policy of their class."""

    resources = (PODS, CLASSES.group_resource)

    def __init__(self, client: ObjectClient) -> None:
        """Take the way to the priority classes."""
        self._classes = View(client, CLASSES)

    def handles(self, operation: Operation) -> bool:
        """Look at what is created or changed."""
        return operation in ("CREATE", "UPDATE")

    async def admit(self, attributes: AdmissionAttributes) -> None:
        """Set the priority of a new pod, and keep that of a changed one; raises 403 for a class that is not there."""
        pod = written(attributes, PODS)
        if pod is None:
            return
        if attributes.operation == "UPDATE":
            _keep(spec_of(pod), (attributes.old_object or {}).get("spec") or {})
        else:
            await self._resolve(attributes, spec_of(pod))

    async def validate(self, attributes: AdmissionAttributes) -> None:
        """Refuse a second default class."""
        new = written(attributes, GroupResource(CLASSES.group, CLASSES.resource))
        if new is None or not new.get("globalDefault"):
            return
        default = await self._default()
        if default is None:
            return
        name = default["metadata"]["name"]
        if attributes.operation == "CREATE" or name != attributes.name:
            raise refusal(attributes, f"PriorityClass {name} is already marked as default. Only one default can exist")

    async def _resolve(self, attributes: AdmissionAttributes, spec: Object) -> None:
        found = await self._class_of(attributes, spec)
        priority, policy = found.get("value", 0), found.get("preemptionPolicy")
        computed = "must not be provided in pod spec; priority admission controller computed {} from the given "
        computed += "PriorityClass name"
        if spec.get("priority", priority) != priority:
            given = f"the integer value of priority ({spec['priority']})"
            raise refusal(attributes, f"{given} {computed.format(priority)}")
        spec["priority"] = priority
        if policy is None:
            return
        if spec.get("preemptionPolicy", policy) != policy:
            given = f"the string value of PreemptionPolicy ({spec['preemptionPolicy']})"
            raise refusal(attributes, f"{given} {computed.format(policy)}")
        spec["preemptionPolicy"] = policy

    async def _class_of(self, attributes: AdmissionAttributes, spec: Object) -> Object:
        """Return the class that a pod names, or the default one, whose name it gets; raises 403."""
        name = spec.get("priorityClassName")
        if not name:
            default = await self._default()
            if default is None:
                return _NO_CLASS
            spec["priorityClassName"] = default["metadata"]["name"]
            return default
        found = await self._classes.get(name)
        if found is None:
            raise refusal(attributes, f"no PriorityClass with name {name} was found")
        return found

    async def _default(self) -> Object | None:
        """Return the default class; the lowest, should there be several."""
        defaults = (one for one in await self._classes.list() if one.get("globalDefault"))
        return min(defaults, key=lambda one: one.get("value", 0), default=None)


def _keep(spec: Object, old: Object) -> None:
    """Carry over what the pod got when it was created, for clients that do not know of it."""
    for member in ("priority", "preemptionPolicy"):
        if member not in spec and member in old:
            spec[member] = old[member]


def build(context: BuildContext) -> Priority:
    """Return the controller; raises ValueError without a client."""
    return Priority(required_client(context, _NAME))


@hookimpl
def kapi_register_admission() -> Sequence[AdmissionPlugin]:
    """Contribute Priority."""
    return [AdmissionPlugin(_NAME, "gives pods the priority of their class", build)]
