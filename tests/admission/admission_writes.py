"""Makes the writes that the tests of admission controllers hand in."""

from typing import Any

import pytest

from kapi.contracts.admission import AdmissionAttributes, Operation
from kapi.contracts.authn import UserInfo
from kapi.contracts.plugins import BuildContext, Options
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource

PODS = GroupVersionResource("", "v1", "pods")
CLAIMS = GroupVersionResource("", "v1", "persistentvolumeclaims")


def write(
    obj: dict[str, Any],
    resource: GroupVersionResource = PODS,
    operation: Operation = "CREATE",
    *,
    old: dict[str, Any] | None = None,
    subresource: str = "",
) -> AdmissionAttributes:
    kind = GroupVersionKind(resource.group, resource.version, "X")
    name = obj["metadata"]["name"]
    load_old = None if old is None else lambda: old
    return AdmissionAttributes(operation, kind, resource, subresource, "ns", name, obj, load_old, UserInfo("u"), False)


def named(spec: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": spec or {}, **members}


def marked(name: str, mark: str, created: str = "2026-01-01T00:00:00Z", value: str = "true") -> dict[str, Any]:
    """Return a class that an annotation may make the default."""
    return {"metadata": {"name": name, "creationTimestamp": created, "annotations": {mark: value}}}


async def refusal_of(controller: Any, attributes: AdmissionAttributes) -> str:
    """Let a controller admit and validate; return the message of the 403, without whom it is about; "" if admitted."""
    try:
        for step in ("admit", "validate"):
            if hasattr(controller, step):
                await getattr(controller, step)(attributes)
    except StatusError as ex:
        if ex.code != 403:
            raise
        return ex.message.partition("is forbidden: ")[2]
    return ""


def check_needs_client(build: Any) -> None:
    """Assert that a controller is not built without access to objects."""
    with pytest.raises(ValueError, match="needs access"):
        build(BuildContext(Options({}), None))  # type: ignore[arg-type]  # no folder is touched
