"""The API group ``networking.k8s.io``: ingresses, network policies, and the addresses of services."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.common.status_owner import PureStatusStrategy
from kapi_apigroups.networking.bootstrap import default_service_cidr
from kapi_apigroups.networking.ingress import IngressStatusStrategy, IngressStrategy
from kapi_apigroups.networking.ingressclass import IngressClassStrategy
from kapi_apigroups.networking.ipaddress import IPAddressStrategy
from kapi_apigroups.networking.networkpolicy import NetworkPolicyStrategy
from kapi_apigroups.networking.servicecidr import ServiceCIDRStrategy

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    ingress, service_cidr = IngressStrategy(), ServiceCIDRStrategy()
    group = build_group(
        "networking.k8s.io",
        {
            ("v1", "ingressclasses"): KindRules(IngressClassStrategy()),
            ("v1", "ingresses"): KindRules(
                ingress, storage_prefix="ingress", subresources={"status": IngressStatusStrategy(ingress)}
            ),
            ("v1", "ipaddresses"): KindRules(IPAddressStrategy()),
            ("v1", "networkpolicies"): KindRules(NetworkPolicyStrategy()),
            ("v1", "servicecidrs"): KindRules(service_cidr, subresources={"status": PureStatusStrategy(service_cidr)}),
        },
    )
    return [replace(group, bootstrap=default_service_cidr(context))]
