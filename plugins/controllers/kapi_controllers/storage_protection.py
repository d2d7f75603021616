"""The storage protection controllers: take their finalizers off deleted volumes and claims that nothing uses.

Admission gives the finalizers to new claims, volumes and volume attributes classes (StorageObjectInUseProtection); on a
server without these controllers such objects never go away.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from kapi.contracts.client import Event, Object, ObjectClient
from kapi.contracts.server import HookContext, PostStartHook
from kapi.hookspecs import hookimpl
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from kapi_controllers.workqueue import WorkQueue

PODS = GroupVersionResource("", "v1", "pods")
CLAIMS = GroupVersionResource("", "v1", "persistentvolumeclaims")
MANAGER = "kube-controller-manager"
VOLUMES = GroupVersionResource("", "v1", "persistentvolumes")
ATTRIBUTES_CLASSES = GroupVersionResource("storage.k8s.io", "v1", "volumeattributesclasses")


class Protection(NamedTuple):
    """A finalizer, whose objects it protects, and what their users are; ``alias`` is kube-controller-manager's name.

    ``used(obj, user)`` tells whether ``user``, an object of one of the ``users``, needs ``obj``; ``busy(obj)`` whether
    ``obj`` itself says that it is needed.
    """

    name: str
    alias: str
    summary: str
    resource: GroupVersionResource
    finalizer: str
    users: tuple[GroupVersionResource, ...]
    used: Callable[[Object, Object], bool]
    busy: Callable[[Object], bool] = lambda obj: False


def uses_claim(claim: Object, pod: Object) -> bool:
    """Tell whether a pod on a node uses a claim; no node starts a pod whose claim is being deleted."""
    spec, metadata = pod.get("spec") or {}, pod["metadata"]
    name, namespace = claim["metadata"]["name"], claim["metadata"]["namespace"]
    if metadata["namespace"] != namespace or not spec.get("nodeName"):
        return False
    return any(
        (volume.get("persistentVolumeClaim") or {}).get("claimName") == name
        or ("ephemeral" in volume and name == f"{metadata['name']}-{volume['name']}" and _alive_owner(claim, pod))
        for volume in spec.get("volumes") or ()
    )


def _alive_owner(claim: Object, pod: Object) -> bool:
    """Tell whether a claim was made for an ephemeral volume of a pod that has not been shut down."""
    metadata = pod["metadata"]
    stopped = "deletionTimestamp" in metadata and metadata.get("deletionGracePeriodSeconds") == 0
    owners = claim["metadata"].get("ownerReferences") or ()
    return not stopped and any(one.get("controller") and one["uid"] == metadata["uid"] for one in owners)


def uses_attributes_class(attributes_class: Object, user: Object) -> bool:
    """Tell whether a claim or volume has, had or shall have a volume attributes class."""
    spec, status = user.get("spec") or {}, user.get("status") or {}
    names = (
        spec.get("volumeAttributesClassName"),
        status.get("currentVolumeAttributesClassName"),
        (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName"),
    )
    return attributes_class["metadata"]["name"] in names


def is_bound(volume: Object) -> bool:
    """Tell whether a volume is bound to a claim."""
    return bool((volume.get("status") or {}).get("phase") == "Bound")


PROTECTIONS = (
    Protection(
        "pvc-protection",
        "persistentvolumeclaim-protection-controller",
        "Lets deleted claims go when no pod uses them",
        CLAIMS,
        "kubernetes.io/pvc-protection",
        (PODS,),
        uses_claim,
    ),
    Protection(
        "pv-protection",
        "persistentvolume-protection-controller",
        "Lets deleted volumes go when they are not bound",
        VOLUMES,
        "kubernetes.io/pv-protection",
        (),
        lambda volume, user: False,
        is_bound,
    ),
    Protection(
        "vac-protection",
        "volumeattributesclass-protection-controller",
        "Lets deleted volume attributes classes go when nothing has them",
        ATTRIBUTES_CLASSES,
        "kubernetes.io/vac-protection",
        (CLAIMS, VOLUMES),
        uses_attributes_class,
    ),
)


@hookimpl
def kapi_register_post_start_hooks() -> Sequence[PostStartHook]:
    """Register the controllers."""
    return [
        PostStartHook(one.name, one.summary, partial(_start, one), controller=True, aliases=(one.alias,))
        for one in PROTECTIONS
    ]


async def _start(protection: Protection, context: HookContext) -> None:
    await ProtectionController(context.client, protection).run()


class ProtectionController:
    """Watches the protected objects, and their users as long as any of them is being deleted."""

    def __init__(self, client: ObjectClient, protection: Protection) -> None:
        """Take access to the server's objects, and which of them are protected how."""
        self._client = client
        self._protection = protection
        self._queue = WorkQueue()
        self._ending: set[str] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        protection = self._protection
        informers = [self._client.informer(resource) for resource in (protection.resource, *protection.users)]
        for informer in informers:
            await informer.synced()
        stops = [informers[0].add_handler(self._seen)]
        stops += [informer.add_handler(self._user_seen) for informer in informers[1:]]
        try:
            await self._queue.run(self.reconcile)
        finally:
            for stop in stops:
                stop()

    def _seen(self, event: Event) -> None:
        key = _key(event.object)
        if event.type != "DELETED" and self._is_kept(event.object):
            self._ending.add(key)
            self._queue.add(key)
        else:
            self._ending.discard(key)

    def _user_seen(self, event: Event) -> None:
        if event.type == "ADDED":
            return
        for key in self._ending:
            self._queue.add(key)

    def _is_kept(self, obj: Object) -> bool:
        """Tell whether an object is being deleted and has the finalizer still."""
        metadata = obj["metadata"]
        return "deletionTimestamp" in metadata and self._protection.finalizer in (metadata.get("finalizers") or ())

    async def reconcile(self, key: str) -> bool:
        """Take the finalizer off an object that nothing uses; tells whether there is nothing left to do for now."""
        namespace, _, name = key.rpartition("/")
        obj = self._client.informer(self._protection.resource).get(name, namespace)
        if obj is None or not self._is_kept(obj) or self._protection.busy(obj) or await self._has_users(obj):
            return True
        try:
            await self._client.update(
                self._protection.resource, name, self._without_finalizer, namespace, field_manager=MANAGER
            )
        except StatusError as error:
            return error.reason == "NotFound"
        return True

    async def _has_users(self, obj: Object) -> bool:
        for resource in self._protection.users:
            informer = self._client.informer(resource)
            await informer.synced()
            if any(self._protection.used(obj, user) for user in informer.list(obj["metadata"].get("namespace", ""))):
                return True
        return False

    def _without_finalizer(self, obj: Object) -> Object | None:
        if not self._is_kept(obj) or self._protection.busy(obj):
            return None
        obj["metadata"]["finalizers"].remove(self._protection.finalizer)
        return obj


def _key(obj: Object) -> str:
    metadata = obj["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"
