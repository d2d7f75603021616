"""Rules of CSIDriver, CSINode and CSIStorageCapacity."""

from collections.abc import Iterable, Iterator

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_duplicate, field_invalid, field_required, field_too_long
from kapi.meta.names import byte_length, dns1123_subdomain, qualified_name
from kapi_apigroups.common.fields import checked, immutable, not_negative, one_of
from kapi_apigroups.common.selectors import validate_label_selector

_DRIVER_DEFAULTS: Object = {
    "attachRequired": True,
    "podInfoOnMount": False,
    "storageCapacity": False,
    "fsGroupPolicy": "ReadWriteOnceWithFSType",
    "requiresRepublish": False,
    "seLinuxMount": False,
}
_LONGEST_DRIVER = 63
_LONGEST_NODE_ID = 256
_SHORTEST_TOKEN, _LONGEST_TOKEN = 600, 2**32
_SHORTEST_PERIOD = 10
_TOKENS_IN_CONTEXT = (
    "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible "
    "logging of tokens in volume attributes"
)


class CSIDriverStrategy(Strategy):
    """CSIDrivers: every change of the spec counts, the first state does not."""

    returns_deleted = True
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        """Fill in what most drivers do."""
        spec = obj.setdefault("spec", {})
        for member, value in _DRIVER_DEFAULTS.items():
            spec.setdefault(member, value)
        if not spec.get("volumeLifecycleModes"):
            spec["volumeLifecycleModes"] = ["Persistent"]

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Count the change."""
        if obj["spec"] != old["spec"]:
            obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check name and spec."""
        return list(_validate_driver_name(obj["metadata"].get("name", ""), "metadata.name")) + list(
            _validate_driver(obj["spec"])
        )

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the spec, and that what it may not change has stayed."""
        spec, before, errors = obj["spec"], old["spec"], self.validate(ctx, obj)
        if spec["attachRequired"] != before.get("attachRequired"):
            errors.append(field_invalid("spec.attachedRequired", spec["attachRequired"], "field is immutable"))
        if spec["volumeLifecycleModes"] != before.get("volumeLifecycleModes"):
            path = "spec.volumeLifecycleModes"
            errors.append(field_invalid(path, spec["volumeLifecycleModes"], "field is immutable"))
        return errors

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn when tokens travel where they may be logged."""
        spec = obj["spec"]
        exposed = spec.get("tokenRequests") and "serviceAccountTokenInSecrets" not in spec
        return [_TOKENS_IN_CONTEXT] if exposed else []


def _validate_driver_name(name: str, path: str) -> Iterator[FieldError]:
    if not name:
        yield field_required(path)
    if byte_length(name) > _LONGEST_DRIVER:
        yield field_too_long(path, _LONGEST_DRIVER)
    if name:
        yield from checked(name.lower(), path, dns1123_subdomain)


def _validate_driver(spec: Object) -> Iterator[FieldError]:
    policy = spec["fsGroupPolicy"]
    yield from one_of(policy, "spec.fsGroupPolicy", ("File", "None", "ReadWriteOnceWithFSType"))
    yield from _validate_tokens(spec.get("tokenRequests") or (), "spec.tokenRequests")
    for mode in spec["volumeLifecycleModes"]:
        yield from one_of(mode, "spec.volumeLifecycleModes", ("Persistent", "Ephemeral"))
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < _SHORTEST_PERIOD:
        path = "spec.nodeAllocatableUpdatePeriodSeconds"
        yield field_invalid(path, period, f"must be greater than or equal to {_SHORTEST_PERIOD} seconds")


def _validate_tokens(requests: Iterable[Object], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, request in enumerate(requests):
        audience = request.get("audience", "")
        if audience in seen:
            yield field_duplicate(f"{path}[{index}].audience", audience)
            continue
        seen.add(audience)
        seconds = request.get("expirationSeconds")
        if seconds is None:
            continue
        if seconds < _SHORTEST_TOKEN:
            yield field_invalid(
                f"{path}[{index}].expirationSeconds", seconds, "may not specify a duration less than 10 minutes"
            )
        if seconds > _LONGEST_TOKEN:
            yield field_invalid(
                f"{path}[{index}].expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds"
            )


class CSINodeStrategy(Strategy):
    """CSINodes: what is known about a driver on a node never changes."""

    returns_deleted = True
    allow_unconditional_update = False

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the drivers."""
        return list(_validate_node_drivers(obj.get("spec", {}).get("drivers") or ()))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the drivers, and that those that were there have stayed as they were."""
        errors = self.validate(ctx, obj)
        before = {one.get("name"): one for one in old.get("spec", {}).get("drivers") or ()}
        for index, driver in enumerate(obj.get("spec", {}).get("drivers") or ()):
            known = before.get(driver.get("name"))
            if known is not None and _identity(known) != _identity(driver):
                errors.append(field_invalid(f"spec.drivers[{index}]", driver, "field is immutable"))
        return errors


def _identity(driver: Object) -> Object:
    return {member: value for member, value in driver.items() if member != "allocatable"}


def _validate_node_drivers(drivers: Iterable[Object]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, driver in enumerate(drivers):
        path, name = f"spec.drivers[{index}]", driver.get("name", "")
        yield from _validate_driver_name(name, f"{path}.name")
        yield from _validate_node_id(driver.get("nodeID", ""), f"{path}.nodeID")
        yield from not_negative(driver.get("allocatable", {}), ("count",), f"{path}.allocatable")
        if name in seen:
            yield field_duplicate(f"{path}.name", name)
        seen.add(name)
        yield from _validate_topology(driver.get("topologyKeys") or (), path)


def _validate_node_id(node: str, path: str) -> Iterator[FieldError]:
    if not node:
        yield field_required(path)
    if byte_length(node) > _LONGEST_NODE_ID:
        yield field_invalid(path, node, f"must be {_LONGEST_NODE_ID} characters or less")


def _validate_topology(keys: Iterable[str], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            yield field_duplicate(path, key)
        seen.add(key)
        if not key:
            yield field_required(path)
        yield from checked(key, path, qualified_name)


class CSIStorageCapacityStrategy(Strategy):
    """CSIStorageCapacities: where and of which class never changes."""

    allow_unconditional_update = False

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check class and topology."""
        errors = list(checked(obj.get("storageClassName", ""), "storageClassName", dns1123_subdomain))
        errors += validate_label_selector(obj.get("nodeTopology"), "nodeTopology")
        for member in ("capacity", "maximumVolumeSize"):
            if obj.get(member, "").startswith("-"):
                errors.append(field_invalid(member, obj[member], "must be greater than or equal to 0"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check class and topology, and that they stay."""
        errors = self.validate(ctx, obj)
        for member in ("nodeTopology", "storageClassName"):
            errors += immutable(obj, old, member, "")
        return errors
