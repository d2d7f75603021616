"""The API group ``apiextensions.k8s.io``: definitions of custom resources."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.apiextensions.definition import DefinitionStrategy
from kapi_apigroups.build import KindRules, build_group

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup

_PREFIX = "apiextensions.k8s.io/customresourcedefinitions"


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    rules = {("v1", "customresourcedefinitions"): KindRules(DefinitionStrategy(), storage_prefix=_PREFIX)}
    return [build_group("apiextensions.k8s.io", rules)]
