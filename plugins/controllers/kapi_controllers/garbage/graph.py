"""Who is owned by whom: the objects with owner references, found by uid, and the owners with their dependents.

Objects that own nothing, have no owner and are not waiting for their dependents are not kept, so that the graph is as
large as what there is to collect, not as the store.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from sys import intern
from typing import Literal, NamedTuple

from kapi.contracts.client import Object, ServedResource
from kapi.meta.gvk import GroupResource

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
MEMBERS = ("ownerReferences", "deletionTimestamp")
"""The members of metadata that make an object part of the graph."""

Missing = Literal["absent", "elsewhere"]
"""An owner is not where its dependent says; ``elsewhere``: it is in another namespace."""

MISSING_OWNERS_KEPT = 1000
CIRCLE_LIMIT = 1000
"""How many owners of owners are looked at to find a circle."""


class Reference(NamedTuple):
    """An owner reference; ``blocks``: the owner's foreground deletion waits for the dependent."""

    uid: str
    api_version: str
    kind: str
    name: str
    blocks: bool


class Coordinates(NamedTuple):
    """Where an object is, in whichever version it is looked at."""

    resource: GroupResource
    namespace: str
    name: str


@dataclass(slots=True, eq=False)
class Node:
    """An object with owners, or one whose deletion waits for its dependents.

    ``policy`` is what its finalizers say about its dependents ("Orphan", "Foreground" or "Background").
    """

    uid: str
    resource: ServedResource
    namespace: str
    name: str
    version: str
    references: tuple[Reference, ...]
    deleting: bool
    policy: str

    @property
    def waits(self) -> bool:
        """Tell whether its deletion waits until its dependents are gone."""
        return self.deleting and self.policy == "Foreground"

    @property
    def orphans(self) -> bool:
        """Tell whether its deletion waits until its dependents have been released."""
        return self.deleting and self.policy == "Orphan"


@dataclass(slots=True, eq=False)
class Owner:
    """What an owner, which may not exist, has for dependents.

    ``blocking`` counts those that block its deletion. ``seen`` is where it was found, while nothing tells that it has
    gone since.
    """

    dependents: dict[str, Node]
    blocking: int = 0
    seen: Coordinates | None = None


def node_of(resource: ServedResource, metadata: Object) -> Node:
    """Return the node of an object; text that many nodes share is kept once."""
    return Node(
        metadata["uid"],
        resource,
        intern(metadata.get("namespace", "")),
        metadata["name"],
        metadata.get("resourceVersion", ""),
        tuple(map(_reference, metadata.get("ownerReferences") or ())),
        "deletionTimestamp" in metadata,
        policy_of(metadata),
    )


def _reference(each: Object) -> Reference:
    uid, api_version, kind = (intern(each.get(member, "")) for member in ("uid", "apiVersion", "kind"))
    return Reference(uid, api_version, kind, each.get("name", ""), bool(each.get("blockOwnerDeletion")))


def policy_of(metadata: Object) -> str:
    """Return what an object's finalizers say about its dependents."""
    finalizers = metadata.get("finalizers") or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"


