"""What makes the policies of a job invalid: which failures count, and when enough pods have succeeded."""

import re
from collections.abc import Iterator, Sequence

from kapi.contracts.resources import Object
from kapi.meta.errors import (
    FieldError,
    field_duplicate,
    field_invalid,
    field_not_supported,
    field_required,
    field_too_many,
    go_quote,
)
from kapi.meta.names import qualified_name
from kapi_apigroups.common.fields import checked, not_negative, one_of
from kapi_apigroups.common.golang import Shape, invalid_struct

_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_MOST_RULES = 20
_MOST_VALUES = 255
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_OUTSIDER = "must be one of the container or initContainer names in the pod template"
_NO_RULES = "at least one rules must be specified when the successPolicy is specified"
_NO_CRITERION = "at least one of succeededCount or succeededIndexes must be specified"
NEEDS_INDEX = "requires indexed completion mode"
"""What is said of members that only indexed jobs may have."""

_EXIT_CODES: Shape = {"ContainerName": "containerName", "Operator": ("operator", ""), "Values": "values"}
_CONDITION: Shape = {"Type": ("type", ""), "Status": ("status", "")}
_FAILURE_RULE: Shape = {
    "Action": ("action", ""),
    "OnExitCodes": ("onExitCodes", None, _EXIT_CODES),
    "OnPodConditions": ("onPodConditions", None, _CONDITION),
}
_SUCCESS_RULE: Shape = {"SucceededIndexes": "succeededIndexes", "SucceededCount": "succeededCount"}
FAILURE_POLICY: Shape = {"Rules": ("rules", None, _FAILURE_RULE)}
"""How messages show a ``podFailurePolicy``."""

SUCCESS_POLICY: Shape = {"Rules": ("rules", None, _SUCCESS_RULE)}
"""How messages show a ``successPolicy``."""


def nothing_shown(path: str, detail: str) -> FieldError:
    """A value is invalid, and the message does not show it."""
    return FieldError("FieldValueInvalid", path, f"Invalid value: {detail}")


def _valid_values(values: Sequence[str]) -> str:
    return f"valid values: [{' '.join(go_quote(value) for value in values)}]"


