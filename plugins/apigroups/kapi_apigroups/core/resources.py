"""The resources that the rules of the core group read and write through the client."""

from typing import Final

from kapi.meta.gvk import GroupResource, GroupVersionResource

PODS: Final = GroupVersionResource("", "v1", "pods")
SERVICES: Final = GroupVersionResource("", "v1", "services")
ENDPOINTS: Final = GroupVersionResource("", "v1", "endpoints")
NAMESPACES: Final = GroupVersionResource("", "v1", "namespaces")
NODES: Final = GroupVersionResource("", "v1", "nodes")
IP_ADDRESSES: Final = GroupVersionResource("networking.k8s.io", "v1", "ipaddresses")
SERVICE_CIDRS: Final = GroupVersionResource("networking.k8s.io", "v1", "servicecidrs")
ENDPOINT_SLICES: Final = GroupVersionResource("discovery.k8s.io", "v1", "endpointslices")
DISRUPTION_BUDGETS: Final = GroupVersionResource("policy", "v1", "poddisruptionbudgets")

POD_RESOURCE: Final = GroupResource("", "pods")
