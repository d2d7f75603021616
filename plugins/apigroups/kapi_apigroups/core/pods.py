"""Rules of Pod: the main resource."""

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError, field_forbidden
from kapi_apigroups.common.pod_warnings import pod_warnings
from kapi_apigroups.common.pods import default_pod_spec, validate_pod_spec
from kapi_apigroups.common.status_owner import StatusOwner
from kapi_apigroups.core.pod_resources import default_requests, qos_class
from kapi_apigroups.core.pod_scheduling import apply_apparmor_annotations, gated_condition, resolve_label_keys
from kapi_apigroups.core.pod_update import validate_pod_change

_TERMINATED = ("Failed", "Succeeded")


def default_pod(obj: Object) -> None:
    """Fill in the defaults of a pod, in place."""
    spec = obj.setdefault("spec", {})
    default_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    if spec.get("hostNetwork"):
        _default_host_ports(spec)
    default_requests(spec)
    join_pod_ips(obj.get("status", {}))


def _default_host_ports(spec: Object) -> None:
    for member in ("containers", "initContainers"):
        for container in spec.get(member) or ():
            for port in container.get("ports", ()):
                if "containerPort" in port:
                    port.setdefault("hostPort", port["containerPort"])


def join_pod_ips(status: Object) -> None:
    """Make ``podIP`` and ``podIPs`` agree: the single address wins."""
    single, several = status.get("podIP"), status.get("podIPs")
    if single and (not several or several[0].get("ip") != single):
        status["podIPs"] = [{"ip": single}]
    elif several and several[0].get("ip"):
        status["podIP"] = several[0]["ip"]


class PodStrategy(StatusOwner):
    """Pods: hardly anything of a pod may change, and bound ones are deleted with grace."""

    rechecks_metadata = True
    generation = ("spec",)
    returns_deleted = True

    def default(self, obj: Object) -> None:
        """Fill in the defaults of pods."""
        default_pod(obj)

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Begin as pending, with the quality of service that the resources imply."""
        spec = obj["spec"]
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(spec)}
        if spec.get("terminationGracePeriodSeconds", 0) < 0:
            spec["terminationGracePeriodSeconds"] = 1
        if spec.get("schedulingGates"):
            obj["status"]["conditions"] = [gated_condition()]
        resolve_label_keys(obj)
        apply_apparmor_annotations(obj)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec of a new pod."""
        errors = validate_pod_spec(obj["spec"], "spec")
        if obj["spec"].get("ephemeralContainers"):
            errors.append(field_forbidden("spec.ephemeralContainers", "cannot be set on create"))
        if obj["spec"].get("nodeName") and obj["spec"].get("schedulingGates"):
            errors.append(field_forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the spec, and that only what may change did."""
        errors = validate_pod_spec(obj["spec"], "spec")
        if obj["spec"] != old["spec"]:
            errors += validate_pod_change(obj["spec"], old["spec"])
        return errors

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn of what is hardly meant."""
        return pod_warnings(obj)

    def grace_period(self, ctx: RequestContext, obj: Object, requested: int | None) -> int | None:
        """Give pods that run on a node the time that they ask for."""
        spec = obj["spec"]
        if not spec.get("nodeName") or obj.get("status", {}).get("phase") in _TERMINATED:
            return 0
        period = requested if requested is not None else spec.get("terminationGracePeriodSeconds", 0)
        return 1 if period < 0 else int(period)
