"""Rules of DeviceClass and ResourceSlice."""

from collections.abc import Callable, Iterator, Mapping

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_duplicate, field_invalid, field_required
from kapi.meta.names import dns1123_label, dns1123_subdomain
from kapi_apigroups.common.conditions import now_text
from kapi_apigroups.common.fields import IMMUTABLE, checked, named
from kapi_apigroups.resource.claim import validate_config, validate_selectors

_PLACES = ("nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection")
_ONE_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"


class DeviceClassStrategy(Strategy):
    """DeviceClasses."""

    generation = ("spec",)
    returns_deleted = True

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check selectors and configuration."""
        spec = obj.get("spec", {})
        errors = list(validate_selectors(spec.get("selectors") or (), "spec.selectors"))
        for index, config in enumerate(spec.get("config") or ()):
            errors += validate_config(config, f"spec.config[{index}]")
        return errors


class ResourceSliceStrategy(Strategy):
    """ResourceSlices: the driver and the place never change."""

    generation = ("spec",)
    returns_deleted = True

    def default(self, obj: Object) -> None:
        """Date the taints."""
        for device in obj.setdefault("spec", {}).get("devices") or ():
            for taint in device.get("taints") or ():
                taint.setdefault("timeAdded", now_text())

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check pool, place and devices."""
        return list(_validate_slice(obj["spec"]))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the slice, and that driver and place stay."""
        return self.validate(ctx, obj) + list(_moved(obj["spec"], old["spec"]))


def _moved(spec: Object, before: Object) -> Iterator[FieldError]:
    pool, old_pool = spec.get("pool", {}).get("name", ""), before.get("pool", {}).get("name", "")
    if pool != old_pool:
        yield field_invalid("spec.pool.name", pool, IMMUTABLE)
    for member in ("driver", "nodeName"):
        if spec.get(member) != before.get(member):
            yield field_invalid(f"spec.{member}", spec.get(member), IMMUTABLE)


def _validate_slice(spec: Object) -> Iterator[FieldError]:
    yield from named(spec, "driver", "spec", dns1123_subdomain)
    yield from _validate_pool(spec.get("pool", {}))
    yield from _validate_place(spec)
    seen: set[str] = set()
    for index, device in enumerate(spec.get("devices") or ()):
        path, name = f"spec.devices[{index}]", device.get("name", "")
        yield from checked(name, f"{path}.name", dns1123_label)
        if name in seen:
            yield field_duplicate(path, name)
        seen.add(name)


def _validate_pool(pool: Object) -> Iterator[FieldError]:
    name = pool.get("name", "")
    if not name:
        yield field_required("spec.pool.name")
    else:
        for part in name.split("/"):
            yield from checked(part, "spec.pool.name", dns1123_subdomain)
    if pool.get("generation", 0) < 0:
        yield field_invalid("spec.pool.generation", pool["generation"], "must be greater than or equal to zero")
    count = pool.get("resourceSliceCount", 0)
    if count <= 0:
        yield field_invalid("spec.pool.resourceSliceCount", count, "must be greater than zero")


def _validate_place(spec: Object) -> Iterator[FieldError]:
    places = [place for place in _PLACES if spec.get(place)]
    for place in ("allNodes", "perDeviceNodeSelection"):
        if spec.get(place) is False:
            yield field_invalid(f"spec.{place}", False, "must be either unset or set to true")
    if not places:
        yield field_required("spec", _ONE_PLACE)
    elif len(places) > 1:
        shown = "{" + ", ".join(f"`{place}`" for place in places) + "}"
        yield field_invalid("spec", shown, f"{_ONE_PLACE}, but multiple fields are set")


def slice_fields() -> Mapping[str, Callable[[Object], str]]:
    """Return the fields by which slices can be selected."""
    return {"spec.nodeName": _spec_text("nodeName"), "spec.driver": _spec_text("driver")}


def _spec_text(member: str) -> Callable[[Object], str]:
    def read(obj: Object) -> str:
        text: str = obj.get("spec", {}).get(member, "")
        return text

    return read
