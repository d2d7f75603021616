"""The API group ``discovery.k8s.io``: endpoint slices."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.discovery.endpointslice import EndpointSliceStrategy

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    return [build_group("discovery.k8s.io", {("v1", "endpointslices"): KindRules(EndpointSliceStrategy())})]
