"""What an access review must look like."""

import json
from collections.abc import Collection
from typing import Any

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_forbidden, field_not_supported, field_required

_OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")


def wire_value(field: str, value: Any, detail: str) -> FieldError:
    """Return an invalid-value error that shows ``value`` as JSON with its members in their order."""
    shown = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return FieldError("FieldValueInvalid", field, f"Invalid value: {shown}: {detail}")


def spec_errors(spec: Object) -> list[FieldError]:
    """Return what is wrong with the question itself: it is about a resource or about a path."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        shown = {"Path": path.get("path", ""), "Verb": path.get("verb", "")}
        detail = "cannot be specified in combination with resourceAttributes"
        return [wire_value("spec.nonResourceAttributes", shown, detail)]
    if resource is None and path is None:
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [wire_value("spec.resourceAttributes", None, detail)]
    if resource is None:
        return []
    return [
        *_selector_errors(resource.get("fieldSelector"), "spec.resourceAttributes.fieldSelector"),
        *_selector_errors(resource.get("labelSelector"), "spec.resourceAttributes.labelSelector"),
    ]


def subject_errors(spec: Object) -> list[FieldError]:
    """Return what is wrong with whom the question is about."""
    if spec.get("user") or spec.get("groups"):
        return []
    return [wire_value("spec.user", spec.get("user", ""), "at least one of user or group must be specified")]


def metadata_errors(obj: Object, detail: str, allowed: Collection[str] = ()) -> list[FieldError]:
    """Return an error for metadata beyond ``allowed``: a review has none."""
    metadata = obj.get("metadata") or {}
    if metadata.keys() <= {"managedFields", *allowed}:
        return []
    return [wire_value("metadata", metadata, detail)]


def selector_text(selector: Object | None) -> str:
    """Return the raw text of a selector in a review, made from its requirements where it has these."""
    if not selector:
        return ""
    return selector.get("rawSelector") or ",".join(_term(term) for term in selector.get("requirements") or ())


def _term(requirement: Object) -> str:
    key, operator = requirement.get("key", ""), requirement.get("operator", "")
    if operator in ("Exists", "DoesNotExist"):
        return key if operator == "Exists" else f"!{key}"
    return f"{key} {operator.lower()} ({','.join(requirement.get('values') or ())})"


def _selector_errors(selector: Object | None, path: str) -> list[FieldError]:
    if selector is None:
        return []
    raw, requirements = selector.get("rawSelector", ""), selector.get("requirements") or ()
    if raw and requirements:
        return [wire_value(f"{path}.rawSelector", raw, "may not specified at the same time as requirements")]
    if not raw and not requirements:
        detail = f"when {path} is specified, requirements or rawSelector is required"
        return [field_required(f"{path}.requirements", detail)]
    errors: list[FieldError] = []
    for index, requirement in enumerate(requirements):
        errors += _requirement_errors(requirement, f"{path}.requirements[{index}]")
    return errors


def _requirement_errors(requirement: Object, path: str) -> list[FieldError]:
    errors = [] if requirement.get("key") else [field_required(f"{path}.key", "must be specified")]
    operator, values = requirement.get("operator", ""), requirement.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            detail = "must be specified when `operator` is 'In' or 'NotIn'"
            errors.append(field_required(f"{path}.values", detail))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(field_forbidden(f"{path}.values", detail))
    else:
        errors.append(field_not_supported(f"{path}.operator", operator, _OPERATORS))
    return errors
