"""Claims of devices, and the slices that offer them."""

from collections.abc import Iterator
from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.printing.cells import age_of, is_deleted, name_of, part
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, NAME, Printer


def _states(claim: Object) -> Iterator[str]:
    status, deleted = part(claim, "status"), is_deleted(claim)
    if deleted:
        yield "deleted"
    if status.get("allocation") is not None:
        yield "allocated"
        if status.get("reservedFor"):
            yield "reserved"
    elif not deleted:
        yield "pending"


def _claim(obj: Object) -> list[Any]:
    return [name_of(obj), ",".join(_states(obj)), age_of(obj)]


def _claim_template(obj: Object) -> list[Any]:
    return [name_of(obj), age_of(obj)]


def _slice(obj: Object) -> list[Any]:
    spec = part(obj, "spec")
    pool = part(spec, "pool").get("name", "")
    return [name_of(obj), spec.get("nodeName", ""), spec.get("driver", ""), pool, age_of(obj)]


PRINTERS = {
    ("resource.k8s.io", "resourceclaims"): Printer(
        _claim, (NAME, "A summary of the current state (allocated, pending, reserved, etc.).", AGE)
    ),
    ("resource.k8s.io", "resourceclaimtemplates"): Printer(_claim_template, (NAME, AGE)),
    ("resource.k8s.io", "resourceslices"): Printer(
        _slice,
        (
            NAME,
            Field("resource_v1.ResourceSliceSpec.nodeName"),
            Field("resource_v1.ResourceSliceSpec.driver"),
            Field("resource_v1.ResourcePool.name"),
            AGE,
        ),
    ),
}
