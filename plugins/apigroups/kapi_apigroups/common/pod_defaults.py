"""Defaults of pod specs: what every pod and every pod template gets."""

from kapi.contracts.resources import Object
from kapi_apigroups.common.images import default_pull_policy
from kapi_apigroups.common.volume_defaults import default_field_ref, default_volumes

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
"""The members of a pod spec that hold containers."""

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")


def default_pod_template(template: Object) -> None:
    """Fill in the defaults of a PodTemplateSpec, in place."""
    default_pod_spec(template.setdefault("spec", {}))


def default_pod_spec(spec: Object) -> None:
    """Fill in the defaults that pods and pod templates share, in place."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    _mirror_service_account(spec)
    for member in CONTAINER_LISTS:
        for container in spec.get(member) or ():
            default_container(container)
    if "volumes" in spec:
        default_volumes(spec["volumes"])


def _mirror_service_account(spec: Object) -> None:
    """Keep the deprecated ``serviceAccount`` the same as ``serviceAccountName``, which wins."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def default_container(container: Object) -> None:
    """Fill in the defaults of a container of any sort, in place."""
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = default_pull_policy(container.get("image", ""))
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
    for variable in container.get("env", ()):
        if "valueFrom" in variable:
            default_field_ref(variable["valueFrom"])
    for probe in _PROBES:
        if probe in container:
            _default_probe(container[probe])
    if "lifecycle" in container:
        _default_lifecycle(container["lifecycle"])


def _default_probe(probe: Object) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    if "grpc" in probe:
        probe["grpc"].setdefault("service", "")
    _default_http_get(probe)


def _default_lifecycle(lifecycle: Object) -> None:
    for hook in _HOOKS:
        if hook in lifecycle:
            _default_http_get(lifecycle[hook])


def _default_http_get(handler: Object) -> None:
    if "httpGet" in handler:
        handler["httpGet"].setdefault("path", "/")
        handler["httpGet"].setdefault("scheme", "HTTP")
