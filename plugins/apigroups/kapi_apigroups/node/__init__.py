"""The API group ``node.k8s.io``: runtime classes."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.hookspecs import hookimpl
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi.meta.names import dns1123_label, qualified_name
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.common.fields import NOT_NEGATIVE, checked, immutable
from kapi_apigroups.common.quantities import round_resources
from kapi_apigroups.common.selectors import validate_labels
from kapi_apigroups.common.tolerations import validate_distinct_tolerations

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


_STANDARD = ("cpu", "memory", "ephemeral-storage")
_HUGE_PAGES = "hugepages-"


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    return [build_group("node.k8s.io", {("v1", "runtimeclasses"): KindRules(RuntimeClassStrategy())})]


class RuntimeClassStrategy(Strategy):
    """RuntimeClasses: the handler never changes."""

    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        """Round the overhead, as resources of pods are rounded."""
        round_resources(obj.get("overhead", {}).get("podFixed"))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the handler and where pods may go."""
        return list(_validate(obj))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check that the handler stays."""
        return list(immutable(obj, old, "handler", ""))


def _validate(obj: Object) -> Iterator[FieldError]:
    handler = obj.get("handler", "")
    if not handler:
        yield field_required("handler")
    else:
        yield from (field_invalid("handler", handler, text) for text in dns1123_label(handler))
    for name, quantity in sorted(obj.get("overhead", {}).get("podFixed", {}).items()):
        yield from _validate_overhead(name, quantity, f"overhead.limits[{name}]")
    scheduling = obj.get("scheduling", {})
    yield from validate_labels(scheduling.get("nodeSelector", {}), "scheduling.nodeSelector")
    yield from validate_distinct_tolerations(scheduling.get("tolerations", ()), "scheduling.tolerations")


def _validate_overhead(name: str, quantity: str, path: str) -> Iterator[FieldError]:
    if name not in _STANDARD and not name.startswith(_HUGE_PAGES):
        if "/" not in name:
            yield field_invalid(path, name, "must be a standard resource type or fully qualified")
            yield field_invalid(path, name, "must be a standard resource for containers")
        else:
            yield from checked(name, path, qualified_name)
    if quantity.startswith("-"):
        yield field_invalid(path, quantity, NOT_NEGATIVE)
