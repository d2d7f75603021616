"""The options of single-object requests: CreateOptions, UpdateOptions, PatchOptions, DeleteOptions.

They come from the query; DeleteOptions from the body if there is one. ``to_object`` gives the form that admission sees.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from kapi.meta.errors import (
    FieldError,
    bad_request,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
    field_too_long,
    go_quote,
    invalid,
)
from kapi.meta.gvk import GroupKind, GroupVersion
from kapi.meta.names import byte_length
from kapi.meta.query import Query, boolean, first, integer

FieldValidation = Literal["", "Ignore", "Strict", "Warn"]

FIELD_MANAGER_MAX: Final = 128
DRY_RUN_ALL: Final = "All"
_GROUP: Final = "meta.k8s.io"
_API_VERSION: Final = "meta.k8s.io/v1"
_FIELD_VALIDATIONS: Final = ("", "Ignore", "Strict", "Warn")
_PROPAGATIONS: Final = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """The options of a create, update or patch. ``force`` is for apply (None: not given)."""

    kind: Literal["CreateOptions", "UpdateOptions", "PatchOptions"]
    dry_run: bool = False
    field_manager: str = ""
    field_validation: str = ""
    force: bool | None = None

    def to_object(self) -> dict[str, Any]:
        """Return the options as an object of meta.k8s.io/v1."""
        out: dict[str, Any] = {"kind": self.kind, "apiVersion": _API_VERSION}
        if self.dry_run:
            out["dryRun"] = [DRY_RUN_ALL]
        if self.force is not None:
            out["force"] = self.force
        if self.field_manager:
            out["fieldManager"] = self.field_manager
        if self.field_validation:
            out["fieldValidation"] = self.field_validation
        return out


_NO_CREATE_OPTIONS = WriteOptions("CreateOptions")
_NO_UPDATE_OPTIONS = WriteOptions("UpdateOptions")


def parse_create_options(query: Query) -> WriteOptions:
    """Return the options of a POST; raises a 422 StatusError."""
    return _write_options("CreateOptions", query) if query else _NO_CREATE_OPTIONS


def parse_update_options(query: Query) -> WriteOptions:
    """Return the options of a PUT; raises a 422 StatusError."""
    return _write_options("UpdateOptions", query) if query else _NO_UPDATE_OPTIONS


def parse_patch_options(query: Query, *, apply: bool) -> WriteOptions:
    """Return the options of a PATCH (``apply``: a server-side apply); raises a 422 StatusError."""
    errors = []
    if apply and not first(query, "fieldManager"):
        errors.append(field_required("fieldManager", "is required for apply patch"))
    force = boolean(query, "force")
    if force is not None and not apply:
        errors.append(field_forbidden("force", "may not be specified for non-apply patch"))
    return _write_options("PatchOptions", query, errors, force)


def _write_options(
    kind: Literal["CreateOptions", "UpdateOptions", "PatchOptions"],
    query: Query,
    errors: list[FieldError] | None = None,
    force: bool | None = None,
) -> WriteOptions:
    manager, validation = first(query, "fieldManager"), first(query, "fieldValidation")
    dry_run = query.get("dryRun", ())
    found = (errors or []) + validate_field_manager(manager) + _validate_dry_run(dry_run)
    if validation not in _FIELD_VALIDATIONS:
        found.append(field_not_supported("fieldValidation", validation, _FIELD_VALIDATIONS))
    if found:
        raise invalid(GroupKind(_GROUP, kind), "", found)
    return WriteOptions(kind, bool(dry_run), manager, validation, force)


def validate_field_manager(manager: str) -> list[FieldError]:
    """Return what is wrong with the name of a field manager."""
    errors = []
    if byte_length(manager) > FIELD_MANAGER_MAX:
        errors.append(field_too_long("fieldManager", FIELD_MANAGER_MAX))
    if manager.isprintable():
        return errors
    for i, ch in enumerate(manager):
        if not ch.isprintable():
            position = byte_length(manager[:i])
            detail = f"invalid character U+{ord(ch):04X} (at position {position})"
            errors.append(field_invalid("fieldManager", manager, detail))
    return errors


def _validate_dry_run(values: Any) -> list[FieldError]:
    if all(value == DRY_RUN_ALL for value in values):
        return []
    return [field_not_supported("dryRun", list(values), (DRY_RUN_ALL,))]


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """The options of a DELETE. None stands for what the client left open.

    ``uid`` and ``resource_version`` are preconditions.
    """

    dry_run: bool = False
    grace_period_seconds: int | None = None
    orphan_dependents: bool | None = None
    propagation_policy: str | None = None
    uid: str | None = None
    resource_version: str | None = None

    def to_object(self) -> dict[str, Any]:
        """Return the options as an object of meta.k8s.io/v1."""
        out: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": _API_VERSION}
        if self.grace_period_seconds is not None:
            out["gracePeriodSeconds"] = self.grace_period_seconds
        preconditions = {"uid": self.uid, "resourceVersion": self.resource_version}
        given = {member: value for member, value in preconditions.items() if value is not None}
        if given:
            out["preconditions"] = given
        if self.orphan_dependents is not None:
            out["orphanDependents"] = self.orphan_dependents
        if self.propagation_policy is not None:
            out["propagationPolicy"] = self.propagation_policy
        if self.dry_run:
            out["dryRun"] = [DRY_RUN_ALL]
        return out


_NO_DELETE_OPTIONS = DeleteOptions()


def parse_delete_options(query: Query, body: Any = None) -> DeleteOptions:
    """Return the options of a DELETE; raises a 400 or 422 StatusError.

    ``body`` is the parsed body, None when it was empty. A body replaces the query altogether.
    """
    if body is not None:
        return _from_body(body)
    if not query:
        return _NO_DELETE_OPTIONS
    policy = query.get("propagationPolicy")
    return _checked(
        query.get("dryRun", ()),
        integer(query, "gracePeriodSeconds"),
        boolean(query, "orphanDependents"),
        policy[0] if policy else None,
    )


def _checked(
    dry_run: Any,
    grace_period_seconds: int | None,
    orphan_dependents: bool | None,
    policy: str | None,
    uid: str | None = None,
    resource_version: str | None = None,
) -> DeleteOptions:
    errors = []
    if orphan_dependents is not None and policy is not None:
        detail = "orphanDependents and deletionPropagation cannot be both set"
        errors.append(field_invalid("propagationPolicy", policy, detail))
    if policy is not None and policy not in _PROPAGATIONS:
        errors.append(field_not_supported("propagationPolicy", policy, (*_PROPAGATIONS, "nil")))
    errors += _validate_dry_run(dry_run)
    if errors:
        raise invalid(GroupKind(_GROUP, "DeleteOptions"), "", errors)
    return DeleteOptions(bool(dry_run), grace_period_seconds, orphan_dependents, policy, uid, resource_version)


_GO_TYPES: Final[Mapping[str, tuple[type, str]]] = {
    "gracePeriodSeconds": (int, "int64"),
    "preconditions": (dict, "v1.Preconditions"),
    "orphanDependents": (bool, "bool"),
    "propagationPolicy": (str, "v1.DeletionPropagation"),
    "dryRun": (list, "[]string"),
}
_JSON_NAMES: Final = ((bool, "bool"), (str, "string"), (int, "number"), (float, "number"), (list, "array"))


def _from_body(body: Any) -> DeleteOptions:
    if not isinstance(body, dict):
        raise bad_request(
            f"couldn't get version/kind; json parse error: json: cannot unmarshal {_json_name(body)} into Go value of "
            'type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
            'Kind string "json:\\"kind,omitempty\\"" }'
        )
    kind, api_version = _type_meta(body)
    if kind != "DeleteOptions":
        raise bad_request(
            f"no kind {go_quote(str(kind))} is registered for version {go_quote(str(api_version))} "
            'in scheme "pkg/api/legacyscheme/scheme.go:30"'
        )
    members = {name: _typed(body, name, *wanted) for name, wanted in _GO_TYPES.items()}
    preconditions = members["preconditions"] or {}
    for value in members["dryRun"] or ():
        _expect(value, str, "DeleteOptions.dryRun", "string")
    return _checked(
        members["dryRun"] or (),
        members["gracePeriodSeconds"],
        members["orphanDependents"],
        members["propagationPolicy"],
        _typed(preconditions, "uid", str, "types.UID", "Preconditions.preconditions"),
        _typed(preconditions, "resourceVersion", str, "string", "Preconditions.preconditions"),
    )


def _type_meta(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return kind and apiVersion; options may come in the version of any group. Raises StatusError 400."""
    for member in ("apiVersion", "kind"):
        value = body.get(member)
        if value is not None and not isinstance(value, str):
            problem = f"json: cannot unmarshal {_json_name(value)} into Go struct field .{member} of type string"
            raise bad_request(f"couldn't get version/kind; json parse error: {problem}")
    api_version = body.get("apiVersion") or "v1"
    try:
        GroupVersion.parse(api_version)
    except ValueError as error:
        raise bad_request(str(error)) from None
    return body.get("kind") or "DeleteOptions", api_version


def _typed(holder: Mapping[str, Any], name: str, wanted: type, go_type: str, path: str = "DeleteOptions") -> Any:
    value = holder.get(name)
    if value is not None:
        _expect(value, wanted, f"{path}.{name}", go_type)
    return value


def _expect(value: Any, wanted: type, path: str, go_type: str) -> None:
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise bad_request(f"json: cannot unmarshal {_json_name(value)} into Go struct field {path} of type {go_type}")


def _json_name(value: Any) -> str:
    return next((name for kind, name in _JSON_NAMES if isinstance(value, kind)), "object")
