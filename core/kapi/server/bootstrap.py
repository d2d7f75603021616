"""The objects that exist from the beginning: namespaces, default roles, priority classes, ….

API groups name them; here they are created where they are missing. A store that is new is compacted afterwards: nobody
can have seen its first revisions, so nobody may ask for them.
"""

import asyncio
from collections.abc import Iterable

from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.resources import APIGroup
from kapi.contracts.storage import StorageBackend
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource


async def bootstrap(groups: Iterable[APIGroup], client: ObjectClient, backend: StorageBackend, prefix: str) -> None:
    """Create what is missing of the objects that the groups name."""
    new = not (await backend.range(prefix, limit=1)).items
    for group in groups:
        if group.bootstrap is not None:
            await asyncio.gather(*(_ensure(client, resource, obj) for resource, obj in group.bootstrap(client)))
    if new:
        await backend.compact(await backend.current_revision())


async def _ensure(client: ObjectClient, resource: GroupVersionResource, obj: Object) -> None:
    """Create an object unless it exists, with its status if it has one.

    Another process may start at the same time; what it creates meanwhile can be the reason of any refusal, as when both
    want the same address for the same service.
    """
    meta = obj["metadata"]
    name, namespace = meta["name"], meta.get("namespace", "")
    informer = client.informer(resource)
    await informer.synced()
    if informer.get(name, namespace) is not None:
        return
    try:
        created = await client.create(resource, obj, namespace)
    except StatusError as error:
        if error.reason != "AlreadyExists" and not await _exists(client, resource, name, namespace):
            raise
        return
    status = obj.get("status")
    if status and created.get("status") != status:
        await client.update(resource, name, lambda live: {**live, "status": status}, namespace, subresource="status")


async def _exists(client: ObjectClient, resource: GroupVersionResource, name: str, namespace: str) -> bool:
    try:
        await client.get(resource, name, namespace)
    except StatusError:
        return False
    return True
