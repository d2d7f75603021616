"""Reaching the server's own objects from inside: for authorizers, admission, strategies and controllers."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from kapi.meta.gvk import GroupVersionResource

Object = dict[str, Any]


class Event(NamedTuple):
    """A change seen by a watch; ``object`` is the new state, or the last one for DELETED. Never change it."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Object
    old: Object | None


class MetadataEvent(NamedTuple):
    """A change of which only ``metadata`` was read: that of the new state, or of the last one for DELETED."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    metadata: Object


Handler = Callable[[Event], Awaitable[None] | None]
"""A function that is told of changes; see :meth:`Informer.add_handler`."""


class Index(Protocol):
    """Objects of an informer by keys that a function finds in them; always as current as the informer."""

    def get(self, key: str) -> list[Object]:
        """Return the objects that have a key."""

    def keys(self) -> Iterable[str]:
        """Return all keys that some object has."""


class Informer(Protocol):
    """A shared, always current view of one resource, fed by its watch cache.

    The objects are shared: never change one. What is the matter with one user of an informer (a handler that raises or
    takes long, an index function that raises) does not reach the others; what is raised is logged.
    """

    @property
    def version(self) -> int:
        """A number that grows with every change of the resource: compare it to know when to recompute."""

    async def synced(self) -> None:
        """Return when the view holds everything that had been written when this was called."""

    def get(self, name: str, namespace: str = "") -> Object | None:
        """Return an object, or None."""

    def list(self, namespace: str = "") -> Iterable[Object]:
        """Return the objects of a namespace, or of all."""

    def add_handler(self, handler: Handler, *, resync: float = 0.0) -> Callable[[], None]:
        """Tell ``handler`` of every object there is (as ADDED) and of every change; returns how to stop that.

        A plain function is called at once, on the event loop: it must be quick, and is told of each change. A
        coroutine function is awaited in a task of its own, for one change after the other; what happens to an object
        while it waits for the handler is told as one change. Each ``resync`` seconds (0: never) it is told of every
        object again, as MODIFIED with ``old`` and ``object`` the same.
        """

    def index(self, keys_of: Callable[[Object], Iterable[str]]) -> Index:
        """Return the index by what ``keys_of`` says about each object; there is one for each function, so name it."""

    async def follow_metadata(
        self, handler: Callable[[MetadataEvent], None], members: Sequence[str] = ()
    ) -> Callable[[], None]:
        """Like ``add_handler``, for those who follow many objects and need little of each: nothing decoded is kept.

        Returns when ``handler`` has been told of all there is; that is done a few at a time, so that changes come in
        between, and an object may be told of twice. With ``members`` (of metadata), objects that have none of them,
        and had none before a change, may be left out; deletions are always told.
        """

    def find(self, uid: str) -> Object | None:
        """Return the object with this uid, or None. Looks through all objects: not for every request."""


class ObjectClient(Protocol):
    """Reads and writes as the server itself: past authentication, authorization and admission, but with the kinds'
    own rules. All methods raise StatusError. Objects returned are the caller's to change, unless said otherwise."""

    async def get(self, resource: GroupVersionResource, name: str, namespace: str = "") -> Object:
        """Return the current object; raises not_found."""

    async def list(
        self,
        resource: GroupVersionResource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> list[Object]:
        """Return the current objects of a namespace, or of all."""

    async def create(
        self, resource: GroupVersionResource, obj: Object, namespace: str = "", *, subresource: str = ""
    ) -> Object:
        """Create an object and return it as stored; raises already_exists."""

    async def update(
        self,
        resource: GroupVersionResource,
        name: str,
        change: Callable[[Object], Object | None],
        namespace: str = "",
        *,
        subresource: str = "",
        field_manager: str = "",
    ) -> Object:
        """Read, change, write, and again if another was faster.

        ``change`` gets the current object and returns the new one (it may be the same, changed), or None to
        leave it as it is. With ``field_manager`` the change counts in ``managedFields``, as that of a client of this
        name would: what is changed comes to be its own, what is removed is nobody's any more.
        """

    async def delete(
        self,
        resource: GroupVersionResource,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        propagation: str = "Background",
        grace_seconds: int | None = None,
        resource_version: str = "",
    ) -> None:
        """Delete an object; ``uid`` and ``resource_version`` are preconditions."""

    def informer(self, resource: GroupVersionResource) -> Informer:
        """Return the shared informer of a resource, started on first use; raises not_found for one not served.

        What is served in another way than before (a custom resource whose definition has changed) has another informer.
        """

    def resources(self) -> "Iterable[ServedResource]":
        """Return all resources that are served, in discovery order."""


class ServedResource(NamedTuple):
    """A served resource, as discovery knows it. ``stored``: its objects are stored in this version of it."""

    gvr: GroupVersionResource
    kind: str
    namespaced: bool
    verbs: tuple[str, ...]
    stored: bool = True
