"""From definitions to what is served, in every process; and the upkeep of definitions.

All processes of a cluster do the same: they watch the definitions, serve what is established, and write the status
where it is not what it should be. Whoever is first wins (compare-and-swap); the others find nothing left to do. As in
kube-apiserver this is part of the server, not one of the controllers that ``--controllers`` chooses.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

from kapi.contracts.client import Event, Informer, ObjectClient
from kapi.contracts.resources import APIGroup, GroupInstaller, Object
from kapi.contracts.server import HookContext, PostStartHook
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionResource
from kapi_apigroups.apiextensions.definition import FINALIZER
from kapi_apigroups.apiextensions.naming import condition, is_served, is_terminating, lacks_names, name_definition
from kapi_apigroups.apiextensions.registration import register_versions
from kapi_apigroups.common.conditions import set_condition

if TYPE_CHECKING:
    from kapi_apigroups.apiextensions.serving import CustomResource

log = logging.getLogger("kapi.apiextensions")

DEFINITIONS = GroupVersionResource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
OWNER = "apiextensions"

_RETRY_SECONDS = 1.0
_DELETIONS = 32
_PATIENCE = 60.0


def hooks() -> list[PostStartHook]:
    """Return the two hooks: one that serves, and has done so before the server is ready, and one for the upkeep."""
    return [
        PostStartHook("crd-informer-synced", "Serves custom resources", _serve, blocks_ready=True),
        PostStartHook("start-apiextensions-controllers", "Establishes and cleans up definitions", _keep),
    ]


async def _serve(context: HookContext) -> None:
    assert context.groups is not None
    informer = context.client.informer(DEFINITIONS)
    await informer.synced()
    Serving(informer, context.groups)


class Serving:
    """Installs what established definitions serve, as soon as a change is seen."""

    def __init__(self, informer: Informer, groups: GroupInstaller) -> None:
        """Begin with what there is; ``informer`` is synced."""
        self._groups = groups
        self._served: dict[str, CustomResource] = {}
        self._installed: list[APIGroup] = []
        self._began = False
        informer.add_handler(self._changed)
        self._began = True
        if self._served:
            self._install()

    def _changed(self, event: Event) -> None:
        name = event.object["metadata"]["name"]
        wanted = event.object if event.type != "DELETED" and is_served(event.object) else None
        known = self._served.get(name)
        if wanted is None:
            if self._served.pop(name, None) is None:
                return
        elif (known is not None and known.is_for(wanted)) or not self._add(name, wanted):
            return
        if self._began:
            self._install()

    def _add(self, name: str, definition: Object) -> bool:
        """Take up a definition. One that cannot be served (another server has let it pass) is left as it was."""
        from kapi_apigroups.apiextensions.serving import CustomResource

        try:
            self._served[name] = CustomResource(definition)
        except (KeyError, TypeError, ValueError, AttributeError, StopIteration):
            log.exception("custom resource definition %s cannot be served", name)
            return False
        return True

    def _install(self) -> None:
        from kapi_apigroups.apiextensions.serving import groups_of

        customs = [self._served[name] for name in sorted(self._served)]
        self._installed = groups_of(customs, self._installed)
        self._groups.install(OWNER, self._installed)


async def _keep(context: HookContext) -> None:
    informer = context.client.informer(DEFINITIONS)
    await informer.synced()
    await Upkeep(context.client, informer).run()


class Upkeep:
    """Writes the status of definitions, and removes the objects of those that are deleted."""

    def __init__(self, client: ObjectClient, informer: Informer) -> None:
        """Take the means."""
        self._client = client
        self._informer = informer
        self._waiting: dict[str, None] = {}
        self._groups: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._cleaning: set[str] = set()

    async def run(self) -> None:
        """Go on until cancelled."""
        stop = self._informer.add_handler(self._changed)
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await self._wake.wait()
                    self._wake.clear()
                    while self._waiting:
                        name = next(iter(self._waiting))
                        del self._waiting[name]
                        await self._look_at(name, tasks.create_task)
                    while self._groups:
                        await self._register(self._groups.popitem()[0])
        finally:
            stop()

    def _changed(self, event: Event) -> None:
        self._enqueue(event.object["metadata"]["name"])
        self._groups[event.object["spec"]["group"]] = None
        if event.type == "DELETED" or (event.old is not None and _names(event.old) != _names(event.object)):
            self._enqueue_group(event.object["spec"]["group"])

    def _enqueue(self, name: str) -> None:
        self._waiting[name] = None
        self._wake.set()

    def _enqueue_group(self, group: str) -> None:
        """Look at those definitions of a group that wait for names: some may have become free."""
        for other in self._informer.list():
            if other["spec"]["group"] == group and lacks_names(other):
                self._enqueue(other["metadata"]["name"])

    async def _register(self, group: str) -> None:
        """See to it that each group version of custom resources has its APIService."""
        wanted = {
            version["name"]
            for each in self._informer.list()
            if each["spec"]["group"] == group and is_served(each)
            for version in each["spec"]["versions"]
            if version.get("served")
        }
        await register_versions(self._client, group, wanted)

    async def _look_at(self, name: str, spawn: Callable[[Coroutine[None, None, None]], object]) -> None:
        definition = self._informer.get(name)
        if definition is None:
            return
        try:
            if not is_terminating(definition):
                if name_definition({**definition}, self._informer.list()):
                    await self._name(name)
            elif FINALIZER in definition["metadata"].get("finalizers", ()) and name not in self._cleaning:
                self._cleaning.add(name)
                spawn(self._clean(name))
        except StatusError as error:
            if error.code != 404:
                log.warning("custom resource definition %s: %s", name, error.message)
                asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._enqueue, name)

    async def _name(self, name: str) -> None:
        def change(definition: Object) -> Object | None:
            if is_terminating(definition):
                return None
            return definition if name_definition(definition, self._informer.list()) else None

        await self._client.update(DEFINITIONS, name, change, subresource="status")

    async def _clean(self, name: str) -> None:
        """Delete all objects of a definition, then let it go."""
        try:
            while True:
                try:
                    await self._clean_once(name)
                    return
                except StatusError as error:
                    if error.code == 404:
                        return
                    log.warning("custom resource definition %s cannot be cleaned up yet: %s", name, error.message)
                    await asyncio.sleep(_RETRY_SECONDS)
        finally:
            self._cleaning.discard(name)

    async def _clean_once(self, name: str) -> None:
        definition = await self._client.get(DEFINITIONS, name)
        resource = self._served_resource(definition)
        if resource is not None:
            await self._tell(name, True, "InstanceDeletionInProgress", "CustomResource deletion is in progress")
            await self._empty(name, resource)
        await self._tell(name, False, "InstanceDeletionCompleted", "removed all instances")
        await self._client.update(DEFINITIONS, name, _without_finalizer)

    def _served_resource(self, definition: Object) -> GroupVersionResource | None:
        """Return the resource of a definition in the version that is stored; None if it is not served."""
        names = definition["spec"]["names"]
        wanted = definition["spec"]["group"], names["plural"]
        stored = (each.gvr for each in self._client.resources() if each.stored)
        return next((gvr for gvr in stored if (gvr.group, gvr.resource) == wanted), None)

    async def _empty(self, name: str, resource: GroupVersionResource) -> None:
        """Delete all objects of a resource, and wait for those that are held by finalizers."""
        gone = asyncio.Event()
        informer = self._client.informer(resource)
        stop = informer.add_handler(lambda event: gone.set() if event.type == "DELETED" else None)
        try:
            while True:
                gone.clear()
                await informer.synced()
                left = list(informer.list())
                if not left:
                    return
                await self._delete(resource, [obj for obj in left if "deletionTimestamp" not in obj["metadata"]])
                await informer.synced()
                if any(True for _ in informer.list()):
                    await self._wait_for(name, gone)
        finally:
            stop()

    async def _wait_for(self, name: str, gone: asyncio.Event) -> None:
        """Wait until an object that finalizers hold is gone; after a while say what is waited for."""
        try:
            await asyncio.wait_for(gone.wait(), _PATIENCE)
        except TimeoutError:
            message = "could not confirm zero CustomResources remaining: timed out waiting for the condition"
            await self._tell(name, True, "InstanceDeletionCheck", message)
            await gone.wait()

    async def _delete(self, resource: GroupVersionResource, objects: list[Object]) -> None:
        slots = asyncio.Semaphore(_DELETIONS)

        async def one(meta: Object) -> None:
            async with slots:
                try:
                    await self._client.delete(resource, meta["name"], meta.get("namespace", ""), uid=meta["uid"])
                except StatusError as error:
                    if error.code not in (404, 409):
                        raise

        async with asyncio.TaskGroup() as tasks:
            for obj in objects:
                tasks.create_task(one(obj["metadata"]))

    async def _tell(self, name: str, holds: bool, reason: str, message: str) -> None:
        """Write the condition Terminating."""

        def change(definition: Object) -> Object:
            status = definition.setdefault("status", {})
            status["conditions"] = list(status.get("conditions") or ())
            set_condition(status, condition("Terminating", holds, reason, message))
            return definition

        await self._client.update(DEFINITIONS, name, change, subresource="status")


def _names(definition: Object) -> Object | None:
    names: Object | None = (definition.get("status") or {}).get("acceptedNames")
    return names


def _without_finalizer(definition: Object) -> Object:
    finalizers = definition["metadata"].get("finalizers", [])
    definition["metadata"]["finalizers"] = [each for each in finalizers if each != FINALIZER]
    return definition
