"""Rules of FlowSchema."""

from collections.abc import Iterator, Sequence

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_not_supported, field_required
from kapi.meta.names import dns1123_label, dns1123_subdomain
from kapi_apigroups.common.fields import checked, named
from kapi_apigroups.common.golang import unsupported
from kapi_apigroups.common.status_owner import StatusOwner
from kapi_apigroups.flowcontrol.bootstrap import mandatory_spec

_PRECEDENCE = 1000
_LAST = 10_000
_METHODS = ("ByNamespace", "ByUser")
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")


class FlowSchemaStrategy(StatusOwner):
    """FlowSchemas: those that the server cannot do without never change."""

    generation = ("spec",)

    def default(self, obj: Object) -> None:
        """Fill in the precedence."""
        spec = obj.setdefault("spec", {})
        if not spec.get("matchingPrecedence"):
            spec["matchingPrecedence"] = _PRECEDENCE

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec."""
        return list(_validate(obj["metadata"].get("name", ""), obj["spec"]))


def _validate(name: str, spec: Object) -> Iterator[FieldError]:
    required = mandatory_spec("flowschemas", name)
    if required is not None and required != spec:
        yield field_invalid("spec", spec, f"spec of '{name}' must equal the fixed value")
    precedence = spec["matchingPrecedence"]
    if precedence <= 0:
        yield field_invalid("spec.matchingPrecedence", precedence, "must be a positive value")
    if precedence > _LAST:
        yield field_invalid("spec.matchingPrecedence", precedence, f"must not be greater than {_LAST}")
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in _METHODS:
        yield unsupported("spec.distinguisherMethod.type", method, {"Type": ("type", "")}, _METHODS)
    level = spec.get("priorityLevelConfiguration", {}).get("name", "")
    if not level:
        yield field_required("spec.priorityLevelConfiguration.name", "must reference a priority level")
    else:
        yield from checked(level, "spec.priorityLevelConfiguration.name", dns1123_subdomain)
    for index, rule in enumerate(spec.get("rules") or ()):
        yield from _validate_rule(rule, f"spec.rules[{index}]")


def _validate_rule(rule: Object, path: str) -> Iterator[FieldError]:
    if not rule.get("subjects"):
        yield field_required(f"{path}.subjects", "subjects must contain at least one value")
    for index, subject in enumerate(rule.get("subjects") or ()):
        yield from _validate_subject(subject, f"{path}.subjects[{index}]")
    resource_rules, other_rules = rule.get("resourceRules") or (), rule.get("nonResourceRules") or ()
    if not resource_rules and not other_rules:
        yield field_required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for index, one in enumerate(resource_rules):
        yield from _validate_resource_rule(one, f"{path}.resourceRules[{index}]")
    for index, one in enumerate(other_rules):
        yield from _validate_non_resource_rule(one, f"{path}.nonResourceRules[{index}]")


def _validate_subject(subject: Object, path: str) -> Iterator[FieldError]:
    kind = subject.get("kind", "")
    if kind not in _SUBJECTS:
        yield field_not_supported(f"{path}.kind", kind, tuple(_SUBJECTS))
        return
    member = _SUBJECTS[kind]
    if member not in subject:
        yield field_required(f"{path}.{member}", f"{member} is required when subject kind is '{kind}'")
    elif kind == "ServiceAccount":
        yield from _validate_service_account(subject[member], f"{path}.{member}")
    elif not subject[member].get("name"):
        yield field_required(f"{path}.{member}.name")
    for other_kind, other in _SUBJECTS.items():
        if other != member and other in subject:
            yield field_forbidden(f"{path}.{other}", f"{other} is forbidden when subject kind is not '{other_kind}'")


def _validate_service_account(account: Object, path: str) -> Iterator[FieldError]:
    if account.get("name") != "*":
        yield from named(account, "name", path, dns1123_subdomain)
    if account.get("namespace"):
        yield from checked(account["namespace"], f"{path}.namespace", dns1123_label)
    else:
        yield field_required(f"{path}.namespace", "must specify namespace for service account")


def _validate_verbs(verbs: Sequence[str], path: str) -> Iterator[FieldError]:
    if not verbs:
        yield field_required(f"{path}.verbs", "verbs must contain at least one value")
    elif "*" in verbs:
        if len(verbs) > 1:
            yield field_invalid(f"{path}.verbs", verbs, "if '*' is present, must not specify other verbs")
    elif not set(verbs) <= set(_VERBS):
        yield field_not_supported(f"{path}.verbs", verbs, _VERBS)


def _validate_all_or_some(values: Sequence[str], path: str, one: str, many: str) -> Iterator[FieldError]:
    if not values:
        yield field_required(path, f"resource rules must supply at least one {one}")
    elif "*" in values and len(values) > 1:
        yield field_invalid(path, values, f"if '*' is present, must not specify other {many}")


def _validate_resource_rule(rule: Object, path: str) -> Iterator[FieldError]:
    yield from _validate_verbs(rule.get("verbs") or [], path)
    yield from _validate_all_or_some(rule.get("apiGroups") or [], f"{path}.apiGroups", "api group", "api groups")
    yield from _validate_all_or_some(rule.get("resources") or [], f"{path}.resources", "resource", "resources")
    namespaces = rule.get("namespaces") or []
    if not namespaces and not rule.get("clusterScope"):
        detail = "resource rules that are not cluster scoped must supply at least one namespace"
        yield field_required(f"{path}.namespaces", detail)
    elif "*" in namespaces:
        if len(namespaces) > 1:
            detail = "if '*' is present, must not specify other namespaces"
            yield field_invalid(f"{path}.namespaces", namespaces, detail)
    else:
        for index, namespace in enumerate(namespaces):
            for problem in dns1123_label(namespace):
                detail = f"each member of this list must be '*' or a DNS-1123 label; {problem}"
                yield field_invalid(f"{path}.namespaces[{index}]", namespace, detail)


def _validate_non_resource_rule(rule: Object, path: str) -> Iterator[FieldError]:
    yield from _validate_verbs(rule.get("verbs") or [], path)
    urls = rule.get("nonResourceURLs") or []
    if not urls:
        yield field_required(f"{path}.nonResourceURLs", "nonResourceURLs must contain at least one value")
    elif "*" in urls and len(urls) > 1:
        detail = "if '*' is present, must not specify other non-resource URLs"
        yield field_invalid(f"{path}.nonResourceURLs", urls, detail)
    elif "*" not in urls:
        for index, url in enumerate(urls):
            yield from _validate_url(url, f"{path}.nonResourceURLs[{index}]")


def _validate_url(url: str, path: str) -> Iterator[FieldError]:
    if not url:
        yield field_invalid(path, url, "must not be empty")
    elif not url.startswith("/"):
        yield field_invalid(path, url, "must start with slash")
    elif " " in url:
        yield field_invalid(path, url, "must not contain white-space")
    elif "//" in url:
        yield field_invalid(path, url, "must not contain double slash")
    elif "*" in url and not url.endswith("/*"):
        yield field_invalid(path, url, "wildcard can only do suffix matching")