def validate_failure_policy(spec: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with ``podFailurePolicy`` of a JobSpec that stands at ``path``."""
    rules, at = spec["podFailurePolicy"].get("rules") or [], f"{path}.podFailurePolicy.rules"
    if len(rules) > _MOST_RULES:
        yield field_too_many(at, len(rules), _MOST_RULES)
        return
    pod = spec.get("template", {}).get("spec", {})
    names = {one.get("name") for member in ("containers", "initContainers") for one in pod.get(member) or ()}
    for index, rule in enumerate(rules):
        yield from _validate_action(rule.get("action", ""), spec, f"{at}[{index}].action")
        yield from _validate_pattern(rule, names, f"{at}[{index}]")


def _validate_action(action: str, spec: Object, path: str) -> Iterator[FieldError]:
    if not action:
        yield field_required(path, _valid_values(_ACTIONS))
    elif action == "FailIndex":
        if "backoffLimitPerIndex" not in spec:
            yield field_invalid(path, action, "requires the backoffLimitPerIndex to be set")
    else:
        yield from one_of(action, path, _ACTIONS)


def _validate_pattern(rule: Object, names: set[str | None], path: str) -> Iterator[FieldError]:
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
    if codes is not None:
        yield from _validate_exit_codes(codes, names, f"{path}.onExitCodes")
    for index, condition in enumerate(conditions):
        at = f"{path}.onPodConditions[{index}]"
        yield from checked(condition.get("type", ""), f"{at}.type", qualified_name)
        yield from one_of(condition.get("status", ""), f"{at}.status", _STATUSES)
    if codes is not None and conditions:
        yield nothing_shown(path, "specifying both OnExitCodes and OnPodConditions is not supported")
    elif codes is None and not conditions:
        yield nothing_shown(path, "specifying one of OnExitCodes and OnPodConditions is required")


def _validate_exit_codes(codes: Object, names: set[str | None], path: str) -> Iterator[FieldError]:
    operator, values = codes.get("operator", ""), codes.get("values") or []
    if not operator:
        yield field_required(f"{path}.operator", _valid_values(_OPERATORS))
    elif operator not in _OPERATORS:
        yield field_not_supported(f"{path}.operator", operator, _OPERATORS)
    if "containerName" in codes and codes["containerName"] not in names:
        yield field_invalid(f"{path}.containerName", codes["containerName"], _OUTSIDER)
    if not values:
        yield field_invalid(f"{path}.values", values, "at least one value is required")
    elif len(values) > _MOST_VALUES:
        yield field_too_many(f"{path}.values", len(values), _MOST_VALUES)
    yield from _validate_values(values, operator, f"{path}.values")


def _validate_values(values: list[int], operator: str, path: str) -> Iterator[FieldError]:
    seen: set[int] = set()
    for index, value in enumerate(values):
        if operator == "In" and value == 0:
            yield field_invalid(f"{path}[{index}]", value, "must not be 0 for the In operator")
        if value in seen:
            yield field_duplicate(f"{path}[{index}]", value)
        seen.add(value)
    if values != sorted(values):
        yield field_invalid(path, values, "must be ordered")


def validate_success_policy(spec: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with ``successPolicy`` of a JobSpec that stands at ``path``."""
    policy = spec["successPolicy"]
    if spec.get("completionMode") != "Indexed":
        yield invalid_struct(f"{path}.successPolicy", policy, SUCCESS_POLICY, NEEDS_INDEX)
        return
    rules, at = policy.get("rules") or [], f"{path}.successPolicy.rules"
    if not rules:
        yield field_required(at, _NO_RULES)
    elif len(rules) > _MOST_RULES:
        yield field_too_many(at, len(rules), _MOST_RULES)
    for index, rule in enumerate(rules[:_MOST_RULES]):
        yield from _validate_success_rule(rule, spec.get("completions") or 0, f"{at}[{index}]")


def _validate_success_rule(rule: Object, completions: int, path: str) -> Iterator[FieldError]:
    count, indexes, total = rule.get("succeededCount"), rule.get("succeededIndexes"), 0
    if count is None and indexes is None:
        yield field_required(path, _NO_CRITERION)
    if indexes is not None:
        try:
            total = count_indexes(indexes, completions)
        except ValueError as problem:
            yield field_invalid(f"{path}.succeededIndexes", indexes, f"error parsing succeededIndexes: {problem}")
    if count is None:
        return
    yield from not_negative(rule, ("succeededCount",), path)
    if count > completions:
        detail = f"must be less than or equal to {completions} (the number of specified completions)"
        yield field_invalid(f"{path}.succeededCount", count, detail)
    if indexes is not None and count > total:
        detail = "(the number of indexes in the specified succeededIndexes field)"
        yield field_invalid(f"{path}.succeededCount", count, f"must be less than or equal to {total} {detail}")


def count_indexes(text: str, completions: int) -> int:
    """Return how many indexes a list such as ``0-2,5`` names; raises ValueError with the reason for a malformed one."""
    total, last = 0, -1
    for interval in text.split(",") if text else ():
        limits = interval.split("-")
        if len(limits) > 2:
            raise ValueError(
                f"the fragment {go_quote(interval)} violates the requirement that an index interval can have at most "
                "two parts separated by '-'"
            )
        first = last = _next_index(limits[0], last, completions)
        if len(limits) == 2:
            last = _next_index(limits[1], last, completions)
        total += last - first + 1
    return total


def _next_index(text: str, last: int, completions: int) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"cannot convert string to integer for index: {go_quote(text)}")
    index = int(text)
    if index >= completions:
        raise ValueError(f"too large index: {go_quote(text)}")
    if index <= last:
        raise ValueError(f"non-increasing order, previous: {last}, current: {index}")
    return index
