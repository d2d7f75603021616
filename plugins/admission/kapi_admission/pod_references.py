"""What a pod refers to: secrets, config maps and service account tokens, wherever its spec can name them."""

from collections.abc import Iterator
from typing import Any

from kapi.contracts.client import Object
from kapi.meta.errors import go_quote

_SECRET_VOLUMES = (
    ("secret", "secretName", None),
    ("rbd", "secretRef", "name"),
    ("cephfs", "secretRef", "name"),
    ("flexVolume", "secretRef", "name"),
    ("scaleIO", "secretRef", "name"),
    ("iscsi", "secretRef", "name"),
    ("storageos", "secretRef", "name"),
    ("azureFile", "secretName", None),
    ("csi", "nodePublishSecretRef", "name"),
)
"""Volume source, member, and the member inside that holds the name (None: the member is the name)."""

_CONTAINER_LISTS = {
    "initContainers": "init container",
    "containers": "container",
    "ephemeralContainers": "ephemeral container",
}


def secret_names(spec: Object) -> Iterator[str]:
    """Yield the names of the secrets that a pod spec refers to."""
    for item in spec.get("imagePullSecrets") or ():
        yield item.get("name", "")
    for _, container in containers(spec):
        yield from (name for _, name in _container_references(container, "secretKeyRef", "secretRef"))
    for volume in spec.get("volumes") or ():
        yield from _volume_secrets(volume)


def config_maps(spec: Object) -> Iterator[str]:
    """Yield the names of the config maps that a pod spec refers to."""
    for _, container in containers(spec):
        yield from (name for _, name in _container_references(container, "configMapKeyRef", "configMapRef"))
    for volume in spec.get("volumes") or ():
        if "configMap" in volume:
            yield volume["configMap"].get("name", "")
        for source in _projections(volume):
            if "configMap" in source:
                yield source["configMap"].get("name", "")


def has_token_projection(spec: Object) -> bool:
    """Tell whether a volume of the pod holds a service account token."""
    return any(
        "serviceAccountToken" in source for volume in spec.get("volumes") or () for source in _projections(volume)
    )


def containers(spec: Object) -> Iterator[tuple[str, Object]]:
    """Yield all containers of a pod spec, each with what it is called."""
    for member, called in _CONTAINER_LISTS.items():
        for container in spec.get(member) or ():
            yield called, container


def mountable_problem(account: Object, spec: Object) -> str:
    """Return why a pod may not use a secret, where its account allows only those that it lists; "" if it may."""
    owner = account["metadata"]["name"]
    mountable = {item.get("name") for item in account.get("secrets") or ()}
    pullable = {item.get("name") for item in account.get("imagePullSecrets") or ()}
    for what, name in _mounted_secrets(spec):
        if name not in mountable:
            return f"{what} is not allowed because service account {owner} does not reference that secret"
    for index, item in enumerate(spec.get("imagePullSecrets") or ()):
        if item.get("name") not in pullable:
            what = f"imagePullSecrets[{index}].name={go_quote(item.get('name', ''))}"
            return f"{what} is not allowed because service account {owner} does not reference that imagePullSecret"
    return ""


def _mounted_secrets(spec: Object) -> Iterator[tuple[str, str]]:
    """Yield (where, name) for the secrets that get into containers."""
    for volume in spec.get("volumes") or ():
        name = (volume.get("secret") or {}).get("secretName")
        if name:
            yield f"volume with secret.secretName={go_quote(name)}", name
    for called, container in containers(spec):
        for where, name in _container_references(container, "secretKeyRef", "secretRef"):
            yield f"{called} {container.get('name', '')} with {where}", name


def _container_references(container: Object, key: str, whole: str) -> Iterator[tuple[str, str]]:
    """Yield (where, name) for what a container takes its environment from."""
    for variable in container.get("env") or ():
        reference: dict[str, Any] | None = (variable.get("valueFrom") or {}).get(key)
        if reference is not None:
            name = reference.get("name", "")
            yield f"envVar {variable.get('name', '')} referencing secret.secretName={go_quote(name)}", name
    for source in container.get("envFrom") or ():
        if whole in source:
            name = source[whole].get("name", "")
            yield f"envFrom referencing secret.secretName={go_quote(name)}", name


def _volume_secrets(volume: Object) -> Iterator[str]:
    for source, member, inner in _SECRET_VOLUMES:
        value = (volume.get(source) or {}).get(member)
        if value:
            yield value.get(inner, "") if inner else value
    for projection in _projections(volume):
        if "secret" in projection:
            yield projection["secret"].get("name", "")


def _projections(volume: Object) -> Iterator[Object]:
    yield from (volume.get("projected") or {}).get("sources") or ()
