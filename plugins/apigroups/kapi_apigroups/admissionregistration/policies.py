"""Rules of the admission policies and their bindings.

The expressions in them are checked by the engine that runs them, not here.
"""

import re
from collections.abc import Iterator, Sequence

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_duplicate, field_forbidden, field_invalid, field_required
from kapi.meta.names import dns1123_subdomain
from kapi_apigroups.admissionregistration.matching import (
    default_match_resources,
    validate_conditions,
    validate_rule,
    validate_selectors,
)
from kapi_apigroups.common.fields import named, one_of
from kapi_apigroups.common.status_owner import StatusOwner

_ONE_ITEM = "validations or auditAnnotations must contain at least one item"
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_ACTIONS = ("Audit", "Deny", "Warn")
_TWICE = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and "
    "headers serves no purpose)"
)
_EXCLUSIVE = "name and selector are mutually exclusive"


def _default_policy(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("failurePolicy", "Fail")
    if "matchConstraints" in spec:
        default_match_resources(spec["matchConstraints"])


class ValidatingPolicyStrategy(StatusOwner):
    """ValidatingAdmissionPolicies."""

    generation = ("spec",)
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        """Fill in failure policy and what is matched."""
        _default_policy(obj)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec, expressions apart."""
        return list(_validate_policy(obj["spec"])) + list(_validate_validations(obj["spec"]))


class MutatingPolicyStrategy(Strategy):
    """MutatingAdmissionPolicies."""

    generation = ("spec",)
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        """Fill in failure policy and what is matched."""
        _default_policy(obj)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec, expressions apart."""
        return list(_validate_policy(obj["spec"])) + list(_validate_mutations(obj["spec"]))


def _validate_policy(spec: Object) -> Iterator[FieldError]:
    yield from one_of(spec["failurePolicy"], "spec.failurePolicy", ("Fail", "Ignore"))
    kind = spec.get("paramKind")
    if kind is not None:
        for member in ("apiVersion", "kind"):
            if not kind.get(member):
                yield field_required(f"spec.paramKind.{member}")
    match = spec.get("matchConstraints")
    if match is None:
        yield field_required("spec.matchConstraints")
    else:
        yield from _validate_match(match, "spec.matchConstraints")
        if not match.get("resourceRules"):
            yield field_required("spec.matchConstraints.resourceRules")
    yield from validate_conditions(spec.get("matchConditions") or (), "spec.matchConditions")
    for index, variable in enumerate(spec.get("variables") or ()):
        path, name = f"spec.variables[{index}]", variable.get("name", "")
        if not name.strip():
            yield field_required(f"{path}.name", "name is not specified")
        elif not _IDENTIFIER.fullmatch(name):
            yield field_invalid(f"{path}.name", name, "must be a valid CEL identifier")
        if not variable.get("expression", "").strip():
            yield field_required(f"{path}.expression", "expression is not specified")


def _validate_match(match: Object, path: str) -> Iterator[FieldError]:
    yield from one_of(match["matchPolicy"], f"{path}.matchPolicy", ("Equivalent", "Exact"))
    yield from validate_selectors(match, path)
    for member in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(match.get(member) or ()):
            yield from validate_rule(rule, f"{path}.{member}[{index}]")


def _validate_validations(spec: Object) -> Iterator[FieldError]:
    validations, annotations = spec.get("validations") or (), spec.get("auditAnnotations") or ()
    if not validations and not annotations:
        yield field_required("spec.validations", _ONE_ITEM)
        yield field_required("spec.auditAnnotations", _ONE_ITEM)
    for index, validation in enumerate(validations):
        path = f"spec.validations[{index}]"
        if not validation.get("expression", "").strip():
            yield field_required(f"{path}.expression", "expression is not specified")
        if "\n" in validation.get("message", "").strip():
            yield field_invalid(f"{path}.message", validation["message"], "must not contain line breaks")
        if "reason" in validation:
            yield from one_of(validation["reason"], f"{path}.reason", _REASONS)


def _validate_mutations(spec: Object) -> Iterator[FieldError]:
    mutations = spec.get("mutations") or ()
    if not mutations:
        yield field_required("spec.mutations", "mutations must contain at least one item")
    for index, mutation in enumerate(mutations):
        kind = mutation.get("patchType", "")
        yield from one_of(kind, f"spec.mutations[{index}].patchType", ("ApplyConfiguration", "JSONPatch"))
    if "reinvocationPolicy" not in spec:
        yield field_required("spec.reinvocationPolicy")
    else:
        yield from one_of(spec["reinvocationPolicy"], "spec.reinvocationPolicy", ("IfNeeded", "Never"))


class PolicyBindingStrategy(Strategy):
    """Bindings of mutating policies."""

    generation = ("spec",)
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        """Fill in what is matched."""
        spec = obj.setdefault("spec", {})
        if "matchResources" in spec:
            default_match_resources(spec["matchResources"])

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec."""
        return list(_validate_binding(obj["spec"]))


class ValidatingPolicyBindingStrategy(PolicyBindingStrategy):
    """Bindings of validating policies: they say what becomes of a failure."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec and the actions."""
        return super().validate(ctx, obj) + list(_validate_actions(obj["spec"].get("validationActions") or []))


def _validate_binding(spec: Object) -> Iterator[FieldError]:
    yield from named(spec, "policyName", "spec", dns1123_subdomain)
    if "paramRef" in spec:
        yield from _validate_param_ref(spec["paramRef"])
    if "matchResources" in spec:
        yield from _validate_match(spec["matchResources"], "spec.matchResources")


def _validate_param_ref(reference: Object) -> Iterator[FieldError]:
    path, name, selector = "spec.paramRef", reference.get("name"), reference.get("selector")
    if name and selector is not None:
        yield field_forbidden(f"{path}.name", _EXCLUSIVE)
        yield field_forbidden(f"{path}.selector", _EXCLUSIVE)
    elif not name and selector is None:
        yield field_required(path, "one of name or selector must be specified")
    action = reference.get("parameterNotFoundAction")
    if action is None:
        yield field_required(f"{path}.parameterNotFoundAction")
    else:
        yield from one_of(action, f"{path}.parameterNotFoundAction", ("Deny", "Allow"))


def _validate_actions(actions: Sequence[str]) -> Iterator[FieldError]:
    path = "spec.validationActions"
    if not actions:
        yield field_required(path, "at least one validation action is required")
    for index, action in enumerate(actions):
        yield from one_of(action, f"{path}[{index}]", _ACTIONS)
        if action in actions[:index]:
            yield field_duplicate(f"{path}[{index}]", action)
    if "Deny" in actions and "Warn" in actions:
        yield field_invalid(path, actions, _TWICE)
