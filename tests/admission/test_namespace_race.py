"""The moment between the deletion of a namespace and the shared view's knowing of it."""

import pytest
from admission_writes import write

from kapi.contracts.client import Object
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from kapi.testing.memory_client import MemoryClient
from kapi_admission import namespace_lifecycle
from kapi_admission.namespace_lifecycle import NAMESPACES, NamespaceLifecycle

CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")


class Lagging(MemoryClient):
    """Its view still shows namespaces as active that are ending in the store."""

    async def get(self, resource: GroupVersionResource, name: str, namespace: str = "") -> Object:
        return {**await super().get(resource, name, namespace), "status": {"phase": "Terminating"}}


async def lifecycle() -> NamespaceLifecycle:
    client = Lagging()
    for name in ("ns", "other"):
        await client.create(NAMESPACES, {"metadata": {"name": name}, "status": {"phase": "Active"}})
    return NamespaceLifecycle(client)


async def test_nothing_is_created_in_a_namespace_deleted_a_moment_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    controller = await lifecycle()
    create = write({"metadata": {"name": "a"}}, CONFIG_MAPS)
    await controller.admit(create)
    await controller.admit(write({"metadata": {"name": "ns"}}, NAMESPACES, "DELETE"))
    with pytest.raises(StatusError, match="because it is being terminated"):
        await controller.admit(create)
    monkeypatch.setattr(namespace_lifecycle, "LIVE_SECONDS", -1.0)
    await controller.admit(write({"metadata": {"name": "ns"}}, NAMESPACES, "DELETE"))
    await controller.admit(create)


async def test_what_is_deleted_in_a_namespace_does_not_count() -> None:
    controller = await lifecycle()
    for attributes in (
        write({"metadata": {"name": "ns"}}, CONFIG_MAPS, "DELETE"),
        write({"metadata": {"name": "other"}}, NAMESPACES, "DELETE"),
        write({"metadata": {"name": "ns"}}, NAMESPACES, "UPDATE"),
    ):
        await controller.admit(attributes)
    await controller.admit(write({"metadata": {"name": "a"}}, CONFIG_MAPS))
