"""Which changes of a pod's spec are allowed."""

from collections.abc import Iterator

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_required
from kapi_apigroups.common.diffs import show_difference
from kapi_apigroups.common.members import keep

_ALLOWED = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_LISTS = ("containers", "initContainers")
_LONGEST_DEADLINE = 2**31 - 1
_DEADLINE_RANGE = f"must be between 0 and {_LONGEST_DEADLINE}, inclusive"


def validate_pod_change(spec: Object, old: Object) -> list[FieldError]:
    """Return why a pod's spec may not change from ``old`` to ``spec``."""
    resized = [
        field_forbidden(f"spec.{member}", "pod updates may not add or remove containers")
        for member in _LISTS
        if len(spec.get(member) or ()) != len(old.get(member) or ())
    ]
    if resized:
        return resized[:1]
    errors = list(_images(spec))
    deadline = list(_deadline(spec, old))
    if deadline:
        return errors + deadline
    errors += _tolerations(spec, old)
    errors += _gates(spec, old)
    if errors and any(error.field.startswith("spec.tolerations") for error in errors):
        return errors
    munged = _munged(spec, old)
    if munged != old:
        errors.append(field_forbidden("spec", _ALLOWED + show_difference(munged, old)))
    return errors


def _images(spec: Object) -> Iterator[FieldError]:
    for member in _LISTS:
        for index, container in enumerate(spec.get(member) or ()):
            if not container.get("image"):
                yield field_required(f"spec.{member}[{index}].image")


def _deadline(spec: Object, old: Object) -> Iterator[FieldError]:
    path, new, before = (
        "spec.activeDeadlineSeconds",
        spec.get("activeDeadlineSeconds"),
        old.get("activeDeadlineSeconds"),
    )
    if new is None:
        if before is not None:
            yield field_invalid(path, None, "must not update from a positive integer to nil value")
    elif not 0 <= new <= _LONGEST_DEADLINE:
        yield field_invalid(path, new, _DEADLINE_RANGE)
    elif before is not None and new > before:
        yield field_invalid(path, new, "must be less than or equal to previous value")


def _tolerations(spec: Object, old: Object) -> Iterator[FieldError]:
    present = {_lasting(one) for one in spec.get("tolerations", ())}
    if any(_lasting(one) not in present for one in old.get("tolerations", ())):
        yield field_forbidden(
            "spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"
        )


def _lasting(toleration: Object) -> frozenset[tuple[str, str]]:
    return frozenset((member, value) for member, value in toleration.items() if member != "tolerationSeconds")


def _gates(spec: Object, old: Object) -> Iterator[FieldError]:
    known = {gate.get("name") for gate in old.get("schedulingGates", ())}
    for index, gate in enumerate(spec.get("schedulingGates", ())):
        if gate.get("name") not in known:
            detail = f"only deletion is allowed, but found new scheduling gate '{gate.get('name', '')}'"
            yield field_forbidden(f"spec.schedulingGates[{index}].name", detail)


def _munged(spec: Object, old: Object) -> Object:
    """Return the new spec with everything that may change as it was."""
    munged = dict(spec)
    for member in _LISTS:
        if munged.get(member):
            munged[member] = [_with_image(*pair) for pair in zip(munged[member], old[member], strict=True)]
    for member in ("activeDeadlineSeconds", "tolerations", "schedulingGates"):
        keep(munged, old, member)
    if old.get("terminationGracePeriodSeconds", 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        keep(munged, old, "terminationGracePeriodSeconds")
    if old.get("schedulingGates"):
        _allow_narrowing(munged, old)
    return munged


def _with_image(container: Object, old: Object) -> Object:
    munged = dict(container)
    keep(munged, old, "image")
    return munged


def _allow_narrowing(munged: Object, old: Object) -> None:
    """Let a gated pod ask for more of its node than before."""
    before = old.get("nodeSelector", {})
    if before.items() <= munged.get("nodeSelector", {}).items():
        keep(munged, old, "nodeSelector")
    affinity = dict(munged.get("affinity", {}))
    if not old.get("affinity", {}).get("nodeAffinity"):
        affinity.pop("nodeAffinity", None)
        munged["affinity"] = affinity
        if not affinity:
            keep(munged, old, "affinity")
