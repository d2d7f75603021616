"""Kinds of versions that kube-apiserver still reads (from its etcd) but serves no more, or only on demand."""

from kapi.meta.gvk import GroupVersionKind

_WORKLOADS = "Deployment StatefulSet ControllerRevision Scale"
_ROLES = "Role RoleBinding ClusterRole ClusterRoleBinding"
_REVIEWS = "SubjectAccessReview SelfSubjectAccessReview LocalSubjectAccessReview SelfSubjectRulesReview"
_POLICIES = "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"
_MUTATING = "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding"
_DEVICES = "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice"
_LEVELS = "FlowSchema PriorityLevelConfiguration"

_KINDS = {
    "apps": {
        "apps/v1beta1": _WORKLOADS,
        "apps/v1beta2": f"{_WORKLOADS} DaemonSet ReplicaSet",
        "extensions/v1beta1": "DaemonSet Deployment ReplicaSet Scale Ingress NetworkPolicy",
    },
    "admissionregistration.k8s.io": {
        "admissionregistration.k8s.io/v1alpha1": f"{_POLICIES} {_MUTATING}",
        "admissionregistration.k8s.io/v1beta1": (
            f"{_POLICIES} {_MUTATING} MutatingWebhookConfiguration ValidatingWebhookConfiguration"
        ),
    },
    "authentication.k8s.io": {
        "authentication.k8s.io/v1alpha1": "SelfSubjectReview",
        "authentication.k8s.io/v1beta1": "SelfSubjectReview TokenReview",
    },
    "authorization.k8s.io": {"authorization.k8s.io/v1beta1": _REVIEWS},
    "autoscaling": {
        "autoscaling/v2beta1": "HorizontalPodAutoscaler",
        "autoscaling/v2beta2": "HorizontalPodAutoscaler",
    },
    "batch": {"batch/v1beta1": "CronJob"},
    "certificates.k8s.io": {
        "certificates.k8s.io/v1alpha1": "ClusterTrustBundle",
        "certificates.k8s.io/v1beta1": "CertificateSigningRequest ClusterTrustBundle",
    },
    "coordination.k8s.io": {
        "coordination.k8s.io/v1alpha2": "LeaseCandidate",
        "coordination.k8s.io/v1beta1": "Lease LeaseCandidate",
    },
    "discovery.k8s.io": {"discovery.k8s.io/v1beta1": "EndpointSlice"},
    "events.k8s.io": {"events.k8s.io/v1beta1": "Event"},
    "flowcontrol.apiserver.k8s.io": {
        f"flowcontrol.apiserver.k8s.io/{version}": _LEVELS for version in ("v1beta1", "v1beta2", "v1beta3")
    },
    "networking.k8s.io": {"networking.k8s.io/v1beta1": "Ingress IngressClass IPAddress ServiceCIDR"},
    "node.k8s.io": {"node.k8s.io/v1alpha1": "RuntimeClass", "node.k8s.io/v1beta1": "RuntimeClass"},
    "policy": {"policy/v1beta1": "PodDisruptionBudget Eviction"},
    "rbac.authorization.k8s.io": {
        "rbac.authorization.k8s.io/v1alpha1": _ROLES,
        "rbac.authorization.k8s.io/v1beta1": _ROLES,
    },
    "resource.k8s.io": {"resource.k8s.io/v1beta1": _DEVICES, "resource.k8s.io/v1beta2": _DEVICES},
    "scheduling.k8s.io": {
        "scheduling.k8s.io/v1alpha1": "PriorityClass",
        "scheduling.k8s.io/v1beta1": "PriorityClass",
    },
    "storage.k8s.io": {
        "storage.k8s.io/v1alpha1": "VolumeAttachment CSIStorageCapacity VolumeAttributesClass",
        "storage.k8s.io/v1beta1": (
            "StorageClass VolumeAttachment CSIDriver CSINode CSIStorageCapacity VolumeAttributesClass"
        ),
    },
}
"""Names of kinds by group that contributes them and apiVersion."""


def unserved_kinds(group: str) -> tuple[GroupVersionKind, ...]:
    """Return the kinds that a group contributes: its own, and those of groups that have moved into it."""
    found = []
    for api_version, kinds in _KINDS.get(group, {}).items():
        name, _, version = api_version.rpartition("/")
        found += [GroupVersionKind(name, version, kind) for kind in kinds.split()]
    return tuple(found)
