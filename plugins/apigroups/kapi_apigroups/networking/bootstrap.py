"""The ServiceCIDR that every cluster has: the range from which services get their addresses."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kapi.meta.gvk import GroupVersionResource
from kapi_apigroups.common.conditions import now_text

if TYPE_CHECKING:
    from kapi.contracts.client import ObjectClient
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import Object

Bootstrap = Callable[["ObjectClient"], Sequence[tuple[GroupVersionResource, "Object"]]]

SERVICE_CIDRS = GroupVersionResource("networking.k8s.io", "v1", "servicecidrs")
NAME = "kubernetes"
_RANGE_FLAG = "service-cluster-ip-range"
_DEFAULT_RANGE = "10.0.0.0/24"


def default_service_cidr(context: "BuildContext") -> Bootstrap:
    """Return the bootstrap function for the ranges of ``--service-cluster-ip-range``."""
    ranges = _ranges(context.options.get(_RANGE_FLAG) or _DEFAULT_RANGE)

    def objects(client: "ObjectClient") -> "Sequence[tuple[GroupVersionResource, Object]]":
        return [(SERVICE_CIDRS, _service_cidr(ranges))]

    return objects


def _ranges(given: "str | Sequence[str]") -> list[str]:
    """Return the ranges of the flag, whether it was read as text or as a list."""
    texts = given.split(",") if isinstance(given, str) else given
    return [text.strip() for text in texts if text.strip()]


def _service_cidr(ranges: list[str]) -> "Object":
    return {
        "kind": "ServiceCIDR",
        "apiVersion": SERVICE_CIDRS.api_version,
        "metadata": {"name": NAME},
        "spec": {"cidrs": ranges},
        "status": {
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "lastTransitionTime": now_text(),
                    "reason": "",
                    "message": "Kubernetes default Service CIDR is ready",
                }
            ]
        },
    }
