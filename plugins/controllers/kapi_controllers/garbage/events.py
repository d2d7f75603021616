"""Events about owner references that cannot be right."""

import logging
import time

from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.storage import StorageError
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from kapi.meta.times import now
from kapi_controllers.garbage.graph import Node, Reference
from kapi_controllers.token_bucket import TokenBucket

log = logging.getLogger("kapi.controllers.garbage-collector")

EVENTS = GroupVersionResource("", "v1", "events")
NAMESPACES = GroupVersionResource("", "v1", "namespaces")
COMPONENT = "garbage-collector-controller"
REASON = "OwnerRefInvalidNamespace"
OUTSIDE_OF_NAMESPACES = "default"

EVENTS_AT_ONCE, EVENTS_PER_SECOND = 100, 1.0
TOLD_KEPT = 10_000


class OwnerEvents:
    """Tells once of each reference to an owner in a namespace where the dependent is not."""

    def __init__(self, client: ObjectClient) -> None:
        """Take access to the server's objects."""
        self._client = client
        self._allowed = TokenBucket(EVENTS_AT_ONCE, EVENTS_PER_SECOND)
        self._told: dict[tuple[str, str], None] = {}

    async def invalid_namespace(self, node: Node, reference: Reference) -> None:
        """Create a Warning about the dependent, unless that was done, or too much is to be told."""
        key = (node.uid, reference.uid)
        if key in self._told or not self._allowed.take():
            return
        self._told[key] = None
        if len(self._told) > TOLD_KEPT:
            del self._told[next(iter(self._told))]
        try:
            await self._create(node, reference)
        except (StatusError, StorageError) as error:
            log.info("the event about %s %s cannot be created: %s", node.resource.kind, node.name, error)

    async def _create(self, node: Node, reference: Reference) -> None:
        namespace = node.namespace or OUTSIDE_OF_NAMESPACES
        if "deletionTimestamp" in (await self._client.get(NAMESPACES, namespace))["metadata"]:
            return
        await self._client.create(EVENTS, event(node, reference, namespace), namespace)


def event(node: Node, reference: Reference, namespace: str) -> Object:
    """Return the event about a dependent, as kube-controller-manager words it."""
    owner = (
        f"[{reference.api_version}/{reference.kind}, namespace: {node.namespace}, "
        f"name: {reference.name}, uid: {reference.uid}]"
    )
    involved = {
        "kind": node.resource.kind,
        "namespace": node.namespace,
        "name": node.name,
        "uid": node.uid,
        "apiVersion": node.resource.gvr.api_version,
    }
    at = now()
    return {
        "metadata": {"name": f"{node.name}.{time.time_ns():x}", "namespace": namespace},
        "involvedObject": {member: value for member, value in involved.items() if value},
        "reason": REASON,
        "message": f'ownerRef {owner} does not exist in namespace "{node.namespace}"',
        "source": {"component": COMPONENT},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "type": "Warning",
        "reportingComponent": COMPONENT,
        "reportingInstance": "",
    }
