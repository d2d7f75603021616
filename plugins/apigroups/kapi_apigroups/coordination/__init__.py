"""The API group ``coordination.k8s.io``: leases."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.hookspecs import hookimpl
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.common.fields import not_negative

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


_COORDINATION = ("strategy", "preferredHolder")


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    return [build_group("coordination.k8s.io", {("v1", "leases"): KindRules(LeaseStrategy())})]


class LeaseStrategy(Strategy):
    """Leases: whoever updates one must know its version, and a PUT creates it."""

    allow_create_on_update = True
    allow_unconditional_update = False

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Drop what only coordinated leader election reads."""
        _drop_coordination(obj)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Drop what only coordinated leader election reads, unless it was there."""
        if not any(member in old.get("spec", {}) for member in _COORDINATION):
            _drop_coordination(obj)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec."""
        return list(_validate_spec(obj.get("spec", {})))


def _drop_coordination(obj: Object) -> None:
    for member in _COORDINATION:
        obj.get("spec", {}).pop(member, None)


def _validate_spec(spec: Object) -> Iterator[FieldError]:
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        yield field_invalid("spec.leaseDurationSeconds", duration, "must be greater than 0")
    yield from not_negative(spec, ("leaseTransitions",), "spec")
    if spec.get("preferredHolder") and not spec.get("strategy"):
        yield field_required("spec.strategy", "must be specified when `preferredHolder` is specified")
