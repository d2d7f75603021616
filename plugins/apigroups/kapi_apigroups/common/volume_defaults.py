"""Defaults of volumes that depend on which source is chosen."""

from collections.abc import Callable

from kapi.contracts.resources import Object
from kapi_apigroups.common.images import default_pull_policy

DEFAULT_MODE = 0o644
"""Permission bits of projected files (decimal 420 in JSON)."""

_TOKEN_SECONDS = 3600


def default_volumes(volumes: list[Object]) -> None:
    """Fill in the defaults of ``spec.volumes``; a volume without a source becomes an emptyDir."""
    for volume in volumes:
        sources = [member for member in volume if member != "name"]
        if not sources:
            volume["emptyDir"] = {}
        for source in sources:
            fill = _SOURCES.get(source)
            if fill is not None:
                fill(volume[source])


def default_claim_spec(spec: Object) -> None:
    """Fill in the defaults of a PersistentVolumeClaimSpec."""
    spec.setdefault("volumeMode", "Filesystem")


def default_field_ref(holder: Object) -> None:
    """Fill in the defaults of the ``fieldRef`` and ``resourceFieldRef`` of an env source or a downward API file."""
    if "fieldRef" in holder:
        holder["fieldRef"].setdefault("apiVersion", "v1")
    if "resourceFieldRef" in holder:
        holder["resourceFieldRef"].setdefault("divisor", "0")


def _files(source: Object) -> None:
    source.setdefault("defaultMode", DEFAULT_MODE)


def _downward(source: Object) -> None:
    _files(source)
    _downward_items(source)


def _downward_items(source: Object) -> None:
    for item in source.get("items", ()):
        default_field_ref(item)


def _projected(source: Object) -> None:
    _files(source)
    for projection in source.get("sources") or ():
        if "serviceAccountToken" in projection:
            projection["serviceAccountToken"].setdefault("expirationSeconds", _TOKEN_SECONDS)
        if "downwardAPI" in projection:
            _downward_items(projection["downwardAPI"])


def default_host_path(source: Object) -> None:
    """Fill in the defaults of a ``hostPath`` source, of a pod or of a PersistentVolume."""
    source.setdefault("type", "")


def default_azure_disk(source: Object) -> None:
    """Fill in the defaults of an ``azureDisk`` source, of a pod or of a PersistentVolume."""
    source.setdefault("cachingMode", "ReadWrite")
    source.setdefault("kind", "Shared")
    source.setdefault("fsType", "ext4")
    source.setdefault("readOnly", False)


def default_iscsi(source: Object) -> None:
    """Fill in the defaults of an ``iscsi`` source, of a pod or of a PersistentVolume."""
    source.setdefault("iscsiInterface", "default")


def default_rbd(source: Object) -> None:
    """Fill in the defaults of an ``rbd`` source, of a pod or of a PersistentVolume."""
    source.setdefault("pool", "rbd")
    source.setdefault("user", "admin")
    source.setdefault("keyring", "/etc/ceph/keyring")


def default_scale_io(source: Object) -> None:
    """Fill in the defaults of a ``scaleIO`` source, of a pod or of a PersistentVolume."""
    source.setdefault("storageMode", "ThinProvisioned")
    source.setdefault("fsType", "xfs")


def _ephemeral(source: Object) -> None:
    template = source.get("volumeClaimTemplate")
    if template is not None:
        default_claim_spec(template.setdefault("spec", {}))


def _image(source: Object) -> None:
    source.setdefault("pullPolicy", default_pull_policy(source.get("reference", "")))


_SOURCES: dict[str, Callable[[Object], None]] = {
    "azureDisk": default_azure_disk,
    "configMap": _files,
    "downwardAPI": _downward,
    "ephemeral": _ephemeral,
    "hostPath": default_host_path,
    "image": _image,
    "iscsi": default_iscsi,
    "projected": _projected,
    "rbd": default_rbd,
    "scaleIO": default_scale_io,
    "secret": _files,
}
