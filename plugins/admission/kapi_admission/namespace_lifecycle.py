"""NamespaceLifecycle: nothing is created in a namespace that is not there, or on its way out."""

import time
from collections.abc import Sequence

from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation, refusal
from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl
from kapi.meta.errors import StatusError, internal_error
from kapi.meta.gvk import GroupResource, GroupVersionResource

NAMESPACES = GroupVersionResource("", "v1", "namespaces")
IMMORTAL = frozenset({"default", "kube-system", "kube-public"})
LIVE_SECONDS = 30.0
"""How long after the deletion of a namespace the store is asked about it: the shared view may not know of it yet."""
_REVIEWS = GroupResource("authorization.k8s.io", "localsubjectaccessreviews")


class NamespaceLifecycle:
    """Checks the namespace of every write."""

    def __init__(self, client: ObjectClient) -> None:
        """Take the way to the namespaces."""
        self._client = client
        self._deleted: dict[str, float] = {}

    def handles(self, operation: Operation) -> bool:
        """Look at everything but connections."""
        return operation != "CONNECT"

    async def admit(self, attributes: AdmissionAttributes) -> None:
        """Refuse (404) what is in no namespace, (403) what is new in one that ends, and the end of a vital one."""
        resource = attributes.resource.group_resource
        if resource == NAMESPACES.group_resource:
            if attributes.operation == "DELETE" and not attributes.subresource:
                self._note_deletion(attributes)
            return
        if not attributes.namespace or attributes.operation == "DELETE" or resource == _REVIEWS:
            return
        namespace = await self._namespace(attributes.namespace)
        if attributes.operation == "CREATE" and _terminating(namespace):
            raise _ending(attributes)

    def _note_deletion(self, attributes: AdmissionAttributes) -> None:
        """Remember that a namespace begins to end, unless it must not."""
        if attributes.name in IMMORTAL:
            raise refusal(attributes, "this namespace may not be deleted")
        now = time.monotonic()
        self._deleted = {name: until for name, until in self._deleted.items() if until > now}
        self._deleted[attributes.name] = now + LIVE_SECONDS

    async def _namespace(self, name: str) -> Object:
        """Return a namespace; the store is asked before refusing, and about those deleted a moment ago."""
        found = self._client.informer(NAMESPACES).get(name)
        if found is not None and self._deleted.get(name, 0.0) < time.monotonic():
            return found
        try:
            return await self._client.get(NAMESPACES, name)
        except StatusError as ex:
            if ex.code == 404:
                raise
            raise internal_error(ex.message) from ex


def _terminating(namespace: Object) -> bool:
    return bool((namespace.get("status") or {}).get("phase") == "Terminating")


def _ending(attributes: AdmissionAttributes) -> StatusError:
    namespace = attributes.namespace
    error = refusal(attributes, f"unable to create new content in namespace {namespace} because it is being terminated")
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    error.details = {**(error.details or {}), "causes": [cause]}
    return error


def build(context: BuildContext) -> NamespaceLifecycle:
    """Return the controller; raises ValueError without a client."""
    if context.client is None:
        raise ValueError("NamespaceLifecycle needs access to the server's objects")
    return NamespaceLifecycle(context.client)


@hookimpl
def kapi_register_admission() -> Sequence[AdmissionPlugin]:
    """Contribute NamespaceLifecycle."""
    return [AdmissionPlugin("NamespaceLifecycle", "keeps new objects out of missing and ending namespaces", build)]
