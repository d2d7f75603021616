"""The API group ``apiregistration.k8s.io``: where each group version is served."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.apiregistration.apiservice import APIServiceStrategy, local_api_services
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.common.status_owner import PureStatusStrategy

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    service = APIServiceStrategy()
    rules = KindRules(
        service,
        storage_prefix="apiregistration.k8s.io/apiservices",
        subresources={"status": PureStatusStrategy(service)},
    )
    group = build_group("apiregistration.k8s.io", {("v1", "apiservices"): rules})
    return [replace(group, bootstrap=local_api_services)]
