"""The API group ``apiextensions.k8s.io``: definitions of custom resources."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.apiextensions.definition import DefinitionStrategy
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.common.status_owner import PureStatusStrategy

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup
    from kapi.contracts.server import PostStartHook

_PREFIX = "apiextensions.k8s.io/customresourcedefinitions"


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    definition = DefinitionStrategy()
    rules = KindRules(definition, storage_prefix=_PREFIX, subresources={"status": PureStatusStrategy(definition)})
    return [build_group("apiextensions.k8s.io", {("v1", "customresourcedefinitions"): rules})]


@hookimpl
def kapi_register_post_start_hooks() -> "Sequence[PostStartHook]":
    """Return the hooks that serve custom resources and keep their definitions."""
    from kapi_apigroups.apiextensions.lifecycle import hooks

    return hooks()
