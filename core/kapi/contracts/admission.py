"""Last word before storage: admission controllers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from kapi.contracts.authn import UserInfo
from kapi.meta.errors import StatusError, forbidden
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext, Option

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


@dataclass(slots=True)
class AdmissionAttributes:
    """One write on its way to storage (the ``AdmissionRequest`` of admission.k8s.io/v1).

    ``object`` is the new state (None for DELETE); mutating controllers change it in place. ``load_old`` makes the
    stored state (None for CREATE), which is read through ``old_object``.
    ``options`` is the CreateOptions, UpdateOptions, PatchOptions or DeleteOptions object of the request, ``verb`` its
    verb: a CREATE may come of an update or a patch.
    """

    operation: Operation
    kind: GroupVersionKind
    resource: GroupVersionResource
    subresource: str
    namespace: str
    name: str
    object: dict[str, Any] | None
    load_old: Callable[[], dict[str, Any]] | None
    user: UserInfo
    dry_run: bool
    options: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    verb: str = ""
    _old: dict[str, Any] | None = field(default=None, init=False, repr=False)

    @property
    def old_object(self) -> dict[str, Any] | None:
        """The stored state before the write, None for CREATE. It is the request's own copy: must not be changed."""
        if self._old is None and self.load_old is not None:
            self._old = self.load_old()
        return self._old


def refusal(attributes: AdmissionAttributes, message: str) -> StatusError:
    """Return the 403 with which an admission controller refuses a write, naming its object."""
    metadata = (attributes.object or {}).get("metadata") or {}
    name = attributes.name or metadata.get("name") or metadata.get("generateName") or ""
    return forbidden(attributes.resource.group_resource, name, message)


@runtime_checkable
class MutatingAdmission(Protocol):
    """An admission controller that may change the object.

    One that is about a few resources may name them (GroupResource) in an attribute ``resources``: it is not asked about
    writes of others, or of their subresources.
    """

    def handles(self, operation: Operation) -> bool:
        """Tell whether the controller wants to see such operations at all."""

    async def admit(self, attributes: AdmissionAttributes) -> None:
        """Change ``attributes.object`` in place if need be; raise a StatusError to refuse."""


@runtime_checkable
class ValidatingAdmission(Protocol):
    """An admission controller that only says yes or no. It may name its ``resources``, as a mutating one may."""

    def handles(self, operation: Operation) -> bool:
        """Tell whether the controller wants to see such operations at all."""

    async def validate(self, attributes: AdmissionAttributes) -> None:
        """Raise a StatusError to refuse; must not change anything."""


@dataclass(frozen=True, slots=True)
class AdmissionPlugin:
    """An admission controller; what ``build`` returns implements one or both of the two protocols.

    ``default_enabled`` controllers run unless ``--disable-admission-plugins`` names them. The order of
    kube-apiserver's own controllers is the core's; others run just before the webhooks, by name.
    """

    name: str
    summary: str
    build: "Callable[[BuildContext], MutatingAdmission | ValidatingAdmission | None]"
    options: "tuple[Option, ...]" = ()
    default_enabled: bool = True