class OwnerGraph:
    """Kept current by :meth:`put` and :meth:`remove`; names by uid to ``attend`` what must be looked at then."""

    def __init__(self, attend: Callable[[str], None]) -> None:
        """Take the function that is told the uids of objects to look at."""
        self.nodes: dict[str, Node] = {}
        self.owners: dict[str, Owner] = {}
        self._attend = attend
        self._missing: OrderedDict[tuple[str, Coordinates], Missing] = OrderedDict()

    def put(self, resource: ServedResource, metadata: Object) -> None:
        """Take over the state of an object that was created or changed."""
        new = node_of(resource, metadata)
        old = self.nodes.get(new.uid)
        if new.references or new.deleting:
            self.nodes[new.uid] = new
        else:
            self.nodes.pop(new.uid, None)
        if old is None or old.references != new.references:
            self._unlink(old)
            self._link(new)
        elif new.references:
            for reference in new.references:
                self.owners[reference.uid].dependents[new.uid] = new
        self._follow_deletion(old, new)

    def _link(self, node: Node) -> None:
        for reference in node.references:
            owner = self.owners.get(reference.uid)
            if owner is None:
                owner = self.owners[reference.uid] = Owner({})
            owner.dependents[node.uid] = node
            owner.blocking += _blocks(node, reference)
        if node.references:
            self._attend(node.uid)

    def _unlink(self, node: Node | None) -> None:
        for reference in node.references if node is not None else ():
            owner = self.owners.get(reference.uid)
            if owner is None or node is None:
                continue
            owner.dependents.pop(node.uid, None)
            owner.blocking -= _blocks(node, reference)
            if not owner.dependents:
                del self.owners[reference.uid]
            waiting = self.nodes.get(reference.uid)
            if waiting is not None and waiting.waits:
                self._attend(reference.uid)

    def _follow_deletion(self, old: Node | None, new: Node) -> None:
        """Attend to an object, and to its dependents, when its deletion begins to be about them."""
        if not new.deleting or (old is not None and old.deleting and old.policy == new.policy):
            return
        if new.orphans or new.waits:
            self._attend(new.uid)
        if new.waits:
            self._attend_dependents(new.uid)

    def _attend_dependents(self, uid: str) -> None:
        for dependent in self.dependents(uid):
            self._attend(dependent.uid)

    def remove(self, resource: ServedResource, metadata: Object) -> None:
        """Take over that an object is gone."""
        uid = metadata["uid"]
        self._unlink(self.nodes.pop(uid, None))
        owner = self.owners.get(uid)
        if owner is None:
            return
        owner.seen = None
        where = Coordinates(resource.gvr.group_resource, metadata.get("namespace", ""), metadata["name"])
        self.learn_missing(uid, where, "absent")
        self._attend_dependents(uid)

    def forget(self, resource: GroupResource) -> None:
        """Drop the objects of a resource that is not followed any more; whether they exist as owners is not known."""
        for node in [node for node in self.nodes.values() if node.resource.gvr.group_resource == resource]:
            del self.nodes[node.uid]
            self._unlink(node)
        for uid, owner in self.owners.items():
            if owner.seen is not None and owner.seen.resource == resource:
                owner.seen = None
                self._attend_dependents(uid)

    def dependents(self, uid: str) -> Collection[Node]:
        """Return the dependents of an object, as they are now."""
        owner = self.owners.get(uid)
        return tuple(owner.dependents.values()) if owner is not None else ()

    def blocked(self, uid: str) -> bool:
        """Tell whether there are dependents that block the deletion of an object."""
        owner = self.owners.get(uid)
        return owner is not None and owner.blocking > 0

    def in_circle(self, node: Node) -> bool:
        """Tell whether an object that waits for its dependents is, over owners that wait too, one of them itself."""
        reached, ahead = {node.uid}, [node]
        while ahead and len(reached) < CIRCLE_LIMIT:
            dependent = ahead.pop()
            for reference in dependent.references:
                owner = self.nodes.get(reference.uid)
                if owner is None or not owner.waits or not _blocks(dependent, reference):
                    continue
                if owner.uid == node.uid:
                    return True
                if owner.uid not in reached:
                    reached.add(owner.uid)
                    ahead.append(owner)
        return False

    # What is known about owners

    def learn_there(self, uid: str, where: Coordinates) -> None:
        """Remember that an owner is there; :meth:`remove` will tell when it goes."""
        owner = self.owners.get(uid)
        if owner is not None:
            owner.seen = where

    def learn_missing(self, uid: str, where: Coordinates, missing: Missing) -> None:
        """Remember that an owner is not there; as uids are given once, it never will be."""
        self._missing[uid, where] = missing
        if len(self._missing) > MISSING_OWNERS_KEPT:
            self._missing.popitem(last=False)

    def is_there(self, uid: str, where: Coordinates) -> bool:
        """Tell whether an owner is known to be there."""
        owner = self.owners.get(uid)
        return owner is not None and owner.seen == where

    def missing(self, uid: str, where: Coordinates) -> Missing | None:
        """Tell whether an owner is known not to be there."""
        return self._missing.get((uid, where))


def _blocks(node: Node, reference: Reference) -> bool:
    """Tell whether a dependent blocks the deletion of its owner; nothing can wait for itself."""
    return reference.blocks and reference.uid != node.uid
