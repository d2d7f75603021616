"""Webhook configurations, admission policies and their bindings."""

from collections.abc import Callable, Mapping
from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.printing.cells import UNSET, age_of, name_of, part
from kapi_apigroups.printing.printer import AGE, NAME, Printer

_GROUP = "admissionregistration.k8s.io"


def _webhooks(obj: Object) -> list[Any]:
    return [name_of(obj), len(obj.get("webhooks") or ()), age_of(obj)]


def _policy(rules: str) -> Callable[[Object], list[Any]]:
    def cells(obj: Object) -> list[Any]:
        spec = part(obj, "spec")
        kind = part(spec, "paramKind")
        shown = f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else UNSET
        return [name_of(obj), len(spec.get(rules) or ()), shown, age_of(obj)]

    return cells


def _binding(obj: Object) -> list[Any]:
    spec = part(obj, "spec")
    return [name_of(obj), spec.get("policyName", ""), _parameter(part(spec, "paramRef")), age_of(obj)]


def _parameter(reference: Mapping[str, Any]) -> str:
    name: str = reference.get("name", "")
    if name:
        return f"{reference['namespace']}/{name}" if reference.get("namespace") else name
    selector = reference.get("selector")
    return UNSET if selector is None else _go_selector(selector)


def _go_selector(selector: Mapping[str, Any]) -> str:
    """Return a LabelSelector as Go prints the struct."""
    labels = "".join(f"{key}: {value}," for key, value in sorted(part(selector, "matchLabels").items()))
    expressions = "".join(map(_go_requirement, selector.get("matchExpressions") or ()))
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )


def _go_requirement(expression: Mapping[str, Any]) -> str:
    key, operator, values = expression.get("key", ""), expression.get("operator", ""), expression.get("values") or ()
    return f"LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{' '.join(values)}],}},"


_WEBHOOKS = Printer(
    _webhooks, (NAME, "Webhooks indicates the number of webhooks registered in this configuration", AGE)
)
_PARAMETERS = "ParamKind specifies the kind of resources used to parameterize this policy"
_BINDING = Printer(
    _binding,
    (
        NAME,
        "PolicyName indicates the policy definition which the policy binding binded to",
        "ParamRef indicates the param resource which sets the configuration param",
        AGE,
    ),
)

PRINTERS = {
    (_GROUP, "mutatingwebhookconfigurations"): _WEBHOOKS,
    (_GROUP, "validatingwebhookconfigurations"): _WEBHOOKS,
    (_GROUP, "mutatingadmissionpolicies"): Printer(
        _policy("mutations"),
        (
            NAME,
            "Mutation indicates the number of mutations rules defined in this configuration",
            _PARAMETERS,
            AGE,
        ),
    ),
    (_GROUP, "validatingadmissionpolicies"): Printer(
        _policy("validations"),
        (
            NAME,
            "Validations indicates the number of validation rules defined in this configuration",
            _PARAMETERS,
            AGE,
        ),
    ),
    (_GROUP, "mutatingadmissionpolicybindings"): _BINDING,
    (_GROUP, "validatingadmissionpolicybindings"): _BINDING,
}
