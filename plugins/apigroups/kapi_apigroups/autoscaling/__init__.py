"""The API group ``autoscaling``: horizontal pod autoscalers, stored as v2 and also served as v1."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupVersionKind
from kapi_apigroups.autoscaling.autoscaler import AutoscalerStatusStrategy, AutoscalerStrategy
from kapi_apigroups.autoscaling.autoscaler_v1 import AutoscalerV1StatusStrategy, AutoscalerV1Strategy
from kapi_apigroups.autoscaling.conversion import from_v1, to_v1
from kapi_apigroups.build import KindRules, build_group

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup

_RESOURCE = "horizontalpodautoscalers"
_STORED = GroupVersionKind("autoscaling", "v2", "HorizontalPodAutoscaler")


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    current, first = AutoscalerStrategy(), AutoscalerV1Strategy()
    rules = {
        ("v2", _RESOURCE): KindRules(current, subresources={"status": AutoscalerStatusStrategy(current)}),
        ("v1", _RESOURCE): KindRules(
            first,
            subresources={"status": AutoscalerV1StatusStrategy(first)},
            storage_kind=_STORED,
            to_storage=from_v1,
            from_storage=to_v1,
            internal=lambda stored: stored,
        ),
    }
    return [build_group("autoscaling", rules)]
