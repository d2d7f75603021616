"""The namespace controller: empties namespaces that are being deleted, then lets them go.

What a bare API server lacks most: without it a deleted namespace stays Terminating for ever. Pods go first, so that
nothing that guards them is gone before them.
"""

import logging
from collections.abc import Sequence
from typing import Any

from kapi.contracts.client import Event, Object, ObjectClient, ServedResource
from kapi.contracts.server import HookContext, PostStartHook
from kapi.hookspecs import hookimpl
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from kapi_controllers.concurrency import for_each
from kapi_controllers.namespace_conditions import Remaining, set_condition
from kapi_controllers.workqueue import WorkQueue

log = logging.getLogger("kapi.controllers.namespace")

NAMESPACES = GroupVersionResource("", "v1", "namespaces")
PODS = GroupVersionResource("", "v1", "pods")
NODES = GroupVersionResource("", "v1", "nodes")
FINALIZER = "kubernetes"
MANAGER = "kube-controller-manager"


@hookimpl
def kapi_register_post_start_hooks() -> Sequence[PostStartHook]:
    """Register the controller."""
    summary = "Empties and removes deleted namespaces"
    return [PostStartHook("namespace", summary, _start, controller=True, aliases=("namespace-controller",))]


async def _start(context: HookContext) -> None:
    await NamespaceController(context.client).run()


class NamespaceController:
    """Watches namespaces; those with a deletionTimestamp are emptied and finalized."""

    def __init__(self, client: ObjectClient) -> None:
        """Take access to the server's objects."""
        self._client = client
        self._queue = WorkQueue()

    async def run(self) -> None:
        """Work until cancelled."""
        informer = self._client.informer(NAMESPACES)
        await informer.synced()
        stop = informer.add_handler(self._seen)
        try:
            await self._queue.run(self.reconcile)
        finally:
            stop()

    def _seen(self, event: Event) -> None:
        if event.type != "DELETED" and "deletionTimestamp" in event.object["metadata"]:
            self._queue.add(event.object["metadata"]["name"])

    async def reconcile(self, name: str) -> bool:
        """Take one step to empty a namespace; tells whether there is nothing left to do."""
        namespace = self._client.informer(NAMESPACES).get(name)
        if namespace is None or FINALIZER not in namespace.get("spec", {}).get("finalizers", ()):
            return True
        await self._client.informer(NODES).synced()
        remaining = Remaining()
        for resource in self._deletable():
            left, failures = await self._delete_all(resource, name)
            remaining.add(resource.gvr, left, failures)
            if left and resource.gvr == PODS:
                break
        await self._report(name, remaining)
        if remaining.objects:
            return False
        await self._finalize(name)
        return True

    def _deletable(self) -> list[ServedResource]:
        """Return the resources whose objects live in namespaces, each in the version that is stored, pods first."""
        found: dict[tuple[str, str], ServedResource] = {}
        for resource in self._client.resources():
            if resource.namespaced and {"list", "delete"} <= set(resource.verbs):
                key = resource.gvr.group, resource.gvr.resource
                if resource.stored or key not in found:
                    found[key] = resource
        return sorted(found.values(), key=lambda resource: resource.gvr != PODS)

    async def _delete_all(self, resource: ServedResource, namespace: str) -> tuple[list[Object], list[str]]:
        """Delete the objects of a resource; returns those that are still there, and what refused to be deleted."""
        failures: set[str] = set()

        async def delete(obj: Object) -> None:
            failures.add(await self._delete(resource.gvr, obj))

        await for_each(await self._client.list(resource.gvr, namespace), delete)
        return await self._client.list(resource.gvr, namespace), sorted(failures - {""})

    async def _delete(self, resource: GroupVersionResource, obj: dict[str, Any]) -> str:
        """Delete an object; returns why that is refused, "" when it is not."""
        meta = obj["metadata"]
        grace = 0 if resource == PODS and self._abandoned(obj) else None
        if "deletionTimestamp" in meta and grace is None:
            return ""
        try:
            await self._client.delete(resource, meta["name"], meta["namespace"], uid=meta["uid"], grace_seconds=grace)
        except StatusError as error:
            if error.reason not in ("NotFound", "Conflict"):
                log.warning("%s %s/%s cannot be deleted: %s", resource.resource, meta["namespace"], meta["name"], error)
                return error.message
        return ""

    def _abandoned(self, pod: dict[str, Any]) -> bool:
        """Tell whether a pod is on a node that does not exist: nobody would ever confirm that it has stopped."""
        node = pod.get("spec", {}).get("nodeName", "")
        return not node or self._client.informer(NODES).get(node) is None

    async def _report(self, name: str, remaining: Remaining) -> None:
        """Say in the namespace's conditions how far it is."""

        def change(namespace: dict[str, Any]) -> dict[str, Any] | None:
            conditions = namespace.setdefault("status", {}).setdefault("conditions", [])
            changed = [set_condition(conditions, wanted) for wanted in remaining.conditions()]
            return namespace if any(changed) else None

        await self._change(name, change, "status")

    async def _finalize(self, name: str) -> None:
        """Take the finalizer off; the namespace goes when no other is left."""

        def change(namespace: dict[str, Any]) -> dict[str, Any]:
            spec = namespace.setdefault("spec", {})
            spec["finalizers"] = [item for item in spec.get("finalizers", []) if item != FINALIZER]
            return namespace

        await self._change(name, change, "finalize")

    async def _change(self, name: str, change: Any, subresource: str) -> None:
        try:
            await self._client.update(NAMESPACES, name, change, subresource=subresource, field_manager=MANAGER)
        except StatusError as error:
            if error.reason != "NotFound":
                raise
