"""The API group ``scheduling.k8s.io``: priority classes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupVersionResource
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.scheduling.priorityclass import PriorityClassStrategy, system_classes

if TYPE_CHECKING:
    from kapi.contracts.client import ObjectClient
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup, Object

_CLASSES = GroupVersionResource("scheduling.k8s.io", "v1", "priorityclasses")


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    from dataclasses import replace

    group = build_group("scheduling.k8s.io", {("v1", "priorityclasses"): KindRules(PriorityClassStrategy())})
    return [replace(group, bootstrap=_bootstrap)]


def _bootstrap(client: "ObjectClient") -> "Sequence[tuple[GroupVersionResource, Object]]":
    return [(_CLASSES, one) for one in system_classes()]
