"""The laws of ``metadata`` that hold for every kind.

The functions read objects in normal form (see the architecture notes): members have the types of the schema.
"""

import json
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final

from kapi.meta.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_required,
    field_too_long,
    go_quote,
)
from kapi.meta.gvk import GroupVersion
from kapi.meta.labels import validate_labels
from kapi.meta.names import (
    NameValidator,
    byte_length,
    name_is_label,
    name_is_path_segment,
    qualified_name,
)

Meta = Mapping[str, Any]

FINALIZER_ORPHAN: Final = "orphan"
FINALIZER_FOREGROUND: Final = "foregroundDeletion"
ANNOTATIONS_MAX: Final = 256 * 1024
_STANDARD_FINALIZERS: Final = ("kubernetes", FINALIZER_ORPHAN, FINALIZER_FOREGROUND)
_OWNER_MEMBERS: Final = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
_NO_OWNERS: Final = frozenset({("v1", "Event")})
_IMMUTABLE: Final = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


def validate_object_meta(
    meta: Meta,
    *,
    namespaced: bool,
    name_validator: NameValidator = name_is_path_segment,
    fully_qualified_finalizers: bool = True,
    path: str = "metadata",
) -> list[FieldError]:
    """Return what is wrong with the metadata of an object.

    ``fully_qualified_finalizers`` demands a domain in finalizers that are not Kubernetes' own; the reference asks this
    of its built-in kinds only.
    """
    errors = _validate_names(meta, name_validator, path) + _validate_namespace(meta, namespaced, path)
    generation = meta.get("generation", 0)
    if generation < 0:
        errors.append(field_invalid(f"{path}.generation", generation, "must be greater than or equal to 0"))
    errors += _validate_maps(meta, path)
    finalizers = meta.get("finalizers")
    if finalizers:
        errors += validate_finalizers(finalizers, f"{path}.finalizers")
        if fully_qualified_finalizers:
            errors += validate_finalizer_domains(finalizers, f"{path}.finalizers")
    return errors


def validate_object_meta_update(
    new: Meta, old: Meta, *, fully_qualified_finalizers: bool = True, checked: bool = False, path: str = "metadata"
) -> list[FieldError]:
    """Return which changes from ``old`` to ``new`` are not allowed, and what is wrong with the new labels and the like.

    ``checked`` says that :func:`validate_object_meta` has found nothing, so that only the changes are left to look at.
    Call :func:`keep_server_fields` first: what it restores is not reported.
    """
    errors: list[FieldError] = []
    finalizers = new.get("finalizers") or ()
    if old.get("deletionTimestamp"):
        errors += _validate_no_new_finalizers(finalizers, old.get("finalizers") or (), f"{path}.finalizers")
    if not new.get("resourceVersion"):
        errors.append(field_invalid(f"{path}.resourceVersion", "", "must be specified for an update"))
    generation = new.get("generation", 0)
    if generation < old.get("generation", 0):
        errors.append(field_invalid(f"{path}.generation", generation, "must not be decremented"))
    for member in _IMMUTABLE:
        value = new.get(member)
        if value != old.get(member) and (value or old.get(member)):
            errors.append(field_invalid(f"{path}.{member}", value, "field is immutable"))
    if not checked:
        errors += _validate_maps(new, path)
        if fully_qualified_finalizers:
            errors += validate_finalizer_domains(finalizers, f"{path}.finalizers")
    return errors


def keep_server_fields(new: MutableMapping[str, Any], old: Meta) -> None:
    """Restore in ``new`` what a client may leave out or cannot change silently: uid, timestamps, grace period."""
    if not new.get("uid") and old.get("uid"):
        new["uid"] = old["uid"]
    for member in ("creationTimestamp", "deletionTimestamp"):
        if old.get(member):
            new[member] = old[member]
    grace = old.get("deletionGracePeriodSeconds")
    if grace is not None and new.get("deletionGracePeriodSeconds") is None:
        new["deletionGracePeriodSeconds"] = grace


def _validate_names(meta: Meta, validator: NameValidator, path: str) -> list[FieldError]:
    errors = []
    prefix = meta.get("generateName")
    if prefix:
        errors += [field_invalid(f"{path}.generateName", prefix, p) for p in validator(prefix, True)]
    name = meta.get("name")
    if not name:
        errors.append(field_required(f"{path}.name", "name or generateName is required"))
    else:
        errors += [field_invalid(f"{path}.name", name, p) for p in validator(name, False)]
    return errors


def _validate_namespace(meta: Meta, namespaced: bool, path: str) -> list[FieldError]:
    namespace = meta.get("namespace")
    if not namespaced:
        return [field_forbidden(f"{path}.namespace", "not allowed on this type")] if namespace else []
    if not namespace:
        return [field_required(f"{path}.namespace")]
    return [field_invalid(f"{path}.namespace", namespace, p) for p in name_is_label(namespace, False)]


