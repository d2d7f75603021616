"""Validation of CustomResourceDefinitions, in the words and order of kube-apiserver.

Its internal type holds what all versions have in common (schema, subresources, columns, selectable fields) beside the
versions, not in each: findings name it ``spec.validation`` and so on, and versions are shown without it.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from kapi.contracts.resources import Object
from kapi.meta.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
    field_too_many,
)
from kapi.meta.names import dns1035_label, dns1123_subdomain
from kapi_apigroups.apiextensions.jsonpath import JSONPath, PathError, simple_members
from kapi_apigroups.apiextensions.naming import APPROVAL, is_protected
from kapi_apigroups.apiextensions.structural.validity import construct_findings, default_findings, structural_findings
from kapi_apigroups.common.conditions import find_condition
from kapi_apigroups.common.fields import IMMUTABLE, checked
from kapi_apigroups.common.webhookclient import validate_client_config

_Findings = Iterator[FieldError]

_SCOPES = ("Cluster", "Namespaced")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_MAX_SELECTABLE = 8
_SHARED = ("schema", "subresources", "additionalPrinterColumns", "selectableFields")
_ENHANCEMENT = "see https://github.com/kubernetes/enhancements/pull/1111"
_PRESERVE = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
_GONE = (
    "missing from spec.versions; {0} was previously a storage version, and must remain in spec.versions until a "
    "storage migration ensures no data remains persisted in {0} and removes {0} from status.storedVersions"
)


def validate_definition(obj: Object) -> _Findings:
    """Yield what is wrong with a new definition."""
    spec, name = obj["spec"], obj["metadata"].get("name", "")
    if name != f"{spec.get('names', {}).get('plural', '')}.{spec.get('group', '')}":
        yield field_invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    yield from _spec_findings(spec)
    yield from _stored_versions(obj)
    yield from _approval(obj)


def validate_definition_update(obj: Object, old: Object) -> _Findings:
    """Yield what is wrong with a changed definition."""
    spec, before = obj["spec"], old["spec"]
    if spec != before:  # what was accepted once (by another server, too) must not keep a definition from going
        yield from _spec_findings(spec)
    established = find_condition(old.get("status") or {}, "Established")
    if established is not None and established.get("status") == "True":
        yield from _immutable(spec.get("scope"), before.get("scope"), "spec.scope")
        yield from _immutable(spec["names"].get("kind"), before["names"].get("kind"), "spec.names.kind")
    yield from _immutable(spec.get("group"), before.get("group"), "spec.group")
    yield from _immutable(spec["names"].get("plural"), before["names"].get("plural"), "spec.names.plural")
    yield from _stored_versions(obj)
    if obj["metadata"].get("annotations", {}).get(APPROVAL) != old["metadata"].get("annotations", {}).get(APPROVAL):
        yield from _approval(obj)


def _immutable(value: Any, old: Any, path: str) -> _Findings:
    if value != old:
        yield field_invalid(path, value, IMMUTABLE)


def _spec_findings(spec: Object) -> _Findings:
    yield from _group_findings(spec.get("group", ""))
    scope = spec.get("scope", "")
    if not scope:
        yield field_required("spec.scope")
    elif scope not in _SCOPES:
        yield field_not_supported("spec.scope", scope, _SCOPES)
    if spec.get("preserveUnknownFields"):
        yield field_invalid("spec.preserveUnknownFields", True, _PRESERVE)
    versions = spec.get("versions") or []
    yield from _missing_schemas(versions)
    shared = _shared(versions)
    for index, version in enumerate(versions):
        yield from _version_findings(version, f"spec.versions[{index}]", shared)
    yield from _version_set_findings(spec.get("versions"), shared)
    for name in ("plural", "singular", "kind", "listKind"):
        if not spec["names"].get(name):
            yield field_required(f"spec.names.{name}")
    yield from _name_findings(spec["names"])
    yield from _content_findings(versions[0] if versions else {}, "spec", shared, "validation")
    yield from _conversion_findings(spec.get("conversion") or {})


def _group_findings(group: str) -> _Findings:
    if not group:
        yield field_required("spec.group")
    elif problems := dns1123_subdomain(group):
        yield field_invalid("spec.group", group, ",".join(problems))
    elif "." not in group:
        yield field_invalid("spec.group", group, "should be a domain with at least one dot")


def _missing_schemas(versions: list[Object]) -> _Findings:
    for index, version in enumerate(versions):
        if (version.get("schema") or {}).get("openAPIV3Schema") is None:
            yield field_required(f"spec.versions[{index}].schema.openAPIV3Schema")


def _shared(versions: list[Object]) -> frozenset[str]:
    """Return which members all versions have in common."""
    return frozenset(m for m in _SHARED if all(version.get(m) == versions[0].get(m) for version in versions))


def _version_findings(version: Object, path: str, shared: frozenset[str]) -> _Findings:
    yield from checked(version.get("name", ""), f"{path}.name", dns1035_label)
    warning = version.get("deprecationWarning")
    if warning is not None:
        if not version.get("deprecated"):
            yield field_invalid(f"{path}.deprecationWarning", warning, "can only be set for deprecated versions")
        elif len(warning.encode()) > 256:
            yield field_invalid(f"{path}.deprecationWarning", warning, "must be <= 256 characters long")
        elif not warning:
            yield field_invalid(f"{path}.deprecationWarning", warning, "must not be empty")
    yield from _content_findings(version, path, frozenset(_SHARED) - shared, "schema")


def _version_set_findings(versions: list[Object] | None, shared: frozenset[str]) -> _Findings:
    present = versions or []
    shown = None if versions is None else [_shown(version, shared) for version in present]
    names = [version.get("name", "") for version in present]
    if len(set(names)) != len(names):
        yield _invalid("spec.versions", shown, "must contain unique version names")
    if sum(bool(version.get("storage")) for version in present) != 1:
        yield _invalid("spec.versions", shown, "must have exactly one version marked as storage version")
    if names:
        yield from checked(names[0], "spec.version", dns1035_label)


def _invalid(path: str, value: Any, detail: str) -> FieldError:
    """Return a finding that shows the members of its value in the order in which they are."""
    return FieldError("FieldValueInvalid", path, f"Invalid value: {orjson.dumps(value).decode()}: {detail}")


def _shown(version: Object, shared: frozenset[str]) -> Object:
    """Return a version as upstream's internal type shows it."""
    own = {member: None if member in shared else version.get(member) for member in _SHARED}
    return {
        "Name": version.get("name", ""),
        "Served": bool(version.get("served")),
        "Storage": bool(version.get("storage")),
        "Deprecated": bool(version.get("deprecated")),
        "DeprecationWarning": version.get("deprecationWarning"),
        "Schema": own["schema"],
        "Subresources": own["subresources"],
        "AdditionalPrinterColumns": own["additionalPrinterColumns"],
        "SelectableFields": own["selectableFields"],
    }


