"""The API group ``flowcontrol.apiserver.k8s.io``: priority and fairness of requests."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.common.status_owner import PureStatusStrategy
from kapi_apigroups.flowcontrol.bootstrap import bootstrap
from kapi_apigroups.flowcontrol.flowschema import FlowSchemaStrategy
from kapi_apigroups.flowcontrol.prioritylevel import PriorityLevelStrategy

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    schema, level = FlowSchemaStrategy(), PriorityLevelStrategy()
    group = build_group(
        "flowcontrol.apiserver.k8s.io",
        {
            ("v1", "flowschemas"): KindRules(schema, subresources={"status": PureStatusStrategy(schema)}),
            ("v1", "prioritylevelconfigurations"): KindRules(level, subresources={"status": PureStatusStrategy(level)}),
        },
    )
    return [replace(group, bootstrap=bootstrap)]
