"""What is allowed in a pod spec, but hardly what anybody means."""

from collections.abc import Iterator

from kapi.contracts.resources import Object
from kapi_apigroups.common.quantities import has_fraction
from kapi_apigroups.common.volume_warnings import warn_of_volumes

_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_BYTES = ("memory", "ephemeral-storage")
_LISTS = ("initContainers", "containers")


def pod_template_warnings(template: Object, path: str) -> list[str]:
    """Return the warnings about a PodTemplateSpec that stands at ``path``."""
    metadata = template.get("metadata") or {}
    return [*_spec(template.get("spec") or {}, f"{path}.spec"), *_annotations(metadata, f"{path}.metadata")]


def pod_warnings(pod: Object) -> list[str]:
    """Return the warnings about a pod."""
    return [*_spec(pod["spec"], "spec"), *_annotations(pod["metadata"], "metadata")]


def _spec(spec: Object, path: str) -> Iterator[str]:
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        if constraint.get("labelSelector") is None:
            at = f"{path}.topologySpreadConstraints[{index}].labelSelector"
            yield f"{at}: a null labelSelector results in matching no pod"
    yield from warn_of_volumes(spec.get("volumes") or [], f"{path}.volumes")
    yield from _pull_secrets(spec.get("imagePullSecrets") or (), f"{path}.imagePullSecrets")
    for member in _LISTS:
        for index, container in enumerate(spec.get(member) or ()):
            yield from _fractions(container.get("resources", {}), f"{path}.{member}[{index}].resources")


def _pull_secrets(secrets: list[Object] | tuple[Object, ...], path: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, secret in enumerate(secrets):
        name = secret.get("name", "")
        if not name:
            yield f'{path}[{index}].name: invalid empty name ""'
        elif name in seen:
            yield f'{path}[{index}].name: duplicate name "{name}"'
        seen.add(name)


def _fractions(resources: Object, path: str) -> Iterator[str]:
    for name in _BYTES:
        for member in ("limits", "requests"):
            text = resources.get(member, {}).get(name)
            if text is not None and has_fraction(text):
                yield f'{path}.{member}[{name}]: fractional byte value "{text}" is invalid, must be an integer'


def _annotations(metadata: Object, path: str) -> Iterator[str]:
    for name in metadata.get("annotations", {}):
        if name.startswith(_APPARMOR):
            yield f'{path}.annotations[{name}]: deprecated since v1.30; use the "appArmorProfile" field instead'
