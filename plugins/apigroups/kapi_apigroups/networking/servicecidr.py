"""Rules of ServiceCIDR."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi_apigroups.common.addresses import parse_cidr, validate_canonical_cidr
from kapi_apigroups.common.fields import IMMUTABLE
from kapi_apigroups.common.golang import invalid_struct
from kapi_apigroups.common.status_owner import StatusOwner

_PATH = "spec.cidrs"
_ONE_PER_FAMILY = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"


class ServiceCIDRStrategy(StatusOwner):
    """ServiceCIDRs: one range, or one of each family; a second may be added, none changed."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the ranges."""
        return list(_validate_ranges(_ranges(obj)))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check that the ranges stay, but for the addition of a second family."""
        return list(_validate_change(_ranges(obj), _ranges(old)))


def _ranges(obj: Object) -> list[str]:
    return obj.get("spec", {}).get("cidrs") or []


def _validate_ranges(ranges: list[str]) -> Iterator[FieldError]:
    if not ranges:
        yield field_required(_PATH, "at least one CIDR required")
        return
    if len(ranges) > 2:
        yield invalid_struct(_PATH, {"cidrs": ranges}, {"CIDRs": "cidrs"}, "may only hold up to 2 values")
        return
    networks = [parse_cidr(text) for text in ranges]
    if len(ranges) == 2 and networks[0] and networks[1] and networks[0].version == networks[1].version:
        yield field_invalid(_PATH, ranges, _ONE_PER_FAMILY)
    for index, text in enumerate(ranges):
        yield from validate_canonical_cidr(text, f"{_PATH}[{index}]")


def _validate_change(ranges: list[str], old: list[str]) -> Iterator[FieldError]:
    if len(ranges) == len(old):
        for index, (text, before) in enumerate(zip(ranges, old, strict=True)):
            if text != before:
                yield field_invalid(f"{_PATH}[{index}]", text, IMMUTABLE)
    elif len(old) == 1 and len(ranges) == 2:
        if ranges[0] != old[0]:
            yield field_invalid(f"{_PATH}[0]", ranges[0], "primary CIDR can not be changed")
        yield from _validate_ranges(ranges)
    else:
        yield field_invalid(_PATH, ranges, IMMUTABLE)
