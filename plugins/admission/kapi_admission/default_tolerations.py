"""DefaultTolerationSeconds: pods stay for a while on a node that is not ready or cannot be reached."""

from collections.abc import Mapping, Sequence

from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation
from kapi.contracts.client import Object
from kapi.contracts.plugins import BuildContext, Option
from kapi.hookspecs import hookimpl
from kapi_admission.writes import PODS, spec_of, written

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
_SECONDS = 300

OPTIONS = (
    Option(
        "default-not-ready-toleration-seconds",
        "int",
        _SECONDS,
        f"Seconds of the toleration for {NOT_READY}:NoExecute that pods without one get.",
        "Admission",
    ),
    Option(
        "default-unreachable-toleration-seconds",
        "int",
        _SECONDS,
        f"Seconds of the toleration for {UNREACHABLE}:NoExecute that pods without one get.",
        "Admission",
    ),
)


class DefaultTolerationSeconds:
    """Adds tolerations to pods that have none for these two taints."""

    resources = (PODS,)

    def __init__(self, seconds: Mapping[str, int]) -> None:
        """Take how long each of the taints is tolerated."""
        self._seconds = dict(seconds)

    def handles(self, operation: Operation) -> bool:
        """Look at what is created or changed."""
        return operation in ("CREATE", "UPDATE")

    async def admit(self, attributes: AdmissionAttributes) -> None:
        """Add the tolerations that a pod lacks."""
        pod = written(attributes, PODS)
        if pod is None:
            return
        spec = spec_of(pod)
        present = spec.get("tolerations") or []
        missing = [_toleration(key, s) for key, s in self._seconds.items() if not _tolerates(present, key)]
        if missing:
            spec["tolerations"] = [*present, *missing]


def _tolerates(tolerations: Sequence[Object], key: str) -> bool:
    """Tell whether any toleration is about the taint; its value and operator do not matter."""
    return any(one.get("key", "") in ("", key) and one.get("effect", "") in ("", "NoExecute") for one in tolerations)


def _toleration(key: str, seconds: int) -> Object:
    return {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}


def build(context: BuildContext) -> DefaultTolerationSeconds:
    """Return the controller."""
    options = context.options
    return DefaultTolerationSeconds(
        {
            NOT_READY: options["default-not-ready-toleration-seconds"],
            UNREACHABLE: options["default-unreachable-toleration-seconds"],
        }
    )


@hookimpl
def kapi_register_admission() -> Sequence[AdmissionPlugin]:
    """Contribute DefaultTolerationSeconds."""
    return [AdmissionPlugin("DefaultTolerationSeconds", "lets pods tolerate node failures a while", build, OPTIONS)]
