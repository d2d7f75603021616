"""The service account controller: every namespace has a ServiceAccount named ``default``."""

import logging
from collections.abc import Sequence

from kapi.contracts.client import Event, ObjectClient
from kapi.contracts.server import HookContext, PostStartHook
from kapi.hookspecs import hookimpl
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from kapi_controllers.workqueue import WorkQueue

log = logging.getLogger("kapi.controllers.service-account")

NAMESPACES = GroupVersionResource("", "v1", "namespaces")
SERVICE_ACCOUNTS = GroupVersionResource("", "v1", "serviceaccounts")
DEFAULT = "default"


@hookimpl
def kapi_register_post_start_hooks() -> Sequence[PostStartHook]:
    """Register the controller."""
    summary = "Gives every namespace its default ServiceAccount"
    return [PostStartHook("serviceaccount", summary, _start, controller=True, aliases=("serviceaccount-controller",))]


async def _start(context: HookContext) -> None:
    await ServiceAccountController(context.client).run()


class ServiceAccountController:
    """Watches namespaces and their default service accounts."""

    def __init__(self, client: ObjectClient) -> None:
        """Take access to the server's objects."""
        self._client = client
        self._queue = WorkQueue()

    async def run(self) -> None:
        """Work until cancelled."""
        namespaces, accounts = self._client.informer(NAMESPACES), self._client.informer(SERVICE_ACCOUNTS)
        await namespaces.synced()
        await accounts.synced()
        stops = [namespaces.add_handler(self._namespace_seen), accounts.add_handler(self._account_seen)]
        try:
            await self._queue.run(self.reconcile)
        finally:
            for stop in stops:
                stop()

    def _namespace_seen(self, event: Event) -> None:
        if event.type != "DELETED":
            self._queue.add(event.object["metadata"]["name"])

    def _account_seen(self, event: Event) -> None:
        meta = event.object["metadata"]
        if event.type == "DELETED" and meta["name"] == DEFAULT:
            self._queue.add(meta["namespace"])

    async def reconcile(self, name: str) -> bool:
        """Create the account of a namespace if it is missing; tells whether there is nothing left to do."""
        namespace = self._client.informer(NAMESPACES).get(name)
        if namespace is None or "deletionTimestamp" in namespace["metadata"]:
            return True
        if self._client.informer(SERVICE_ACCOUNTS).get(DEFAULT, name) is not None:
            return True
        try:
            await self._client.create(SERVICE_ACCOUNTS, {"metadata": {"name": DEFAULT}}, name)
        except StatusError as error:
            if error.reason not in ("AlreadyExists", "NotFound"):
                log.warning("the default service account of %s cannot be created: %s", name, error)
                return False
        return True
