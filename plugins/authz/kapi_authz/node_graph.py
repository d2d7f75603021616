"""What the pods on a node need: the objects that a kubelet may read on their behalf."""

from collections.abc import Iterator, Mapping
from typing import Any

from kapi.contracts.client import Event, Object

Needed = tuple[str, str, str]
"""Resource, namespace and name of an object that a pod refers to."""

_PodKey = tuple[str, str]


class NodeGraph:
    """Pods by node with what they refer to, and what their volumes refer to in turn."""

    def __init__(self) -> None:
        """Begin empty."""
        self._pods: dict[str, dict[_PodKey, frozenset[Needed]]] = {}
        self._nodes: dict[_PodKey, str] = {}
        self._claims: dict[str, Needed] = {}
        self._volume_secrets: dict[str, frozenset[Needed]] = {}
        self._attachments: dict[str, str] = {}

    def pod_changed(self, event: Event) -> None:
        """Take a change of a pod. Only pods that are on a node count."""
        meta = event.object["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        node = self._nodes.pop(key, None)
        if node is not None:
            self._pods[node].pop(key, None)
        spec = event.object.get("spec") or {}
        if event.type != "DELETED" and spec.get("nodeName"):
            self._nodes[key] = spec["nodeName"]
            self._pods.setdefault(spec["nodeName"], {})[key] = frozenset(needed_by_pod(event.object))

    def volume_changed(self, event: Event) -> None:
        """Take a change of a PersistentVolume: the claim that it belongs to, and its secrets."""
        name = event.object["metadata"]["name"]
        self._claims.pop(name, None)
        self._volume_secrets.pop(name, None)
        claim = (event.object.get("spec") or {}).get("claimRef")
        if event.type != "DELETED" and claim:
            namespace = claim.get("namespace", "")
            self._claims[name] = ("persistentvolumeclaims", namespace, claim.get("name", ""))
            self._volume_secrets[name] = frozenset(_secrets_of_volume(event.object["spec"], namespace))

    def attachment_changed(self, event: Event) -> None:
        """Take a change of a VolumeAttachment."""
        name = event.object["metadata"]["name"]
        if event.type == "DELETED":
            self._attachments.pop(name, None)
        else:
            self._attachments[name] = (event.object.get("spec") or {}).get("nodeName", "")

    def needs(self, node: str, wanted: Needed) -> bool:
        """Tell whether a pod on the node, or a volume of one, refers to the object."""
        resource, _, name = wanted
        if resource == "volumeattachments":
            return self._attachments.get(name) == node
        if resource == "persistentvolumes":
            return name in self._claims and self._pod_needs(node, self._claims[name])
        if self._pod_needs(node, wanted):
            return True
        volumes = (volume for volume, secrets in self._volume_secrets.items() if wanted in secrets)
        return any(self._pod_needs(node, self._claims[volume]) for volume in volumes)

    def _pod_needs(self, node: str, wanted: Needed) -> bool:
        return any(wanted in needed for needed in self._pods.get(node, {}).values())


def needed_by_pod(pod: Object) -> Iterator[Needed]:
    """Yield what a pod refers to, and the pod itself."""
    spec, namespace = pod["spec"], pod["metadata"].get("namespace", "")
    yield "pods", namespace, pod["metadata"]["name"]
    if spec.get("serviceAccountName"):
        yield "serviceaccounts", namespace, spec["serviceAccountName"]
    for name in _names(spec.get("imagePullSecrets")):
        yield "secrets", namespace, name
    for member in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(member) or ():
            yield from _needed_by_container(container, namespace)
    for volume in spec.get("volumes") or ():
        yield from _needed_by_volume(volume, pod["metadata"]["name"], namespace)
    for claim in [*(spec.get("resourceClaims") or ()), *((pod.get("status") or {}).get("resourceClaimStatuses") or ())]:
        if claim.get("resourceClaimName"):
            yield "resourceclaims", namespace, claim["resourceClaimName"]


def _needed_by_container(container: Object, namespace: str) -> Iterator[Needed]:
    sources = [*(container.get("envFrom") or ())]
    sources += [variable.get("valueFrom") or {} for variable in container.get("env") or ()]
    for source in sources:
        for member, resource in _ENVIRONMENT.items():
            if member in source:
                yield resource, namespace, source[member].get("name", "")


def _needed_by_volume(volume: Object, pod: str, namespace: str) -> Iterator[Needed]:
    if "persistentVolumeClaim" in volume:
        yield "persistentvolumeclaims", namespace, volume["persistentVolumeClaim"].get("claimName", "")
    if "ephemeral" in volume:
        yield "persistentvolumeclaims", namespace, f"{pod}-{volume.get('name', '')}"
    if "configMap" in volume:
        yield "configmaps", namespace, volume["configMap"].get("name", "")
    for name in _secret_names(volume):
        yield "secrets", namespace, name
    for source in (volume.get("projected") or {}).get("sources") or ():
        for member, resource in (("secret", "secrets"), ("configMap", "configmaps")):
            if member in source:
                yield resource, namespace, source[member].get("name", "")


def _secrets_of_volume(spec: Mapping[str, Any], namespace: str) -> Iterator[Needed]:
    for source in spec.values():
        if not isinstance(source, dict):
            continue
        for member, value in source.items():
            if member.endswith("SecretRef") or member == "secretRef":
                yield "secrets", value.get("namespace") or namespace, value.get("name", "")
            elif member == "secretName" and isinstance(value, str):
                yield "secrets", source.get("secretNamespace") or namespace, value


def _secret_names(volume: Object) -> Iterator[str]:
    """Yield the secrets that the source of a volume names, whatever kind of source it is."""
    for source in volume.values():
        if isinstance(source, dict):
            if isinstance(source.get("secretName"), str):
                yield source["secretName"]
            yield from _names(source.get(member) for member in ("secretRef", "nodePublishSecretRef"))


def _names(references: Any) -> Iterator[str]:
    for reference in references or ():
        if isinstance(reference, dict) and reference.get("name"):
            yield reference["name"]


_ENVIRONMENT = {
    "secretRef": "secrets",
    "secretKeyRef": "secrets",
    "configMapRef": "configmaps",
    "configMapKeyRef": "configmaps",
}
