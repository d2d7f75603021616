"""Rules of LimitRange and ResourceQuota."""

from kapi.contracts.resources import Object, RequestContext, StatusStrategy, Strategy
from kapi.meta.errors import FieldError, field_duplicate, field_forbidden, field_invalid, field_required
from kapi.meta.names import qualified_name
from kapi_apigroups.common.status_owner import StatusOwner

_STANDARD_TYPES = ("Pod", "Container", "PersistentVolumeClaim")


class LimitRangeStrategy(Strategy):
    """LimitRanges: what a container limit leaves open follows from its other members."""

    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        """Derive ``default`` from ``max`` and ``defaultRequest`` from ``default`` and ``min``."""
        for item in obj.get("spec", {}).get("limits") or ():
            if item.get("type") == "Container":
                _default_item(item)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the types of the limits and what each may hold."""
        errors: list[FieldError] = []
        seen: set[str] = set()
        for index, item in enumerate(obj.get("spec", {}).get("limits") or ()):
            path, kind = f"spec.limits[{index}]", item.get("type", "")
            errors += _validate_type(kind, f"{path}.type")
            if kind in seen:
                errors.append(field_duplicate(f"{path}.type", kind))
            seen.add(kind)
            errors += _validate_item(item, kind, path)
        return errors


def _default_item(item: Object) -> None:
    limits = {**item.get("max", {}), **item.get("default", {})}
    requests = {**item.get("min", {}), **limits, **item.get("defaultRequest", {})}
    if limits:
        item["default"] = limits
    if requests:
        item["defaultRequest"] = requests


def _validate_type(kind: str, path: str) -> list[FieldError]:
    problems = qualified_name(kind)
    if not problems and "/" not in kind and kind not in _STANDARD_TYPES:
        problems = ["must be a standard limit type or fully qualified"]
    return [field_invalid(path, kind, problem) for problem in problems]


def _validate_item(item: Object, kind: str, path: str) -> list[FieldError]:
    if kind == "Pod":
        return [
            field_forbidden(f"{path}.{member}", "may not be specified when `type` is 'Pod'")
            for member in ("default", "defaultRequest")
            if item.get(member)
        ]
    if kind == "PersistentVolumeClaim" and "storage" not in {**item.get("min", {}), **item.get("max", {})}:
        detail = "either minimum or maximum storage value is required, but neither was provided"
        return [field_required(f"{path}.limits", detail)]
    return []


class ResourceQuotaStrategy(StatusOwner):
    """ResourceQuotas: the status is counted by a controller."""

    returns_deleted = True

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Refuse other scopes than at first."""
        scopes = sorted(obj.get("spec", {}).get("scopes", ()))
        if scopes != sorted(old.get("spec", {}).get("scopes", ())):
            return [field_invalid("spec.scopes", obj.get("spec", {}).get("scopes"), "field is immutable")]
        return self.validate(ctx, obj)


class ResourceQuotaStatusStrategy(StatusStrategy):
    """``/status``: written by the quota controller and by admission."""

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the spec; there is always a status."""
        super().prepare_for_update(ctx, obj, old)
        obj.setdefault("status", {})
