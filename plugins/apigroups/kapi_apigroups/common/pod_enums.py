"""Members of pod specs that take one of a few words.

The words stand in the order in which kube-apiserver lists them: sorted, where it keeps them in a set.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError
from kapi_apigroups.common.fields import one_of

Words = Mapping[str, tuple[str, ...]]

RESTART: Final[Words] = {"restartPolicy": ("Always", "OnFailure", "Never")}
DNS: Final[Words] = {"dnsPolicy": ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")}
TERMINATION_MESSAGE: Final[Words] = {"terminationMessagePolicy": ("File", "FallbackToLogsOnError")}
PULL: Final[Words] = {"imagePullPolicy": ("Always", "IfNotPresent", "Never")}
PORT: Final[Words] = {"protocol": ("SCTP", "TCP", "UDP")}
PROC_MOUNT: Final[Words] = {"procMount": ("Default", "Unmasked")}
POD_SECURITY: Final[Words] = {
    "fsGroupChangePolicy": ("Always", "OnRootMismatch"),
    "supplementalGroupsPolicy": ("Merge", "Strict"),
}
_PROFILE: Final[Words] = {"type": ("Localhost", "RuntimeDefault", "Unconfined")}


def words(obj: Object, path: str, supported: Words) -> Iterator[FieldError]:
    """Yield an error for each member of ``obj``, which stands at ``path``, that has none of its words."""
    for member, known in supported.items():
        value = obj.get(member)
        if value:
            yield from one_of(value, f"{path}.{member}", known)


def security(context: Object, path: str, supported: Words) -> Iterator[FieldError]:
    """Yield what is wrong with the words of a pod's or a container's security context."""
    yield from words(context, path, supported)
    for profile in ("seccompProfile", "appArmorProfile"):
        yield from words(context.get(profile) or {}, f"{path}.{profile}", _PROFILE)
