"""Roles and cluster roles."""

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi.meta.labels import validate_label_selector
from kapi.meta.names import name_is_path_segment
from kapi_apigroups.rbac.escalation import EscalationGuard, only_for_collector

_AGGREGATION = "aggregationRule.clusterRoleSelectors"


class RoleStrategy(Strategy):
    """Rules of roles: what a rule must say, and who may write one."""

    rechecks_metadata = True
    allow_create_on_update = True
    resource = "roles"
    namespaced = True

    def __init__(self, guard: EscalationGuard) -> None:
        """Take the guard against escalation."""
        self._guard = guard

    def validate_name(self, name: str, prefix: bool) -> list[str]:
        """Return what is wrong with a name: it may hold all that a path segment can."""
        return name_is_path_segment(name, prefix)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Return what is wrong with the rules."""
        errors: list[FieldError] = []
        for index, rule in enumerate(obj.get("rules") or ()):
            errors += rule_errors(rule, f"rules[{index}]", self.namespaced)
        return errors

    async def before_create(self, ctx: RequestContext, obj: Object) -> None:
        """Refuse a role that grants more than its writer holds."""
        await self._guard.check_role(ctx, self.resource, obj, _aggregates(obj))

    async def before_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Refuse a role that grants more than its writer holds, unless the garbage collector tidies it away."""
        if not only_for_collector(obj, old):
            await self._guard.check_role(ctx, self.resource, obj, _aggregates(obj) or _aggregates(old))


class ClusterRoleStrategy(RoleStrategy):
    """Rules of cluster roles, which may also speak of paths and gather the rules of others."""

    resource = "clusterroles"
    namespaced = False

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Return what is wrong with the rules and the selectors of roles to gather."""
        errors = super().validate(ctx, obj)
        if obj.get("aggregationRule") is None:
            return errors
        selectors = obj["aggregationRule"].get("clusterRoleSelectors") or ()
        if not selectors:
            detail = "at least one clusterRoleSelector required if aggregationRule is non-nil"
            errors.append(field_required(_AGGREGATION, detail))
        for index, selector in enumerate(selectors):
            errors += _selector_errors(selector, f"{_AGGREGATION}[{index}]")
        return errors


def rule_errors(rule: Object, path: str, namespaced: bool) -> list[FieldError]:
    """Return what is wrong with a PolicyRule at ``path``."""
    errors: list[FieldError] = []
    if not rule.get("verbs"):
        errors.append(field_required(f"{path}.verbs", "verbs must contain at least one value"))
    urls = rule.get("nonResourceURLs")
    if urls:
        return errors + _url_errors(rule, urls, f"{path}.nonResourceURLs", namespaced)
    if not rule.get("apiGroups"):
        errors.append(field_required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        errors.append(field_required(f"{path}.resources", "resource rules must supply at least one resource"))
    return errors


def _url_errors(rule: Object, urls: list[str], path: str, namespaced: bool) -> list[FieldError]:
    errors = []
    if namespaced:
        errors.append(field_invalid(path, urls, "namespaced rules cannot apply to non-resource URLs"))
    if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
        detail = "rules cannot apply to both regular resources and non-resource URLs"
        errors.append(field_invalid(path, urls, detail))
    return errors


def _selector_errors(selector: Object, path: str) -> list[FieldError]:
    errors = validate_label_selector(selector, path)
    return [*errors, field_invalid(path, None, "invalid label selector.")] if errors else []


def _aggregates(role: Object) -> bool:
    return bool((role.get("aggregationRule") or {}).get("clusterRoleSelectors"))
