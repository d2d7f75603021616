"""Workloads, their revisions and templates, and the scale of any of them."""

from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.printing.cells import (
    NONE,
    age_of,
    containers_and_images,
    labels_text,
    metadata,
    name_of,
    part,
    selector_text,
)
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, CONTAINERS, NAME, Printer

_READY = "Number of the pod with ready state"


def _ready(obj: Object) -> str:
    ready, wanted = part(obj, "status").get("readyReplicas", 0), part(obj, "spec").get("replicas", 0)
    return f"{ready}/{wanted}"


def _template(obj: Object) -> list[str]:
    return containers_and_images(part(part(obj, "spec"), "template"))


def _deployment(obj: Object) -> list[Any]:
    status = part(obj, "status")
    return [
        name_of(obj),
        _ready(obj),
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age_of(obj),
        *_template(obj),
        selector_text(part(obj, "spec").get("selector")),
    ]


def _replicas(obj: Object) -> list[Any]:
    spec, status = part(obj, "spec"), part(obj, "status")
    counts = [spec.get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [name_of(obj), *counts, age_of(obj), *_template(obj)]


def _replica_set(obj: Object) -> list[Any]:
    return [*_replicas(obj), selector_text(part(obj, "spec").get("selector"))]


def _replication_controller(obj: Object) -> list[Any]:
    return [*_replicas(obj), labels_text(part(obj, "spec").get("selector"))]


def _stateful_set(obj: Object) -> list[Any]:
    return [name_of(obj), _ready(obj), age_of(obj), *_template(obj)]


def _daemon_set(obj: Object) -> list[Any]:
    spec, status = part(obj, "spec"), part(obj, "status")
    return [
        name_of(obj),
        status.get("desiredNumberScheduled", 0),
        status.get("currentNumberScheduled", 0),
        status.get("numberReady", 0),
        status.get("updatedNumberScheduled", 0),
        status.get("numberAvailable", 0),
        labels_text(part(part(spec, "template"), "spec").get("nodeSelector")),
        age_of(obj),
        *_template(obj),
        selector_text(spec.get("selector")),
    ]


def _controller(obj: Object) -> str:
    for owner in metadata(obj).get("ownerReferences") or ():
        if owner.get("controller"):
            group, slash, _ = owner.get("apiVersion", "").rpartition("/")
            kind = f"{owner.get('kind', '')}.{group}" if slash else owner.get("kind", "")
            return f"{kind.lower()}/{owner.get('name', '')}"
    return NONE


def _revision(obj: Object) -> list[Any]:
    return [name_of(obj), _controller(obj), obj.get("revision", 0), age_of(obj)]


def _pod_template(obj: Object) -> list[Any]:
    template = part(obj, "template")
    return [name_of(obj), *containers_and_images(template), labels_text(part(template, "metadata").get("labels"))]


def _scale(obj: Object) -> list[Any]:
    wanted, seen = part(obj, "spec").get("replicas", 0), part(obj, "status").get("replicas", 0)
    return [name_of(obj), wanted, seen, age_of(obj)]


PRINTERS = {
    ("apps", "deployments"): Printer(
        _deployment,
        (
            NAME,
            _READY,
            Field("apps_v1.DeploymentStatus.updatedReplicas"),
            Field("apps_v1.DeploymentStatus.availableReplicas"),
            AGE,
            *CONTAINERS,
            Field("apps_v1.DeploymentSpec.selector"),
        ),
    ),
    ("apps", "replicasets"): Printer(
        _replica_set,
        (
            NAME,
            Field("apps_v1.ReplicaSetSpec.replicas"),
            Field("apps_v1.ReplicaSetStatus.replicas"),
            Field("apps_v1.ReplicaSetStatus.readyReplicas"),
            AGE,
            *CONTAINERS,
            Field("apps_v1.ReplicaSetSpec.selector"),
        ),
    ),
    ("", "replicationcontrollers"): Printer(
        _replication_controller,
        (
            NAME,
            Field("core_v1.ReplicationControllerSpec.replicas"),
            Field("core_v1.ReplicationControllerStatus.replicas"),
            Field("core_v1.ReplicationControllerStatus.readyReplicas"),
            AGE,
            *CONTAINERS,
            Field("core_v1.ReplicationControllerSpec.selector"),
        ),
    ),
    ("apps", "statefulsets"): Printer(_stateful_set, (NAME, _READY, AGE, *CONTAINERS)),
    ("apps", "daemonsets"): Printer(
        _daemon_set,
        (
            NAME,
            Field("apps_v1.DaemonSetStatus.desiredNumberScheduled"),
            Field("apps_v1.DaemonSetStatus.currentNumberScheduled"),
            Field("apps_v1.DaemonSetStatus.numberReady"),
            Field("apps_v1.DaemonSetStatus.updatedNumberScheduled"),
            Field("apps_v1.DaemonSetStatus.numberAvailable"),
            Field("core_v1.PodSpec.nodeSelector"),
            AGE,
            *CONTAINERS,
            Field("apps_v1.DaemonSetSpec.selector"),
        ),
    ),
    ("apps", "controllerrevisions"): Printer(
        _revision, (NAME, "Controller of the object", Field("apps_v1.ControllerRevision.revision"), AGE)
    ),
    ("", "podtemplates"): Printer(_pod_template, (NAME, *CONTAINERS, "The labels for the pod template.")),
    ("autoscaling", "scale"): Printer(
        _scale,
        (NAME, Field("autoscaling_v1.ScaleSpec.replicas"), Field("autoscaling_v1.ScaleStatus.replicas"), AGE),
    ),
}
