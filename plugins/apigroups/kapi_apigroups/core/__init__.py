"""The core API group ("", v1): pods, services, namespaces, nodes, volumes, configuration and quotas."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.build import build_group
from kapi_apigroups.core.bindings import with_assignment
from kapi_apigroups.core.bootstrap import core_objects
from kapi_apigroups.core.configured import CoreOptions
from kapi_apigroups.core.rules import core_rules

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    options = CoreOptions.of(context.options)
    group = build_group("", core_rules(context, options))
    bootstrap = core_objects(options.first_service_ip, options.advertise_address, options.secure_port)
    return [replace(with_assignment(group), bootstrap=bootstrap)]
