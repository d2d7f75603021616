"""DefaultStorageClass and DefaultIngressClass: what names no class gets the one that is marked as default."""

from collections.abc import Sequence
from typing import NamedTuple

from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation
from kapi.contracts.client import Object, ObjectClient
from kapi.contracts.plugins import BuildContext
from kapi.hookspecs import hookimpl
from kapi.meta.gvk import GroupResource, GroupVersionResource
from kapi_admission.views import View, required_client
from kapi_admission.writes import CLAIMS, spec_of, written


class Rule(NamedTuple):
    """Which objects get a default class, and how it is known.

    ``member`` of their spec names the class, ``annotation`` did so before there was that member; ``marks`` are the
    annotations that make a class (of ``classes``) the default.
    """

    resource: GroupResource
    member: str
    annotation: str
    classes: GroupVersionResource
    marks: tuple[str, ...]


STORAGE = Rule(
    CLAIMS,
    "storageClassName",
    "volume.beta.kubernetes.io/storage-class",
    GroupVersionResource("storage.k8s.io", "v1", "storageclasses"),
    ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"),
)
INGRESS = Rule(
    GroupResource("networking.k8s.io", "ingresses"),
    "ingressClassName",
    "kubernetes.io/ingress.class",
    GroupVersionResource("networking.k8s.io", "v1", "ingressclasses"),
    ("ingressclass.kubernetes.io/is-default-class",),
)


class DefaultClass:
    """Sets the class of new objects by one rule."""

    def __init__(self, client: ObjectClient, rule: Rule) -> None:
        """Take the way to the classes, and the rule."""
        self.resources = (rule.resource,)
        self._rule = rule
        self._classes = View(client, rule.classes)

    def handles(self, operation: Operation) -> bool:
        """Look at what is created."""
        return operation == "CREATE"

    async def admit(self, attributes: AdmissionAttributes) -> None:
        """Set the class, if the object names none (an empty name is one) and a class is the default."""
        rule = self._rule
        obj = written(attributes, rule.resource)
        if obj is None or rule.annotation in _annotations(obj) or rule.member in (obj.get("spec") or {}):
            return
        name = await self._default()
        if name:
            spec_of(obj)[rule.member] = name

    async def _default(self) -> str:
        """Return the name of the default class, "" if there is none; the newest, then the first by name, of several."""
        marked = sorted(
            (one["metadata"] for one in await self._classes.list() if self._is_default(one)),
            key=lambda metadata: str(metadata["name"]),
        )
        newest = max(marked, key=lambda metadata: metadata["creationTimestamp"], default={"name": ""})
        return str(newest["name"])

    def _is_default(self, obj: Object) -> bool:
        annotations = _annotations(obj)
        return any(annotations.get(mark) == "true" for mark in self._rule.marks)


def _annotations(obj: Object) -> Object:
    return obj["metadata"].get("annotations") or {}


def build_storage(context: BuildContext) -> DefaultClass:
    """Return the controller for claims; raises ValueError without a client."""
    return DefaultClass(required_client(context, "DefaultStorageClass"), STORAGE)


def build_ingress(context: BuildContext) -> DefaultClass:
    """Return the controller for ingresses; raises ValueError without a client."""
    return DefaultClass(required_client(context, "DefaultIngressClass"), INGRESS)


@hookimpl
def kapi_register_admission() -> Sequence[AdmissionPlugin]:
    """Contribute DefaultStorageClass and DefaultIngressClass."""
    return [
        AdmissionPlugin("DefaultStorageClass", "gives claims the default storage class", build_storage),
        AdmissionPlugin("DefaultIngressClass", "gives ingresses the default ingress class", build_ingress),
    ]