def _name_findings(names: Object) -> _Findings:
    for member in ("plural", "singular"):
        if names.get(member):
            yield from checked(names[member], f"spec.names.{member}", dns1035_label)
    for member in ("kind", "listKind"):
        for problem in dns1035_label(names.get(member, "").lower()) if names.get(member) else ():
            detail = f"may have mixed case, but should otherwise match: {problem}"
            yield field_invalid(f"spec.names.{member}", names[member], detail)
    for member in ("shortNames", "categories"):
        for index, name in enumerate(names.get(member) or ()):
            yield from checked(name, f"spec.names.{member}[{index}]", dns1035_label)
    if names.get("kind") and names["kind"] == names.get("listKind"):
        yield field_invalid("spec.names.listKind", names["listKind"], "kind and listKind may not be the same")


def _content_findings(version: Object, path: str, members: frozenset[str], validation: str) -> _Findings:
    """Yield what is wrong with those ``members`` of a version that are looked at here."""
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if "schema" in members and schema is not None:
        yield from schema_findings(schema, f"{path}.{validation}.openAPIV3Schema")
    if "subresources" in members:
        yield from _scale_findings((version.get("subresources") or {}).get("scale"), f"{path}.subresources.scale")
    if "additionalPrinterColumns" in members:
        for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
            yield from _column_findings(column, f"{path}.additionalPrinterColumns[{index}]")
    if "selectableFields" in members:
        yield from _selectable_findings(version.get("selectableFields") or [], schema or {}, f"{path}.selectableFields")


def schema_findings(schema: Mapping[str, Any], path: str) -> _Findings:
    """Yield what is wrong with a schema; whether it is structural is asked of one that is sound otherwise."""
    found = list(construct_findings(schema, path))
    if not found:
        found = list(structural_findings(schema, path)) or list(default_findings(schema, path))
    yield from found


def _scale_findings(scale: Object | None, path: str) -> _Findings:
    if scale is None:
        return
    for member, roots in (("specReplicasPath", (".spec.",)), ("statusReplicasPath", (".status.",))):
        value = scale.get(member, "")
        if not value:
            yield field_required(f"{path}.{member}")
        else:
            yield from _path_findings(value, f"{path}.{member}", roots, f"should be a json path under {roots[0][:-1]}")
    selector = scale.get("labelSelectorPath")
    if selector:
        detail = "should be a json path under either .spec or .status"
        yield from _path_findings(selector, f"{path}.labelSelectorPath", (".spec.", ".status."), detail)


def _path_findings(value: str, path: str, roots: tuple[str, ...] = (), detail: str = "") -> _Findings:
    if not value.startswith("."):
        yield field_invalid(path, value, "must be a simple json path starting with .")
        return
    try:
        JSONPath(value)
    except PathError as error:
        yield field_invalid(path, value, str(error))
        return
    if roots and not value.startswith(roots):
        yield field_invalid(path, value, detail)


