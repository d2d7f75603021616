"""PersistentVolumeClaimResize: claims grow only where their storage class allows it."""

from collections.abc import Sequence

from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation, refusal
from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupVersionResource
from kapi.meta.quantity import Quantity, parse
from kapi_admission.views import View, required_client
from kapi_admission.writes import CLAIMS, written

STORAGE_CLASSES = GroupVersionResource("storage.k8s.io", "v1", "storageclasses")
_NAME = "PersistentVolumeClaimResize"
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


class PersistentVolumeClaimResize:
    """Checks changes of claims."""

    resources = (CLAIMS,)

    def __init__(self, client: ObjectClient) -> None:
        """Take the way to the storage classes."""
        self._classes = View(client, STORAGE_CLASSES)

    def handles(self, operation: Operation) -> bool:
        """Look at what is changed."""
        return operation == "UPDATE"

    async def validate(self, attributes: AdmissionAttributes) -> None:
        """Refuse growth of claims that are not bound, or whose class does not provide for it."""
        new = written(attributes, CLAIMS)
        old = attributes.old_object if new is not None else None
        if new is None or old is None or _requested(new) <= _requested(old):
            return
        if (old.get("status") or {}).get("phase") != "Bound":
            raise refusal(attributes, "Only bound persistent volume claims can be expanded")
        if not await self._growable(new, old):
            what = "only dynamically provisioned pvc can be resized"
            raise refusal(attributes, f"{what} and the storageclass that provisions the pvc must support resize")

    async def _growable(self, new: Object, old: Object) -> bool:
        name = _class_of(new)
        if not name or name != _class_of(old):
            return False
        found = await self._classes.get(name)
        return found is not None and bool(found.get("allowVolumeExpansion"))


def _requested(claim: Object) -> Quantity:
    """Return the storage that a claim asks for."""
    resources = (claim.get("spec") or {}).get("resources") or {}
    return parse((resources.get("requests") or {}).get("storage", "0"))


def _class_of(claim: Object) -> str:
    """Return the name of a claim's storage class, "" for none; the old annotation counts more than the member."""
    annotations = claim["metadata"].get("annotations") or {}
    name: str = annotations.get(_CLASS_ANNOTATION) or (claim.get("spec") or {}).get("storageClassName", "")
    return name


def build(context: BuildContext) -> PersistentVolumeClaimResize:
    """Return the controller; raises ValueError without a client."""
    return PersistentVolumeClaimResize(required_client(context, _NAME))


@hookimpl
def kapi_register_admission() -> Sequence[AdmissionPlugin]:
    """Contribute PersistentVolumeClaimResize."""
    return [AdmissionPlugin(_NAME, "lets only claims grow whose storage class allows it", build)]
