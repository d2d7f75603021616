"""Volumes, claims, attachments and the drivers of storage."""

from collections.abc import Iterable, Mapping
from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.printing.cells import NONE, UNSET, age_of, is_deleted, metadata, name_of, part
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, NAME, Printer

Part = Mapping[str, Any]
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _modes(modes: Iterable[str] | None) -> str:
    found = set(modes or ())
    return ",".join(short for mode, short in _MODES.items() if mode in found)


def _class(obj: Object, spec: Part) -> str:
    annotations = part(metadata(obj), "annotations")
    if _CLASS_ANNOTATION in annotations:
        annotated: str = annotations[_CLASS_ANNOTATION]
        return annotated
    name: str = spec.get("storageClassName", "")
    return name


def _phase(obj: Object) -> str:
    phase: str = part(obj, "status").get("phase", "")
    return "Terminating" if is_deleted(obj) else phase


def _volume(obj: Object) -> list[Any]:
    spec, claim = part(obj, "spec"), part(part(obj, "spec"), "claimRef")
    return [
        name_of(obj),
        part(spec, "capacity").get("storage", "0"),
        _modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""),
        _phase(obj),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class(obj, spec),
        spec.get("volumeAttributesClassName", UNSET),
        part(obj, "status").get("reason", ""),
        age_of(obj),
        spec.get("volumeMode", UNSET),
    ]


def _claim(obj: Object) -> list[Any]:
    spec, status = part(obj, "spec"), part(obj, "status")
    volume = spec.get("volumeName", "")
    return [
        name_of(obj),
        _phase(obj),
        volume,
        part(status, "capacity").get("storage", "0") if volume else "",
        _modes(status.get("accessModes")) if volume else "",
        _class(obj, spec),
        spec.get("volumeAttributesClassName", UNSET),
        age_of(obj),
        spec.get("volumeMode", UNSET),
    ]


def _attachment(obj: Object) -> list[Any]:
    spec = part(obj, "spec")
    return [
        name_of(obj),
        spec.get("attacher", ""),
        part(spec, "source").get("persistentVolumeName", ""),
        spec.get("nodeName", ""),
        part(obj, "status").get("attached", False),
        age_of(obj),
    ]


def _driver(obj: Object) -> list[Any]:
    spec = part(obj, "spec")
    requests = spec.get("tokenRequests")
    return [
        name_of(obj),
        spec.get("attachRequired", True),
        spec.get("podInfoOnMount", False),
        spec.get("storageCapacity", False),
        UNSET if requests is None else ",".join(request.get("audience", "") for request in requests),
        spec.get("requiresRepublish", False),
        ",".join(spec.get("volumeLifecycleModes") or ()) or NONE,
        age_of(obj),
    ]


def _node(obj: Object) -> list[Any]:
    return [name_of(obj), len(part(obj, "spec").get("drivers") or ()), age_of(obj)]


PRINTERS = {
    ("", "persistentvolumes"): Printer(
        _volume,
        (
            NAME,
            Field("core_v1.PersistentVolumeSpec.capacity"),
            Field("core_v1.PersistentVolumeSpec.accessModes"),
            Field("core_v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy"),
            Field("core_v1.PersistentVolumeStatus.phase"),
            Field("core_v1.PersistentVolumeSpec.claimRef"),
            "StorageClass of the pv",
            "VolumeAttributesClass of the pv",
            Field("core_v1.PersistentVolumeStatus.reason"),
            AGE,
            Field("core_v1.PersistentVolumeSpec.volumeMode"),
        ),
    ),
    ("", "persistentvolumeclaims"): Printer(
        _claim,
        (
            NAME,
            Field("core_v1.PersistentVolumeClaimStatus.phase"),
            Field("core_v1.PersistentVolumeClaimSpec.volumeName"),
            Field("core_v1.PersistentVolumeClaimStatus.capacity"),
            Field("core_v1.PersistentVolumeClaimStatus.accessModes"),
            "StorageClass of the pvc",
            "VolumeAttributesClass of the pvc",
            AGE,
            Field("core_v1.PersistentVolumeClaimSpec.volumeMode"),
        ),
    ),
    ("storage.k8s.io", "volumeattachments"): Printer(
        _attachment,
        (
            NAME,
            Field("storage_v1.VolumeAttachmentSpec.attacher"),
            Field("storage_v1.VolumeAttachmentSource.persistentVolumeName"),
            Field("storage_v1.VolumeAttachmentSpec.nodeName"),
            Field("storage_v1.VolumeAttachmentStatus.attached"),
            AGE,
        ),
    ),
    ("storage.k8s.io", "csidrivers"): Printer(
        _driver,
        (
            NAME,
            Field("storage_v1.CSIDriverSpec.attachRequired"),
            Field("storage_v1.CSIDriverSpec.podInfoOnMount"),
            Field("storage_v1.CSIDriverSpec.storageCapacity"),
            Field("storage_v1.CSIDriverSpec.tokenRequests"),
            Field("storage_v1.CSIDriverSpec.requiresRepublish"),
            Field("storage_v1.CSIDriverSpec.volumeLifecycleModes"),
            AGE,
        ),
    ),
    ("storage.k8s.io", "csinodes"): Printer(
        _node, (NAME, "Drivers indicates the number of CSI drivers registered on the node", AGE)
    ),
}