def _column_findings(column: Object, path: str) -> _Findings:
    if not column.get("name"):
        yield field_required(f"{path}.name")
    kind = column.get("type", "")
    if not kind:
        yield field_required(f"{path}.type", f"must be one of {','.join(_COLUMN_TYPES)}")
    elif kind not in _COLUMN_TYPES:
        yield field_invalid(f"{path}.type", kind, f"must be one of {','.join(_COLUMN_TYPES)}")
    form = column.get("format", "")
    if form and form not in _COLUMN_FORMATS:
        yield field_invalid(f"{path}.format", form, f"must be one of {','.join(_COLUMN_FORMATS)}")
    if not column.get("jsonPath"):
        yield field_required(f"{path}.JSONPath")
    else:
        yield from _path_findings(column["jsonPath"], f"{path}.JSONPath")


def _selectable_findings(fields: list[Object], schema: Mapping[str, Any], path: str) -> _Findings:
    if len(fields) > _MAX_SELECTABLE:
        yield field_too_many(path, len(fields), _MAX_SELECTABLE)
    seen = set()
    for index, field in enumerate(fields):
        value, place = field.get("jsonPath", ""), f"{path}[{index}].jsonPath"
        if not value:
            yield field_required(place)
        elif value in seen:
            yield FieldError("FieldValueDuplicate", place, f'Duplicate value: "{value}"')
        else:
            yield from _selectable_path(value, schema, place)
        seen.add(value)


def _selectable_path(value: str, schema: Mapping[str, Any], path: str) -> _Findings:
    members = simple_members(value) if value.startswith(".") else ()
    if not members:
        yield field_invalid(path, value, "is an invalid path: must start with a dot")
        return
    if members[0] == "metadata":
        yield field_invalid(path, value, "must not point to fields in metadata")
        return
    found: Any = schema
    for name in members:
        found = (found.get("properties") or {}).get(name) if isinstance(found, Mapping) else None
    if found is None:
        yield field_invalid(path, value, "is an invalid path: does not refer to a valid field")
    elif found.get("type") not in ("string", "integer", "boolean"):
        detail = (
            "must point to a field of type string, boolean or integer. Enum string fields and strings with formats "
        )
        yield field_invalid(path, value, detail + "are allowed.")


def _conversion_findings(conversion: Object) -> _Findings:
    path, strategy = "spec.conversion", conversion.get("strategy", "")
    webhook = conversion.get("webhook") or {}
    config, versions = webhook.get("clientConfig"), webhook.get("conversionReviewVersions") or []
    if not strategy:
        yield field_required(f"{path}.strategy")
    elif strategy not in ("None", "Webhook"):
        yield field_not_supported(f"{path}.strategy", strategy, ("None", "Webhook"))
    elif strategy == "Webhook":
        if config is None:
            yield field_required(f"{path}.webhookClientConfig", "required when strategy is set to Webhook")
        else:
            yield from validate_client_config(config, f"{path}.webhookClientConfig")
        if not versions:
            yield field_required(f"{path}.conversionReviewVersions")
    elif config is not None:
        yield field_forbidden(f"{path}.webhookClientConfig", "should not be set when strategy is not set to Webhook")
    if strategy == "None" and versions:
        detail = "should not be set when strategy is not set to Webhook"
        yield field_forbidden(f"{path}.conversionReviewVersions", detail)


def _stored_versions(obj: Object) -> _Findings:
    path, stored = "status.storedVersions", (obj.get("status") or {}).get("storedVersions") or None
    if not stored:
        yield field_invalid(path, stored, "must have at least one stored version")
        return
    left = {version: index for index, version in enumerate(stored)}
    for version in obj["spec"].get("versions") or ():
        if left.pop(version.get("name", ""), None) is None and version.get("storage"):
            yield field_invalid(path, stored, f"must have the storage version {version.get('name', '')}")
    for version, index in left.items():
        yield field_invalid(f"{path}[{index}]", version, _GONE.format(version))


def _approval(obj: Object) -> _Findings:
    if not is_protected(obj["spec"].get("group", "")):
        return
    path, value = f"metadata.annotations[{APPROVAL}]", obj["metadata"].get("annotations", {}).get(APPROVAL, "")
    demand = f'protected groups must have approval annotation "{APPROVAL}"'
    if not value:
        yield field_required(path, f"{demand}, {_ENHANCEMENT}")
    elif not value.startswith("unapproved") and not (urlsplit(value).scheme and urlsplit(value).netloc):
        choice = 'with either a URL or a reason starting with "unapproved"'
        yield field_invalid(path, value, f"{demand} {choice}, {_ENHANCEMENT}")
