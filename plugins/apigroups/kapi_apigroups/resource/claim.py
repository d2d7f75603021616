"""Rules of ResourceClaim and ResourceClaimTemplate."""

from collections.abc import Iterable, Iterator

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_duplicate, field_forbidden, field_invalid, field_required
from kapi.meta.names import dns1123_label, dns1123_subdomain
from kapi_apigroups.common.fields import IMMUTABLE, checked, named, one_of
from kapi_apigroups.common.golang import Shape, invalid_struct
from kapi_apigroups.common.status_owner import PureStatusStrategy, StatusOwner
from kapi_apigroups.common.tolerations import TOLERATION

_SELECTOR: Shape = {"CEL": ("cel", None, {"Expression": ("expression", "")})}
_CAPACITY: Shape = {"Requests": "requests"}
_EXACTLY: Shape = {
    "DeviceClassName": ("deviceClassName", ""),
    "Selectors": ("selectors", None, _SELECTOR),
    "AllocationMode": ("allocationMode", ""),
    "Count": ("count", 0),
    "AdminAccess": "adminAccess",
    "Tolerations": ("tolerations", None, TOLERATION),
    "Capacity": ("capacity", None, _CAPACITY),
}
_ALTERNATIVE: Shape = {
    "Name": ("name", ""),
    **{name: source for name, source in _EXACTLY.items() if name != "AdminAccess"},
}
_REQUEST: Shape = {
    "Name": ("name", ""),
    "Exactly": ("exactly", None, _EXACTLY),
    "FirstAvailable": ("firstAvailable", None, _ALTERNATIVE),
}
_CONSTRAINT: Shape = {
    "Requests": "requests",
    "MatchAttribute": "matchAttribute",
    "DistinctAttribute": "distinctAttribute",
}
_OPAQUE: Shape = {"Driver": ("driver", ""), "Parameters": "parameters"}
_CONFIG: Shape = {"Requests": "requests", "Opaque": ("opaque", None, _OPAQUE)}
_CLAIM: Shape = {
    "Devices": (
        "devices",
        {},
        {
            "Requests": ("requests", None, _REQUEST),
            "Constraints": ("constraints", None, _CONSTRAINT),
            "Config": ("config", None, _CONFIG),
        },
    )
}
_QUALIFIED = "a fully qualified name must be a domain and a name separated by a slash"
_ONE_ATTRIBUTE = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
_EITHER = "exactly one of `exactly` or `firstAvailable` is required"
_REFERENCE = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"


def default_claim(spec: Object) -> None:
    """Fill in how many devices each request asks for."""
    for request in spec.get("devices", {}).get("requests") or ():
        if "exactly" in request:
            _default_amount(request["exactly"])
        for alternative in request.get("firstAvailable") or ():
            _default_amount(alternative)


def _default_amount(request: Object) -> None:
    if not request.get("allocationMode"):
        request["allocationMode"] = "ExactCount"
    if request["allocationMode"] == "ExactCount" and not request.get("count"):
        request["count"] = 1


class ResourceClaimStrategy(StatusOwner):
    """ResourceClaims: what is asked for never changes."""

    returns_deleted = True

    def default(self, obj: Object) -> None:
        """Fill in the amounts."""
        default_claim(obj.setdefault("spec", {}))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec."""
        return list(_validate_claim(obj["spec"], "spec"))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check that the spec stays."""
        if obj["spec"] == old["spec"]:
            return []
        return [invalid_struct("spec", obj["spec"], _CLAIM, IMMUTABLE)]


