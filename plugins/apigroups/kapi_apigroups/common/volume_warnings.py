"""Warnings about kinds of volumes that Kubernetes no longer supports."""

from collections.abc import Iterator

from kapi.contracts.resources import Object

_PERSISTENT = {
    "cephfs": "cephfs: deprecated in v1.28, non-functional in v1.31+",
    "rbd": "rbd: deprecated in v1.28, non-functional in v1.31+",
    "glusterfs": "glusterfs: deprecated in v1.25, non-functional in v1.26+",
    "photonPersistentDisk": "photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+",
    "scaleIO": "scaleIO: deprecated in v1.16, non-functional in v1.22+",
    "storageos": "storageOS: deprecated in v1.22, non-functional in v1.25+",
}
_IN_PODS = {
    **_PERSISTENT,
    "gitRepo": "gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
    "quobyte": "quobyte: deprecated in v1.22, non-functional in v1.25+",
    "flocker": "flocker: deprecated in v1.22, non-functional in v1.25+",
}


def warn_of_sources(spec: Object, path: str) -> Iterator[str]:
    """Yield a warning for each deprecated source in the spec of a PersistentVolume."""
    for member, text in _PERSISTENT.items():
        if member in spec:
            yield f"{path}.{text}"


def warn_of_volumes(volumes: list[Object], path: str) -> Iterator[str]:
    """Yield a warning for each volume of a pod with a deprecated source."""
    for index, volume in enumerate(volumes):
        for member in volume:
            if member in _IN_PODS:
                yield f"{path}[{index}].{_IN_PODS[member]}"
