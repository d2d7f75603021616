"""Label selectors inside objects (LabelSelector of meta/v1): their text form, matching and validation."""

from collections.abc import Iterator, Mapping

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_required
from kapi.meta.names import label_value, qualified_name


def format_labels(labels: Mapping[str, str] | None) -> str:
    """Return ``a=1,b=2`` for a map of labels, "" for none."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items()))


def format_label_selector(selector: Object | None) -> str:
    """Return the text form of a LabelSelector, requirements sorted by key, "" for none."""
    if not selector:
        return ""
    parts = [(key, f"{key}={value}") for key, value in selector.get("matchLabels", {}).items()]
    parts += [(one["key"], _requirement(one)) for one in selector.get("matchExpressions", ())]
    return ",".join(text for _, text in sorted(parts, key=lambda part: part[0]))


def _requirement(expression: Object) -> str:
    key, operator = expression["key"], expression["operator"]
    if operator == "Exists":
        return str(key)
    if operator == "DoesNotExist":
        return f"!{key}"
    word = "in" if operator == "In" else "notin"
    return f"{key} {word} ({','.join(sorted(expression.get('values', ())))})"


def selector_matches(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Tell whether a LabelSelector selects ``labels``; an empty one selects everything, None nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions", ()))


def _holds(expression: Object, labels: Mapping[str, str]) -> bool:
    key, operator = expression["key"], expression["operator"]
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    listed = labels.get(key) in expression.get("values", ())
    return listed if operator == "In" else not listed


def validate_label_selector(selector: Object | None, path: str) -> list[FieldError]:
    """Return what is wrong with a LabelSelector that stands at ``path``."""
    if not selector:
        return []
    errors = list(validate_labels(selector.get("matchLabels", {}), f"{path}.matchLabels"))
    for index, expression in enumerate(selector.get("matchExpressions", ())):
        errors += _validate_requirement(expression, f"{path}.matchExpressions[{index}]")
    return errors


def validate_labels(labels: Mapping[str, str], path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a map of labels that stands at ``path``."""
    for key, value in sorted(labels.items()):
        for problem in qualified_name(key):
            yield field_invalid(path, key, problem)
        for problem in label_value(value):
            yield field_invalid(path, value, problem)


def _validate_requirement(expression: Object, path: str) -> Iterator[FieldError]:
    operator, values = expression.get("operator", ""), expression.get("values", [])
    if operator in ("In", "NotIn"):
        if not values:
            yield field_required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield field_forbidden(
                f"{path}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            )
    else:
        yield field_invalid(f"{path}.operator", operator, "not a valid selector operator")
    for problem in qualified_name(expression.get("key", "")):
        yield field_invalid(f"{path}.key", expression.get("key", ""), problem)
    for index, value in enumerate(values):
        for problem in label_value(value):
            yield field_invalid(f"{path}.values[{index}]", value, problem)