def _validate_maps(meta: Meta, path: str) -> list[FieldError]:
    errors = []
    if labels := meta.get("labels"):
        errors += validate_labels(labels, f"{path}.labels")
    if annotations := meta.get("annotations"):
        errors += validate_annotations(annotations, f"{path}.annotations")
    if owners := meta.get("ownerReferences"):
        errors += validate_owner_references(owners, f"{path}.ownerReferences")
    return errors


def validate_annotations(annotations: Mapping[str, str], path: str) -> list[FieldError]:
    """Return what is wrong with the keys of annotations, or with their size together."""
    errors = []
    size = 0
    for key, value in annotations.items():
        errors += [field_invalid(path, key, problem) for problem in qualified_name(key.lower())]
        size += byte_length(key) + byte_length(value)
    if size > ANNOTATIONS_MAX:
        errors.append(field_too_long(path, ANNOTATIONS_MAX))
    return errors


def validate_owner_references(owners: Sequence[Meta], path: str) -> list[FieldError]:
    """Return what is wrong with owner references; only one of them may be the controller."""
    errors = []
    controller: Meta | None = None
    for owner in owners:
        errors += _validate_owner(owner, path)
        if not owner.get("controller"):
            continue
        if controller is None:
            controller = owner
            continue
        found = f"{_kind_and_name(controller)} and {_kind_and_name(owner)}"
        detail = f'Only one reference can have Controller set to true. Found "true" in references for {found}'
        errors.append(_invalid_json(path, [_ordered_owner(o) for o in owners], detail))
    return errors


def _validate_owner(owner: Meta, path: str) -> list[FieldError]:
    errors = []
    api_version, kind = owner.get("apiVersion", ""), owner.get("kind", "")
    if not api_version or not _version_of(api_version):
        errors.append(field_invalid(f"{path}.apiVersion", api_version, "version must not be empty"))
    missing = [member for member in ("kind", "name", "uid") if not owner.get(member)]
    errors += [field_invalid(f"{path}.{member}", "", "must not be empty") for member in missing]
    if (api_version, kind) in _NO_OWNERS:
        shown = GroupVersion.parse(api_version).with_kind(kind)
        errors.append(_invalid_json(path, _ordered_owner(owner), f"{shown} is disallowed from being an owner"))
    return errors


def _version_of(api_version: str) -> str:
    try:
        return GroupVersion.parse(api_version).version
    except ValueError:
        return ""


def _ordered_owner(owner: Meta) -> dict[str, Any]:
    shown = {member: owner.get(member, "") for member in _OWNER_MEMBERS[:4]}
    return shown | {member: owner[member] for member in _OWNER_MEMBERS[4:] if owner.get(member) is not None}


def _kind_and_name(owner: Meta) -> str:
    return f"{owner.get('kind', '')}/{owner.get('name', '')}"


def _invalid_json(path: str, value: Any, detail: str) -> FieldError:
    """An invalid value shown as JSON with its members in the order that they are declared in."""
    shown = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return FieldError("FieldValueInvalid", path, f"Invalid value: {shown}: {detail}")


def dedup_owner_references(meta: MutableMapping[str, Any], *, after_admission: bool = False) -> str:
    """Drop repeated owner references from ``meta``; returns the warning to send, or "" when there were none."""
    owners = meta.get("ownerReferences") or ()
    if len(owners) < 2:
        return ""
    kept: list[Meta] = []
    repeated: list[str] = []
    for owner in owners:
        if owner in kept:
            repeated.append(owner.get("uid", ""))
        else:
            kept.append(owner)
    if not repeated:
        return ""
    meta["ownerReferences"] = kept
    when = " after mutating admission happens" if after_admission else ""
    return (
        f".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in 1.20+, "
        "and may reject such requests as early as 1.24; please fix your requests; "
        f"duplicate UID(s) observed: {', '.join(repeated)}"
    )


def validate_finalizers(finalizers: Sequence[str], path: str) -> list[FieldError]:
    """Return what is wrong with the form of finalizers."""
    errors = []
    for finalizer in finalizers:
        errors += [field_invalid(path, finalizer, problem) for problem in qualified_name(finalizer)]
    if FINALIZER_ORPHAN in finalizers and FINALIZER_FOREGROUND in finalizers:
        detail = f"finalizer {FINALIZER_ORPHAN} and {FINALIZER_FOREGROUND} cannot be both set"
        errors.append(_invalid_json(path, list(finalizers), detail))
    return errors


def validate_finalizer_domains(finalizers: Sequence[str], path: str) -> list[FieldError]:
    """Return which finalizers are neither Kubernetes' own nor carry a domain."""
    detail = "name is neither a standard finalizer name nor is it fully qualified"
    return [
        field_invalid(f"{path}[{i}]", finalizer, detail)
        for i, finalizer in enumerate(finalizers)
        if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS
    ]


def _validate_no_new_finalizers(new: Sequence[str], old: Sequence[str], path: str) -> list[FieldError]:
    extra = sorted(set(new) - set(old))
    if not extra:
        return []
    shown = ", ".join(go_quote(finalizer) for finalizer in extra)
    detail = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{shown}}}"
    return [field_forbidden(path, detail)]