class ClaimTemplateStrategy(Strategy):
    """ResourceClaimTemplates: nothing in them ever changes."""

    returns_deleted = True

    def default(self, obj: Object) -> None:
        """Fill in the amounts."""
        default_claim(obj.setdefault("spec", {}).setdefault("spec", {}))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the claim's spec."""
        return list(_validate_claim(obj["spec"]["spec"], "spec.spec"))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check that the spec stays."""
        return [] if obj["spec"] == old["spec"] else [field_invalid("spec", obj["spec"], IMMUTABLE)]


def _validate_claim(spec: Object, path: str) -> Iterator[FieldError]:
    devices = spec.get("devices", {})
    requests = devices.get("requests") or []
    seen: set[str] = set()
    for index, request in enumerate(requests):
        at, name = f"{path}.devices.requests[{index}]", request.get("name", "")
        yield from checked(name, f"{at}.name", dns1123_label)
        yield from _validate_request(request, at)
        if name in seen:
            yield field_duplicate(at, name)
        seen.add(name)
    names = set(_request_names(requests))
    for member in ("constraints", "config"):
        for index, part in enumerate(devices.get(member) or ()):
            at = f"{path}.devices.{member}[{index}]"
            yield from _validate_references(part.get("requests") or (), names, f"{at}.requests")
            yield from validate_config(part, at) if member == "config" else _validate_constraint(part, at)


def _request_names(requests: Iterable[Object]) -> Iterator[str]:
    for request in requests:
        yield request.get("name", "")
        for alternative in request.get("firstAvailable") or ():
            yield f"{request.get('name', '')}/{alternative.get('name', '')}"


def _validate_references(references: Iterable[str], names: set[str], path: str) -> Iterator[FieldError]:
    for index, reference in enumerate(references):
        if reference not in names:
            yield field_invalid(f"{path}[{index}]", reference, _REFERENCE)


def _validate_request(request: Object, path: str) -> Iterator[FieldError]:
    exactly, first = request.get("exactly"), request.get("firstAvailable")
    if exactly is not None and first:
        yield field_invalid(path, None, f"{_EITHER}, but multiple fields are set")
    elif exactly is not None:
        yield from _validate_amount(exactly, f"{path}.exactly")
    elif first:
        for index, alternative in enumerate(first):
            at = f"{path}.firstAvailable[{index}]"
            yield from checked(alternative.get("name", ""), f"{at}.name", dns1123_label)
            yield from _validate_amount(alternative, at)
    else:
        yield field_required(path, _EITHER)


def _validate_amount(request: Object, path: str) -> Iterator[FieldError]:
    yield from named(request, "deviceClassName", path, dns1123_subdomain)
    yield from validate_selectors(request.get("selectors") or (), f"{path}.selectors")
    mode, count = request["allocationMode"], request.get("count", 0)
    if mode == "All" and count:
        yield field_invalid(f"{path}.count", count, "must not be specified when allocationMode is 'All'")
    elif mode == "ExactCount" and count <= 0:
        yield field_invalid(f"{path}.count", count, "must be greater than zero")
    else:
        yield from one_of(mode, f"{path}.allocationMode", ("All", "ExactCount"))


def _validate_constraint(constraint: Object, path: str) -> Iterator[FieldError]:
    given = [member for member in ("matchAttribute", "distinctAttribute") if member in constraint]
    for member in given:
        if "/" not in constraint[member]:
            yield field_invalid(f"{path}.{member}", constraint[member], _QUALIFIED)
    if len(given) != 1:
        yield field_required(path, _ONE_ATTRIBUTE)


def validate_selectors(selectors: Iterable[Object], path: str) -> Iterator[FieldError]:
    """Yield what is wrong with device selectors, apart from the expressions themselves."""
    for index, selector in enumerate(selectors):
        if "cel" not in selector:
            yield field_required(f"{path}[{index}].cel")


def validate_config(config: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with the configuration of a driver."""
    opaque = config.get("opaque")
    if opaque is None:
        yield field_required(f"{path}.opaque")
        return
    yield from named(opaque, "driver", f"{path}.opaque", dns1123_subdomain)
    if opaque.get("parameters") is None:
        yield field_required(f"{path}.opaque.parameters")


class ResourceClaimStatusStrategy(PureStatusStrategy):
    """The status of claims: what was allocated stays until nobody uses it."""

    resets = ()

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check that only an allocated claim is reserved, and that the allocation stays."""
        status, before = obj.get("status", {}), old.get("status", {})
        errors = []
        if status.get("reservedFor") and "allocation" not in status:
            errors.append(field_forbidden("status.reservedFor", "may not be specified when `allocated` is not set"))
        if "allocation" in status and before.get("allocation", status["allocation"]) != status["allocation"]:
            errors.append(field_invalid("status.allocation", status["allocation"], IMMUTABLE))
        return errors
