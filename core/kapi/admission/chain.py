"""Runs the admission controllers of a write, first those that change it, then those that check it."""

import logging
from collections.abc import Collection, Iterable
from typing import NamedTuple, TypeVar, get_args

from kapi.admission.create_permission import CreatePermission
from kapi.contracts.admission import (
    AdmissionAttributes,
    AdmissionPlugin,
    MutatingAdmission,
    Operation,
    ValidatingAdmission,
)
from kapi.contracts.plugins import BuildContext
from kapi.meta.gvk import GroupResource, GroupVersionResource

CREATE_PERMISSION = "CreatePermission"
"""The core's own check, which no flag switches off."""

ORDER = (
    CREATE_PERMISSION,
    "AlwaysAdmit",
    "NamespaceAutoProvision",
    "NamespaceLifecycle",
    "NamespaceExists",
    "LimitPodHardAntiAffinityTopology",
    "LimitRanger",
    "ServiceAccount",
    "NodeRestriction",
    "TaintNodesByCondition",
    "AlwaysPullImages",
    "ImagePolicyWebhook",
    "PodSecurity",
    "PodNodeSelector",
    "Priority",
    "DefaultTolerationSeconds",
    "PodTolerationRestriction",
    "EventRateLimit",
    "ExtendedResourceToleration",
    "DefaultStorageClass",
    "StorageObjectInUseProtection",
    "OwnerReferencesPermissionEnforcement",
    "PersistentVolumeClaimResize",
    "RuntimeClass",
    "CertificateApproval",
    "CertificateSigning",
    "ClusterTrustBundleAttest",
    "CertificateSubjectRestriction",
    "DefaultIngressClass",
    "DenyServiceExternalIPs",
    "PodTopologyLabels",
    "NodeDeclaredFeatureValidator",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
    "ResourceQuota",
    "AlwaysDeny",
)
"""kube-apiserver's controllers in the order in which it runs them, after the core's own check.

Others run just before the policies and webhooks.
"""

MAX_REMEMBERED = 4096
"""For how many operations on resources a chain remembers whom they concern."""

_POSITION = {name: index for index, name in enumerate(ORDER)}
_OTHERS = _POSITION["MutatingAdmissionPolicy"] - 0.5
_log = logging.getLogger(__name__)

C = TypeVar("C", bound=MutatingAdmission | ValidatingAdmission)


class Member(NamedTuple):
    """A built admission controller with its name."""

    name: str
    controller: MutatingAdmission | ValidatingAdmission


class AdmissionChain:
    """The enabled admission controllers in order. The first refusal, a StatusError, ends a write."""

    def __init__(self, members: Iterable[Member]) -> None:
        """Take the controllers in any order."""
        self.members = sorted(members, key=lambda member: position(member.name))
        controllers = [member.controller for member in self.members]
        self._mutating = _Concerned(c for c in controllers if isinstance(c, MutatingAdmission))
        self._validating = _Concerned(c for c in controllers if isinstance(c, ValidatingAdmission))

    def handles(self, operation: Operation) -> bool:
        """Tell whether any controller wants to see such writes."""
        return any(member.controller.handles(operation) for member in self.members)

    async def mutate(self, attributes: AdmissionAttributes) -> None:
        """Let the mutating controllers change ``attributes.object``; raises the StatusError of a refusal."""
        for controller in self._mutating[attributes.operation, attributes.resource]:
            await controller.admit(attributes)

    async def validate(self, attributes: AdmissionAttributes) -> None:
        """Ask the validating controllers; raises the StatusError of the first refusal."""
        for controller in self._validating[attributes.operation, attributes.resource]:
            await controller.validate(attributes)


class _Concerned(dict[tuple[Operation, GroupVersionResource], tuple[C, ...]]):
    """Which of some controllers a write concerns, found out when the first write of its kind comes."""

    def __init__(self, controllers: Iterable[C]) -> None:
        super().__init__()
        self._controllers = tuple(controllers)
        self._operations: dict[Operation, tuple[C, ...]] = {
            operation: tuple(c for c in self._controllers if c.handles(operation)) for operation in get_args(Operation)
        }

    def __missing__(self, key: tuple[Operation, GroupVersionResource]) -> tuple[C, ...]:
        operation, resource = key
        if len(self) >= MAX_REMEMBERED:
            self.clear()  # resources come and go with their definitions
        self[key] = tuple(c for c in self._operations[operation] if _concerns(c, resource.group_resource))
        return self[key]


def _concerns(controller: object, resource: GroupResource) -> bool:
    resources = getattr(controller, "resources", None)
    return resources is None or resource in resources


def position(name: str) -> tuple[float, str]:
    """Return the sort key of a controller."""
    return _POSITION.get(name, _OTHERS), name


def enabled(plugins: Iterable[AdmissionPlugin], on: Collection[str], off: Collection[str]) -> list[AdmissionPlugin]:
    """Return the plugins that run: those that are on by default or named in ``on``, without those named in ``off``."""
    return [plugin for plugin in plugins if plugin.name not in off and (plugin.default_enabled or plugin.name in on)]


def build_admission(plugins: Iterable[AdmissionPlugin], context: BuildContext) -> AdmissionChain:
    """Build the controllers that the options leave enabled, and their chain.

    Reads ``--enable-admission-plugins`` (and the old ``--admission-control``) and ``--disable-admission-plugins``.
    """
    options = context.options
    on = (*(options.get("enable-admission-plugins") or ()), *(options.get("admission-control") or ()))
    members: list[Member] = []
    if context.authorizer is not None:
        members.append(Member(CREATE_PERMISSION, CreatePermission(context.authorizer)))
    for plugin in enabled(plugins, on, options.get("disable-admission-plugins") or ()):
        built = plugin.build(context)
        if built is not None:
            members.append(Member(plugin.name, built))
    chain = AdmissionChain(members)
    _log.info("admission controllers: %s", ", ".join(member.name for member in chain.members))
    return chain
