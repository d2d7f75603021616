"""Which requests a webhook or policy is about: rules, selectors and conditions."""

from collections.abc import Iterable, Iterator, Sequence

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_duplicate, field_invalid, field_required
from kapi.meta.names import qualified_name
from kapi_apigroups.common.fields import checked, one_of
from kapi_apigroups.common.selectors import validate_label_selector

_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")
_SELECTORS = ("namespaceSelector", "objectSelector")
_EXCLUSIVE = {"operations": "operations", "apiGroups": "API groups", "apiVersions": "API versions"}


def default_rules(rules: Iterable[Object]) -> None:
    """Fill in the scope of rules."""
    for rule in rules:
        rule.setdefault("scope", "*")


def default_match(match: Object) -> None:
    """Fill in match policy and selectors."""
    match.setdefault("matchPolicy", "Equivalent")
    for selector in _SELECTORS:
        match.setdefault(selector, {})


def default_match_resources(match: Object) -> None:
    """Fill in the defaults of a MatchResources."""
    default_match(match)
    for member in ("resourceRules", "excludeResourceRules"):
        default_rules(match.get(member) or ())


def validate_selectors(match: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with the selectors."""
    for selector in _SELECTORS:
        yield from validate_label_selector(match.get(selector), f"{path}.{selector}")


def validate_rule(rule: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a rule that stands at ``path``."""
    for member, name in _EXCLUSIVE.items():
        yield from _validate_all_or_some(rule.get(member) or [], f"{path}.{member}", name)
        if member == "operations":
            for index, operation in enumerate(rule.get(member) or ()):
                yield from one_of(operation, f"{path}.operations[{index}]", _OPERATIONS)
    yield from _validate_resources(rule.get("resources") or [], f"{path}.resources")
    yield from one_of(rule.get("scope", "*"), f"{path}.scope", _SCOPES)


def _validate_all_or_some(values: Sequence[str], path: str, name: str) -> Iterator[FieldError]:
    if not values:
        yield field_required(path)
    elif "*" in values and len(values) > 1:
        yield field_invalid(path, values, f"if '*' is present, must not specify other {name}")


def _validate_resources(resources: Sequence[str], path: str) -> Iterator[FieldError]:
    if not resources:
        yield field_required(path)
        return
    whole = {one.partition("/")[2] for one in resources if one.startswith("*/")}
    parents = {one.removesuffix("/*") for one in resources if one.endswith("/*")}
    for index, one in enumerate(resources):
        parent, slash, subresource = one.partition("/")
        if not one:
            yield field_required(f"{path}[{index}]")
        elif slash and parent != "*" and subresource in whole and subresource != "*":
            yield _superfluous(f"{path}[{index}]", one, f"*/{subresource}")
        elif slash and subresource != "*" and parent in parents and parent != "*":
            yield _superfluous(f"{path}[{index}]", one, f"{parent}/*")
    if "*/*" in resources and len(resources) > 1:
        yield field_invalid(path, resources, "if '*/*' is present, must not specify other resources")
    if "*" in resources and any("/" not in one for one in resources if one != "*"):
        detail = "if '*' is present, must not specify other resources without subresources"
        yield field_invalid(path, resources, detail)


def _superfluous(path: str, resource: str, pattern: str) -> FieldError:
    return field_invalid(path, resource, f"if '{pattern}' is present, must not specify {resource}")


def validate_conditions(conditions: Iterable[Object], path: str) -> Iterator[FieldError]:
    """Yield what is wrong with match conditions, apart from the expressions themselves."""
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        at, name = f"{path}[{index}]", condition.get("name", "")
        if not condition.get("expression", "").strip():
            yield field_required(f"{at}.expression")
        if not name:
            yield field_required(f"{at}.name")
            continue
        yield from checked(name, f"{at}.name", qualified_name)
        if name in seen:
            yield field_duplicate(f"{at}.name", name)
        seen.add(name)
