"""Rules of the subresources that change one part of a pod: ``ephemeralcontainers`` and ``resize``."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_found,
    field_required,
)
from kapi.meta.names import dns1123_label
from kapi_apigroups.common.diffs import show_difference
from kapi_apigroups.common.members import copied
from kapi_apigroups.common.pods import validate_pod_spec
from kapi_apigroups.core.pod_resources import qos_class
from kapi_apigroups.core.pods import PodStrategy, default_pod

_TAKEN_METADATA = ("name", "namespace", "uid", "resourceVersion", "managedFields")
_NOT_EPHEMERAL = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "ports", "resources", "resizePolicy")
_RESIZABLE = ("cpu", "memory")
_EPHEMERAL = "spec.ephemeralContainers"


class _PartStrategy(Strategy):
    """Starts from the stored pod; subclasses take over one part of the new one."""

    generation = ("spec",)

    def __init__(self, main: PodStrategy) -> None:
        """Take the rules of pods."""
        self.main = main

    def default(self, obj: Object) -> None:
        """Fill in the defaults of pods."""
        default_pod(obj)

    def deletable(self, obj: Object) -> bool:
        """Ask the rules of pods."""
        return self.main.deletable(obj)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Undo all changes but those of the part."""
        given_spec, given = obj["spec"], obj["metadata"]
        metadata = {**old["metadata"], **{member: given[member] for member in _TAKEN_METADATA if member in given}}
        spec = copied(old["spec"])
        self.take(spec, given_spec)
        obj.clear()
        obj.update({**old, "metadata": metadata, "spec": spec})

    def take(self, spec: Object, given: Object) -> None:
        """Take the part over from the given spec into the stored one."""


class EphemeralContainersStrategy(_PartStrategy):
    """``/ephemeralcontainers``: containers for debugging may be added, and stay for the pod's life."""

    writes = ("spec.ephemeralContainers",)

    def take(self, spec: Object, given: Object) -> None:
        """Take the list of ephemeral containers."""
        spec.pop("ephemeralContainers", None)
        if given.get("ephemeralContainers"):
            spec["ephemeralContainers"] = given["ephemeralContainers"]

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the new containers, and that the old ones are as they were."""
        errors = list(_validate_ephemeral(obj["spec"]))
        new = {one.get("name"): one for one in obj["spec"].get("ephemeralContainers", ())}
        for before in old["spec"].get("ephemeralContainers", ()):
            name = before.get("name")
            if name not in new:
                detail = f'existing ephemeral containers "{name}" may not be removed\n'
                errors.append(field_forbidden(_EPHEMERAL, detail))
            elif new[name] != before:
                detail = f'existing ephemeral containers "{name}" may not be changed'
                errors.append(field_forbidden(_EPHEMERAL, detail + show_difference(new[name], before)))
        return errors


def _validate_ephemeral(spec: Object) -> Iterator[FieldError]:
    others = {one.get("name") for member in ("containers", "initContainers") for one in (spec.get(member) or ())}
    seen = set(others)
    for index, container in enumerate(spec.get("ephemeralContainers", ())):
        path, name = f"{_EPHEMERAL}[{index}]", container.get("name", "")
        yield from _validate_identity(container, path)
        if name in seen:
            yield field_duplicate(f"{path}.name", name)
        seen.add(name)
        target = container.get("targetContainerName")
        if target and target not in others:
            yield field_not_found(f"{path}.targetContainerName", target)
        for member in _NOT_EPHEMERAL:
            if container.get(member):
                yield field_forbidden(f"{path}.{member}", "cannot be set for an Ephemeral Container")


def _validate_identity(container: Object, path: str) -> Iterator[FieldError]:
    name = container.get("name", "")
    if not name:
        yield field_required(f"{path}.name")
    for problem in dns1123_label(name) if name else ():
        yield field_invalid(f"{path}.name", name, problem)
    if not container.get("image"):
        yield field_required(f"{path}.image")


class ResizeStrategy(_PartStrategy):
    """``/resize``: the CPU and memory of containers may change while the pod runs."""

    writes = tuple(
        f"spec.{containers}.*.{member}"
        for containers in ("containers", "initContainers")
        for member in ("resources", "resizePolicy")
    )

    def take(self, spec: Object, given: Object) -> None:
        """Take the containers' resources; a list with other containers as it is, for validation to refuse."""
        for member in ("containers", "initContainers"):
            stored = spec.get(member) or []
            offered = {one.get("name"): one for one in given.get(member) or ()}
            if offered.keys() != {one.get("name") for one in stored}:
                spec[member] = given.get(member) or []
                continue
            for container in stored:
                _take_resources(container, offered[container.get("name")])

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check that only CPU and memory changed, and the quality of service did not."""
        spec, before = obj["spec"], old["spec"]
        errors = [
            field_forbidden(f"spec.{member}", "containers may not be added or removed on resize")
            for member in ("containers", "initContainers")
            if len(spec.get(member) or ()) != len(before.get(member) or ())
        ]
        if errors:
            return errors
        errors = validate_pod_spec(spec, "spec")
        quality = qos_class(before)
        if qos_class(spec) != quality:
            errors.append(field_invalid("spec", quality, "Pod QOS Class may not change as a result of resizing"))
        if _immovable(spec) != _immovable(before):
            errors.append(field_forbidden("spec", "only cpu and memory resources are mutable"))
        return errors


def _take_resources(container: Object, given: Object) -> None:
    for member in ("resources", "resizePolicy"):
        container.pop(member, None)
        if member in given:
            container[member] = given[member]


def _immovable(spec: Object) -> Object:
    """Return the spec without what a resize may change."""
    fixed = copied(spec)
    for member in ("containers", "initContainers"):
        for container in fixed.get(member) or ():
            for amounts in container.get("resources", {}).values():
                for name in _RESIZABLE:
                    if isinstance(amounts, dict):
                        amounts.pop(name, None)
    return fixed  # type: ignore[no-any-return]  # a copy of an object is an object
