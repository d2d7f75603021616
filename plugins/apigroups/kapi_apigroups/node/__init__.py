"""The API group ``node.k8s.io``: runtime classes."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.hookspecs import hookimpl
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi.meta.names import dns1123_label
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.common.fields import immutable
from kapi_apigroups.common.quantities import round_resources
from kapi_apigroups.common.selectors import validate_labels
from kapi_apigroups.common.tolerations import validate_distinct_tolerations

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


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
    scheduling = obj.get("scheduling", {})
    yield from validate_labels(scheduling.get("nodeSelector", {}), "scheduling.nodeSelector")
    yield from validate_distinct_tolerations(scheduling.get("tolerations", ()), "scheduling.tolerations")
