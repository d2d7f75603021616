"""The order of the groups in discovery, as their APIServices state it."""

_GROUPS = {
    "": 18000,
    "events.k8s.io": 17750,
    "apps": 17800,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "resource.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
}
_VERSIONS = {("", "v1"): 1, ("autoscaling", "v2"): 30}
_OTHER_GROUP = 1000
_OTHER_VERSION = 15


def priorities(group: str, version: str) -> tuple[int, int]:
    """Return groupPriorityMinimum and versionPriority of a group version that this server serves."""
    return _GROUPS.get(group, _OTHER_GROUP), _VERSIONS.get((group, version), _OTHER_VERSION)
