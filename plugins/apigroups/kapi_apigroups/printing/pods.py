"""Pods."""

from collections.abc import Mapping, Sequence
from typing import Any

from kapi.contracts.resources import Object
from kapi.meta.times import age
from kapi_apigroups.printing.cells import NONE, age_of, condition_of, has_condition, is_deleted, name_of, part
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, NAME, Printer

Part = Mapping[str, Any]
_FINAL_PHASES = {
    "Succeeded": ("Succeeded", "The pod has completed successfully."),
    "Failed": ("Failed", "The pod failed."),
}


class _Restarts:
    """How often some containers were started again, and when the last one had ended before."""

    __slots__ = ("count", "last")

    def __init__(self) -> None:
        self.count = 0
        self.last = ""

    def add(self, container: Part) -> None:
        self.count += container.get("restartCount", 0)
        ended = part(container, "lastState").get("terminated")
        if ended is not None:
            self.last = max(self.last, ended.get("finishedAt") or "")

    def __str__(self) -> str:
        return f"{self.count} ({age(self.last)} ago)" if self.count and self.last else str(self.count)


class _Progress:
    """What the statuses of a pod's containers amount to."""

    __slots__ = ("ready", "reason", "restarts")

    def __init__(self, spec: Part, status: Part) -> None:
        self.ready = 0
        self.reason = _reason_of_pod(status)
        self.restarts = _Restarts()
        sidecars = _Restarts()
        initializing = self._initialize(spec, status, sidecars)
        if not initializing or has_condition(status, "Initialized"):
            self.restarts = sidecars
            self._run(status)

    def _initialize(self, spec: Part, status: Part, sidecars: _Restarts) -> bool:
        """Look at the init containers in order, up to one that holds the pod up; tell whether there is such a one."""
        restartable = sidecar_names(spec)
        total = len(spec.get("initContainers") or ())
        for index, container in enumerate(status.get("initContainerStatuses") or ()):
            is_sidecar = container.get("name") in restartable
            self.restarts.add(container)
            if is_sidecar:
                sidecars.add(container)
            if _has_succeeded(container):
                continue
            if is_sidecar and container.get("started"):
                self.ready += bool(container.get("ready"))
                continue
            self.reason = f"Init:{_init_reason(container) or f'{index}/{total}'}"
            return True
        return False

    def _run(self, status: Part) -> None:
        has_running = False
        for container in reversed(status.get("containerStatuses") or ()):
            self.restarts.add(container)
            reason = _reason(container)
            if reason:
                self.reason = reason
            elif container.get("ready") and "running" in part(container, "state"):
                has_running = True
                self.ready += 1
        if has_running and self.reason == "Completed":
            self.reason = "Running" if has_condition(status, "Ready") else "NotReady"


def sidecar_names(spec: Part) -> set[str]:
    """Return the names of the init containers that keep running."""
    return {each.get("name", "") for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"}


def _reason_of_pod(status: Part) -> str:
    if condition_of(status, "PodScheduled").get("reason") == "SchedulingGated":
        return "SchedulingGated"
    reason: str = status.get("reason") or status.get("phase", "")
    return reason


def _has_succeeded(container: Part) -> bool:
    ended = part(container, "state").get("terminated")
    return ended is not None and ended.get("exitCode", 0) == 0


def _init_reason(container: Part) -> str:
    """Return why an init container holds the pod up; "" when it merely has not finished."""
    state = part(container, "state")
    if "terminated" in state:
        return _end_of(state["terminated"])
    waiting: str = part(state, "waiting").get("reason", "")
    return "" if waiting == "PodInitializing" else waiting


def _reason(container: Part) -> str:
    """Return why a container does not run; "" when it runs, or nobody knows."""
    state = part(container, "state")
    waiting: str = part(state, "waiting").get("reason", "")
    if waiting or "terminated" not in state:
        return waiting
    return _end_of(state["terminated"])


def _end_of(terminated: Part) -> str:
    reason: str = terminated.get("reason", "")
    if reason:
        return reason
    signal = terminated.get("signal", 0)
    return f"Signal:{signal}" if signal else f"ExitCode:{terminated.get('exitCode', 0)}"


def _shown_reason(pod: Object, status: Part, reason: str) -> str:
    if is_deleted(pod):
        if status.get("reason") == "NodeLost":
            return "Unknown"
        if status.get("phase") not in _FINAL_PHASES:
            return "Terminating"
    return reason


def _gates(spec: Part, status: Part) -> str:
    gates = spec.get("readinessGates") or ()
    if not gates:
        return NONE
    passed = sum(has_condition(status, gate.get("conditionType", "")) for gate in gates)
    return f"{passed}/{len(gates)}"


def _pod(pod: Object) -> list[Any]:
    spec, status = part(pod, "spec"), part(pod, "status")
    progress = _Progress(spec, status)
    addresses: Sequence[Part] = status.get("podIPs") or ({},)
    total = len(spec.get("containers") or ()) + len(sidecar_names(spec))
    return [
        name_of(pod),
        f"{progress.ready}/{total}",
        _shown_reason(pod, status, progress.reason),
        str(progress.restarts),
        age_of(pod),
        addresses[0].get("ip") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(spec, status),
    ]


def _pod_conditions(pod: Object) -> list[Object]:
    final = _FINAL_PHASES.get(part(pod, "status").get("phase", ""))
    if final is None:
        return []
    reason, message = final
    return [{"type": "Completed", "status": "True", "reason": reason, "message": message}]


PRINTERS = {
    ("", "pods"): Printer(
        _pod,
        (
            NAME,
            "The aggregate readiness state of this pod for accepting traffic.",
            "The aggregate status of the containers in this pod.",
            "The number of times the containers in this pod have been restarted and when the last container in this "
            "pod has restarted.",
            AGE,
            Field("core_v1.PodStatus.podIP"),
            Field("core_v1.PodSpec.nodeName"),
            Field("core_v1.PodStatus.nominatedNodeName"),
            Field("core_v1.PodSpec.readinessGates"),
        ),
        _pod_conditions,
    ),
}
