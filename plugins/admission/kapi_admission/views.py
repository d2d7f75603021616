"""How admission controllers look at other objects: in the shared view, which may lag a moment behind."""

from collections.abc import Iterable

from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.plugins import BuildContext
from kapi.meta.errors import StatusError, internal_error
from kapi.meta.gvk import GroupVersionResource


class View:
    """The shared view of one resource."""

    def __init__(self, client: ObjectClient, resource: GroupVersionResource) -> None:
        """Take the way to the objects, and which they are."""
        self._client = client
        self._resource = resource
        self._filled = False

    async def get(self, name: str, namespace: str = "") -> Object | None:
        """Return an object, or None if it does not exist: one that the view lacks may be new, so the store is asked.

        Raises a 500 StatusError when the store cannot be asked. The object is shared: never change it.
        """
        found = self._client.informer(self._resource).get(name, namespace)
        if found is not None:
            return found
        try:
            return await self._client.get(self._resource, name, namespace)
        except StatusError as ex:
            if ex.code == 404:
                return None
            raise internal_error(ex.message) from ex

    async def list(self) -> Iterable[Object]:
        """Return all objects that the view has. They are shared: never change one."""
        informer = self._client.informer(self._resource)
        if not self._filled:
            await informer.synced()
            self._filled = True
        return informer.list()


def required_client(context: BuildContext, name: str) -> ObjectClient:
    """Return the context's client, for the admission controller ``name``; raises ValueError without one."""
    if context.client is None:
        raise ValueError(f"{name} needs access to the server's objects")
    return context.client
