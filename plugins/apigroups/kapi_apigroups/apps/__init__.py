"""The API group ``apps``: workloads that run pods from a template."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.apps.controllerrevision import ControllerRevisionStrategy
from kapi_apigroups.apps.daemonset import TEMPLATE_GENERATION, DaemonSetStatusStrategy, DaemonSetStrategy
from kapi_apigroups.apps.deployment import ROLLBACK_TO, DeploymentStatusStrategy, DeploymentStrategy
from kapi_apigroups.apps.replicaset import ReplicaSetStatusStrategy, ReplicaSetStrategy
from kapi_apigroups.apps.statefulset import StatefulSetStatusStrategy, StatefulSetStrategy
from kapi_apigroups.build import KindRules, build_group
from kapi_apigroups.common.scale import ScaleView

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup, Object


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    deployment, replica_set = DeploymentStrategy(), ReplicaSetStrategy()
    stateful_set, daemon_set = StatefulSetStrategy(), DaemonSetStrategy()
    return [
        build_group(
            "apps",
            {
                ("v1", "controllerrevisions"): KindRules(ControllerRevisionStrategy()),
                ("v1", "daemonsets"): KindRules(
                    daemon_set,
                    subresources={"status": DaemonSetStatusStrategy(daemon_set)},
                    internal=partial(without_annotation, TEMPLATE_GENERATION),
                ),
                ("v1", "deployments"): KindRules(
                    deployment,
                    internal=partial(without_annotation, ROLLBACK_TO),
                    subresources={"status": DeploymentStatusStrategy(deployment), "scale": ScaleView()},
                ),
                ("v1", "replicasets"): KindRules(
                    replica_set,
                    selectable_fields={"status.replicas": replicas_in_status},
                    subresources={"status": ReplicaSetStatusStrategy(replica_set), "scale": ScaleView()},
                ),
                ("v1", "statefulsets"): KindRules(
                    stateful_set,
                    subresources={"status": StatefulSetStatusStrategy(stateful_set), "scale": ScaleView()},
                ),
            },
        )
    ]


def without_annotation(name: str, obj: "Object") -> "Object":
    """Return an object without an annotation that is a member of kube-apiserver's internal form."""
    metadata = obj["metadata"]
    if name not in metadata.get("annotations", {}):
        return obj
    rest = {key: value for key, value in metadata["annotations"].items() if key != name}
    others = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**obj, "metadata": {**others, "annotations": rest} if rest else others}


def replicas_in_status(obj: dict[str, object]) -> str:
    """Return ``status.replicas`` as a field selector compares it."""
    status = obj.get("status")
    return str(status.get("replicas", 0)) if isinstance(status, dict) else "0"
