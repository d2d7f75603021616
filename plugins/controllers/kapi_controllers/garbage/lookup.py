"""Whether the owner that a reference names exists: from what is known, or by a look at the store."""

from collections.abc import Iterable
from typing import Literal

from kapi.contracts.client import Object, ObjectClient, ServedResource
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupResource
from kapi_controllers.garbage.graph import Coordinates, Missing, Node, OwnerGraph, Reference, policy_of
from kapi_controllers.token_bucket import TokenBucket

Standing = Literal["solid", "waiting", "absent", "elsewhere"]
"""An owner is there; is there, and its deletion waits for its dependents; or is not (see Missing)."""

SEARCHES_AT_ONCE, SEARCHES_PER_SECOND = 100, 1.0

_EVENTS = "events"
_FOLLOWED_VERBS = {"list", "watch", "delete"}


class UnknownKind(Exception):
    """A reference names a kind that is not served (now): its objects may exist nevertheless."""


class NamespacedOwner(Exception):
    """An object outside of namespaces refers to an owner in a namespace that it cannot name."""

    def __init__(self, reference: Reference) -> None:
        """Take the reference."""
        super().__init__(reference)
        self.reference = reference


class ServedKinds:
    """The resources that are served at one time, found by what owner references say."""

    def __init__(self, resources: Iterable[ServedResource]) -> None:
        """Take all resources, in discovery order."""
        self.kinds: dict[tuple[str, str], ServedResource] = {}
        self.followed: dict[GroupResource, ServedResource] = {}
        for resource in resources:
            if "get" in resource.verbs:
                self.kinds.setdefault((resource.gvr.api_version, resource.kind), resource)
            if resource.gvr.resource != _EVENTS and set(resource.verbs) >= _FOLLOWED_VERBS:
                name = resource.gvr.group_resource
                if resource.stored or name not in self.followed:  # the stored version needs no conversion
                    self.followed[name] = resource

    def owner_resource(self, reference: Reference, node: Node) -> ServedResource:
        """Return the resource of an owner; raises UnknownKind, NamespacedOwner."""
        found = self.kinds.get((reference.api_version, reference.kind))
        if found is None:
            raise UnknownKind(f"{reference.api_version}, Kind={reference.kind}")
        if found.namespaced and not node.namespace:
            raise NamespacedOwner(reference)
        return found

    def follows(self, reference: Reference) -> bool:
        """Tell whether the deletion of an owner would be noticed."""
        found = self.kinds.get((reference.api_version, reference.kind))
        return found is not None and found.gvr.group_resource in self.followed


class OwnerLookup:
    """Answers for the references of the graph's nodes, and lets the graph know what it finds."""

    def __init__(self, client: ObjectClient, graph: OwnerGraph) -> None:
        """Take access to the server's objects, and the graph."""
        self._client = client
        self._graph = graph
        self._searches = TokenBucket(SEARCHES_AT_ONCE, SEARCHES_PER_SECOND)
        self.served = ServedKinds(())

    async def standing(self, node: Node, reference: Reference) -> Standing:
        """Return how it stands with the owner; raises UnknownKind, NamespacedOwner, StatusError."""
        resource = self.served.owner_resource(reference, node)
        where = Coordinates(resource.gvr.group_resource, node.namespace if resource.namespaced else "", reference.name)
        if self._graph.is_there(reference.uid, where):
            owner = self._graph.nodes.get(reference.uid)
            return "waiting" if owner is not None and owner.waits else "solid"
        return self._graph.missing(reference.uid, where) or await self._look(resource, reference.uid, where)

    async def _look(self, resource: ServedResource, uid: str, where: Coordinates) -> Standing:
        """Ask the store; nothing may wait between its answer and what the graph is told, lest a deletion be missed."""
        found = await self._get(resource, where)
        if found is None or found["metadata"].get("uid") != uid:
            missing: Missing = "elsewhere" if self._is_elsewhere(resource, uid) else "absent"
            self._graph.learn_missing(uid, where, missing)
            return missing
        if where.resource in self.served.followed:
            self._graph.learn_there(uid, where)
        metadata = found["metadata"]
        waits = "deletionTimestamp" in metadata and policy_of(metadata) == "Foreground"
        return "waiting" if waits else "solid"

    async def _get(self, resource: ServedResource, where: Coordinates) -> Object | None:
        try:
            return await self._client.get(resource.gvr, where.name, where.namespace)
        except StatusError as error:
            # A resource that is not served (any more), or not stored, is "not found" too, but without a name.
            if error.reason == "NotFound" and (error.details or {}).get("name"):
                return None
            raise

    def _is_elsewhere(self, resource: ServedResource, uid: str) -> bool:
        """Tell whether the owner is in another namespace. Who sends many wrong references gets no many searches."""
        if not resource.namespaced or resource.gvr.group_resource not in self.served.followed:
            return False
        return self._searches.take() and self._client.informer(resource.gvr).find(uid) is not None
