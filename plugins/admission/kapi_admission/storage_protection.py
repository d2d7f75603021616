"""StorageObjectInUseProtection: volumes and claims get finalizers that keep them while they are in use.

The controllers that take the finalizers off again are kapi's own or those of kube-controller-manager.
"""

from collections.abc import Sequence

from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupResource
from kapi_admission.writes import CLAIMS, written

FINALIZERS = {
    CLAIMS: "kubernetes.io/pvc-protection",
    GroupResource("", "persistentvolumes"): "kubernetes.io/pv-protection",
    GroupResource("storage.k8s.io", "volumeattributesclasses"): "kubernetes.io/vac-protection",
}


class StorageObjectInUseProtection:
    """Adds the finalizers to new objects."""

    resources = tuple(FINALIZERS)

    def handles(self, operation: Operation) -> bool:
        """Look at what is created."""
        return operation == "CREATE"

    async def admit(self, attributes: AdmissionAttributes) -> None:
        """Add the finalizer of the kind, if it has one and the object does not carry it yet."""
        resource = attributes.resource.group_resource
        finalizer, obj = FINALIZERS.get(resource), written(attributes, resource)
        if finalizer is None or obj is None:
            return
        metadata = obj["metadata"]
        present = metadata.get("finalizers") or []
        if finalizer not in present:
            metadata["finalizers"] = [*present, finalizer]


def build(context: BuildContext) -> StorageObjectInUseProtection:
    """Return the controller."""
    return StorageObjectInUseProtection()


@hookimpl
def kapi_register_admission() -> Sequence[AdmissionPlugin]:
    """Contribute StorageObjectInUseProtection."""
    summary = "keeps volumes and claims while they are in use"
    return [AdmissionPlugin("StorageObjectInUseProtection", summary, build)]
