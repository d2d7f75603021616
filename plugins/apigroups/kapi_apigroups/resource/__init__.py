"""The API group ``resource.k8s.io``: dynamic allocation of devices."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.resource.claim import ClaimTemplateStrategy, ResourceClaimStatusStrategy, ResourceClaimStrategy
from kapi_apigroups.resource.devices import DeviceClassStrategy, ResourceSliceStrategy, slice_fields

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    claim = ResourceClaimStrategy()
    return [
        build_group(
            "resource.k8s.io",
            {
                ("v1", "deviceclasses"): KindRules(DeviceClassStrategy()),
                ("v1", "resourceclaims"): KindRules(claim, subresources={"status": ResourceClaimStatusStrategy(claim)}),
                ("v1", "resourceclaimtemplates"): KindRules(ClaimTemplateStrategy()),
                ("v1", "resourceslices"): KindRules(ResourceSliceStrategy(), selectable_fields=slice_fields()),
            },
        )
    ]
