"""What the garbage collector does about one object: delete it, release it, or let it go.

The decisions are those of kube-controller-manager's garbage collector. Each is made on the state that the graph shows
and carried out only on that state: the object's uid and resourceVersion are preconditions.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.storage import StorageError
from kapi.meta.errors import StatusError
from kapi_controllers.concurrency import for_each
from kapi_controllers.garbage.events import OwnerEvents
from kapi_controllers.garbage.graph import FOREGROUND, ORPHAN, Node, OwnerGraph, Reference
from kapi_controllers.garbage.lookup import NamespacedOwner, OwnerLookup, UnknownKind

log = logging.getLogger("kapi.controllers.garbage-collector")

MANAGER = "kube-controller-manager"
"""Whose changes to the metadata of dependents these are, as in a real cluster."""


class Owners(NamedTuple):
    """The owner references of an object: to owners that are there, that wait for their dependents, that are not."""

    solid: list[Reference]
    waiting: list[Reference]
    absent: list[Reference]


class Collector:
    """Looks at one object of the graph at a time; see :meth:`attend`."""

    def __init__(self, client: ObjectClient, graph: OwnerGraph, lookup: OwnerLookup, events: OwnerEvents) -> None:
        """Take access to the server's objects, the graph, and those who know and tell about owners."""
        self._client = client
        self._graph = graph
        self._lookup = lookup
        self._events = events

    async def attend(self, uid: str) -> bool:
        """Do what is to be done about an object; tells whether it is done (for now)."""
        node = self._graph.nodes.get(uid)
        if node is None:
            return True
        try:
            return await self._step(node)
        except UnknownKind as unknown:
            log.debug("%s: its owner is of a kind that is not served (yet): %s", _name(node), unknown)
            return False
        except NamespacedOwner as invalid:
            await self._events.invalid_namespace(node, invalid.reference)
            return True
        except (StatusError, StorageError) as error:
            log.info("%s cannot be collected yet: %s", _name(node), error)
            return False

    async def _step(self, node: Node) -> bool:
        if node.orphans:
            return await self._release_dependents(node)
        if node.waits:
            return await self._wait_for_dependents(node)
        if node.deleting:
            return True
        return await self._judge(node)

    # Objects with owners

    async def _judge(self, node: Node) -> bool:
        """Keep an object that has an owner, and drop its references to other owners; delete it otherwise."""
        owners = await self._owners(node)
        if owners.solid:
            lost = owners.absent + owners.waiting
            if lost:
                await self._change_references(node, _without({reference.uid for reference in lost}))
            return all(map(self._lookup.served.follows, owners.solid))
        foreground = owners.waiting and self._graph.dependents(node.uid)
        return await self._delete(node, "Foreground" if foreground else node.policy)

    async def _owners(self, node: Node) -> Owners:
        owners = Owners([], [], [])
        piles = {"solid": owners.solid, "waiting": owners.waiting}
        for reference in node.references:
            standing = await self._lookup.standing(node, reference)
            if standing == "elsewhere":
                await self._events.invalid_namespace(node, reference)
            piles.get(standing, owners.absent).append(reference)
        return owners

    async def _delete(self, node: Node, policy: str) -> bool:
        uid, version, delete = node.uid, node.version, self._client.delete
        try:
            await delete(
                node.resource.gvr, node.name, node.namespace, uid=uid, propagation=policy, resource_version=version
            )
        except StatusError as error:
            if error.reason not in ("NotFound", "Conflict"):
                raise
            return error.reason == "NotFound"
        return True

    # Objects whose deletion is about their dependents

    async def _wait_for_dependents(self, node: Node) -> bool:
        """Let an owner go when nothing blocks it. What blocks it comes back here when it goes."""
        if not self._graph.blocked(node.uid):
            await self._change(node, _finalizer_removal(FOREGROUND))
        elif self._graph.in_circle(node):
            await self._change_references(node, _unblocked)
        return True

    async def _release_dependents(self, node: Node) -> bool:
        """Take the references to an owner out of all its dependents, then let the owner go."""

        async def release(dependent: Node) -> None:
            await self._change_references(dependent, _without({node.uid}))

        await for_each(self._graph.dependents(node.uid), release)
        await self._change(node, _finalizer_removal(ORPHAN))
        return True

    # Changing objects

    async def _change_references(self, node: Node, change: Callable[[Iterable[Object]], list[Object]]) -> None:
        """Change an object's owner references."""
        await self._change(
            node, lambda metadata: _keep(metadata, "ownerReferences", change(metadata.get("ownerReferences", ())))
        )

    async def _change(self, node: Node, change: Callable[[Object], bool]) -> None:
        """Change the metadata of an object, if it is still there and the same one."""

        def changed(obj: Object) -> Object | None:
            metadata = obj["metadata"]
            return obj if metadata.get("uid") == node.uid and change(metadata) else None

        try:
            await self._client.update(node.resource.gvr, node.name, changed, node.namespace, field_manager=MANAGER)
        except StatusError as error:
            if error.reason != "NotFound":
                raise


def _without(uids: Collection[str]) -> Callable[[Iterable[Object]], list[Object]]:
    return lambda references: [each for each in references if each["uid"] not in uids]


def _unblocked(references: Iterable[Object]) -> list[Object]:
    return [{**each, "blockOwnerDeletion": False} if each.get("blockOwnerDeletion") else each for each in references]


def _finalizer_removal(finalizer: str) -> Callable[[Object], bool]:
    def change(metadata: Object) -> bool:
        return _keep(metadata, "finalizers", [each for each in metadata.get("finalizers", ()) if each != finalizer])

    return change


def _keep(metadata: Object, member: str, value: Sequence[object]) -> bool:
    """Set a list in metadata, or drop it when it is empty; tells whether it is another one."""
    if value == metadata.get(member, []):
        return False
    if value:
        metadata[member] = value
    else:
        del metadata[member]
    return True


def _name(node: Node) -> str:
    return f"{node.resource.gvr.resource} {node.namespace}/{node.name}" if node.namespace else node.name
