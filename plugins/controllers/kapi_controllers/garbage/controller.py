"""Keeps the owner graph current with all that is served, and the collector busy."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from kapi.contracts.client import Informer, MetadataEvent, ObjectClient, ServedResource
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupResource
from kapi_controllers.garbage.collector import Collector
from kapi_controllers.garbage.events import OwnerEvents
from kapi_controllers.garbage.graph import MEMBERS, OwnerGraph
from kapi_controllers.garbage.lookup import OwnerLookup, ServedKinds
from kapi_controllers.workqueue import WorkQueue

log = logging.getLogger("kapi.controllers.garbage-collector")

WORKERS = 32
REFRESH_SECONDS = 2.0


class Followed(NamedTuple):
    """A resource whose changes the graph is told of."""

    informer: Informer
    stop: Callable[[], None]


class GarbageCollector:
    """Follows the metadata of all objects and attends to those that are to be collected."""

    def __init__(self, client: ObjectClient) -> None:
        """Take access to the server's objects."""
        self._client = client
        self._queue = WorkQueue()
        self._graph = OwnerGraph(self._queue.add)
        self._lookup = OwnerLookup(client, self._graph)
        self._collector = Collector(client, self._graph, self._lookup, OwnerEvents(client))
        self._followed: dict[GroupResource, Followed] = {}

    async def run(self) -> None:
        """Work until cancelled. Nothing is collected before everything has been seen."""
        try:
            await self.refresh()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_refreshing())
                group.create_task(self._queue.run(self._collector.attend, WORKERS))
        finally:
            for each in self._followed.values():
                each.stop()

    async def _keep_refreshing(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self.refresh()

    async def refresh(self) -> None:
        """Follow what is served by now, and only that."""
        served = ServedKinds(self._client.resources())
        for resource in self._followed.keys() - served.followed.keys():
            self._leave(resource)
        for each in served.followed.values():
            await self._follow(each)
        self._lookup.served = served

    async def _follow(self, resource: ServedResource) -> None:
        name = resource.gvr.group_resource
        try:
            informer = self._client.informer(resource.gvr)
        except StatusError as error:
            log.debug("%s is not served any more: %s", name, error)
            return
        known = self._followed.get(name)
        if known is not None:
            if known.informer is informer:
                return
            self._leave(name)
        stop = await informer.follow_metadata(partial(self._changed, resource), MEMBERS)
        self._followed[name] = Followed(informer, stop)

    def _leave(self, resource: GroupResource) -> None:
        self._followed.pop(resource).stop()
        self._graph.forget(resource)

    def _changed(self, resource: ServedResource, event: MetadataEvent) -> None:
        if not event.metadata.get("uid"):
            return  # written to the store by something else: nothing can refer to it
        if event.type == "DELETED":
            self._graph.remove(resource, event.metadata)
        else:
            self._graph.put(resource, event.metadata)
