"""The rules of all resources of the core group."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kapi_apigroups.authentication.token_request import TokenRequestHandler
from kapi_apigroups.build import KindRules
from kapi_apigroups.common.scale import ScaleView
from kapi_apigroups.core import selection
from kapi_apigroups.core.bindings import BindingHandler
from kapi_apigroups.core.component_statuses import ComponentStatusHandler
from kapi_apigroups.core.configuration import ConfigMapStrategy, SecretStrategy, ServiceAccountStrategy
from kapi_apigroups.core.configured import CoreOptions
from kapi_apigroups.core.endpoints import EndpointsStrategy
from kapi_apigroups.core.evictions import EvictionHandler
from kapi_apigroups.core.namespaces import NamespaceFinalizeStrategy, NamespaceStatusStrategy, NamespaceStrategy
from kapi_apigroups.core.node_connections import NodeProxyHandler
from kapi_apigroups.core.node_ports import NodePorts
from kapi_apigroups.core.nodes import NodeStrategy
from kapi_apigroups.core.pod_connections import LogHandler, PodProxyHandler, StreamHandler
from kapi_apigroups.core.pod_parts import EphemeralContainersStrategy, ResizeStrategy
from kapi_apigroups.core.pod_status import PodStatusStrategy
from kapi_apigroups.core.pods import PodStrategy
from kapi_apigroups.core.quotas import LimitRangeStrategy, ResourceQuotaStatusStrategy, ResourceQuotaStrategy
from kapi_apigroups.core.service_connections import ServiceProxyHandler
from kapi_apigroups.core.services import ServiceStatusStrategy, ServiceStrategy
from kapi_apigroups.core.volumes import ClaimStatusStrategy, ClaimStrategy, VolumeStatusStrategy, VolumeStrategy
from kapi_apigroups.core.workloads import (
    PodTemplateStrategy,
    ReplicationControllerStatusStrategy,
    ReplicationControllerStrategy,
)
from kapi_apigroups.events.lifetime import event_ttl
from kapi_apigroups.events.selection import CORE_FIELDS
from kapi_apigroups.events.strategy import EventStrategy

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext

_ENDPOINTS_DEPRECATED = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"

Rules = Mapping[tuple[str, str], KindRules]


def core_rules(context: "BuildContext", options: CoreOptions) -> Rules:
    """Return the rules by version and plural."""
    tokens = TokenRequestHandler(
        context.service_account_tokens, max_seconds=options.max_token_seconds, extend=options.extend_tokens
    )
    return {
        **_configuration(tokens),
        **_cluster(),
        **_pods(),
        **_services(options),
        ("v1", "componentstatuses"): KindRules(
            handler=ComponentStatusHandler(), deprecation="v1 ComponentStatus is deprecated in v1.19+"
        ),
        ("v1", "events"): KindRules(EventStrategy(), selectable_fields=CORE_FIELDS, ttl=event_ttl(context)),
    }


def _configuration(tokens: TokenRequestHandler) -> Rules:
    quota = ResourceQuotaStrategy()
    return {
        ("v1", "configmaps"): KindRules(ConfigMapStrategy()),
        ("v1", "secrets"): KindRules(SecretStrategy(), selectable_fields=selection.SECRETS),
        ("v1", "serviceaccounts"): KindRules(ServiceAccountStrategy(), subresources={"token": tokens}),
        ("v1", "limitranges"): KindRules(LimitRangeStrategy()),
        ("v1", "resourcequotas"): KindRules(quota, subresources={"status": ResourceQuotaStatusStrategy(quota)}),
    }


def _cluster() -> Rules:
    namespace, volume, claim = NamespaceStrategy(), VolumeStrategy(), ClaimStrategy()
    return {
        ("v1", "namespaces"): KindRules(
            namespace,
            selectable_fields=selection.NAMESPACES,
            subresources={
                "status": NamespaceStatusStrategy(namespace),
                "finalize": NamespaceFinalizeStrategy(),
            },
        ),
        ("v1", "nodes"): KindRules(
            NodeStrategy(),
            selectable_fields=selection.NODES,
            subresources={"proxy": NodeProxyHandler()},
            storage_prefix="minions",
        ),
        ("v1", "persistentvolumes"): KindRules(volume, subresources={"status": VolumeStatusStrategy(volume)}),
        ("v1", "persistentvolumeclaims"): KindRules(claim, subresources={"status": ClaimStatusStrategy(claim)}),
    }


def _pods() -> Rules:
    pod, binding, controller = PodStrategy(), BindingHandler(), ReplicationControllerStrategy()
    return {
        ("v1", "pods"): KindRules(
            pod,
            selectable_fields=selection.PODS,
            subresources={
                "status": PodStatusStrategy(pod),
                "ephemeralcontainers": EphemeralContainersStrategy(pod),
                "resize": ResizeStrategy(pod),
                "binding": binding,
                "eviction": EvictionHandler(),
                "log": LogHandler(),
                "exec": StreamHandler(),
                "attach": StreamHandler(),
                "portforward": StreamHandler(in_container=False),
                "proxy": PodProxyHandler(),
            },
        ),
        ("v1", "bindings"): KindRules(handler=binding),
        ("v1", "podtemplates"): KindRules(PodTemplateStrategy()),
        ("v1", "replicationcontrollers"): KindRules(
            controller,
            selectable_fields=selection.CONTROLLERS,
            subresources={
                "scale": ScaleView(plain_selector=True),
                "status": ReplicationControllerStatusStrategy(controller),
            },
            storage_prefix="controllers",
        ),
    }


def _services(options: CoreOptions) -> Rules:
    service = ServiceStrategy(options.service_ranges, NodePorts(*options.node_ports))
    return {
        ("v1", "services"): KindRules(
            service,
            selectable_fields=selection.SERVICES,
            subresources={"status": ServiceStatusStrategy(service), "proxy": ServiceProxyHandler()},
            storage_prefix="services/specs",
        ),
        ("v1", "endpoints"): KindRules(
            EndpointsStrategy(), storage_prefix="services/endpoints", deprecation=_ENDPOINTS_DEPRECATED
        ),
    }
