"""Rules of APIService as a stored object, and those of the groups that this server serves itself."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi.meta.gvk import GroupVersionResource
from kapi.meta.names import dns1035_label, path_segment_name
from kapi_apigroups.common.conditions import now_text, set_condition
from kapi_apigroups.common.fields import checked
from kapi_apigroups.common.status_owner import StatusOwner
from kapi_apigroups.common.webhookclient import default_client_config, validate_service_port
from kapi_apigroups.facts import group_facts, group_names

if TYPE_CHECKING:
    from kapi.contracts.client import ObjectClient

API_SERVICES = GroupVersionResource("apiregistration.k8s.io", "v1", "apiservices")
AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged"
CUSTOM = "true"
"""The value of the label :data:`AUTOMANAGED` where an APIService comes and goes with custom resources."""
_LOCAL_SKIP = "local APIServices may not have insecureSkipTLSVerify"
_NAME_RULE = 'must be `spec.version+"."+spec.group`'
_EMPTY_GROUP = "only v1 may have an empty group and it better be legacy kube"
_HIGHEST_GROUP, _HIGHEST_VERSION = 20_000, 1000
_OTHER_GROUP, _OTHER_VERSION, _CUSTOM_VERSION = 1000, 15, 100


class APIServiceStrategy(StatusOwner):
    """APIServices: those without a service are served here, and available at once."""

    def default(self, obj: Object) -> None:
        """Fill in the port of the service."""
        default_client_config(obj.setdefault("spec", {}))

    def validate_name(self, name: str, prefix: bool) -> list[str]:
        """Check that the name can stand in a path; the rest follows from the spec."""
        return path_segment_name(name)

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Start without status, or available."""
        super().prepare_for_create(ctx, obj)
        if obj["spec"].get("service") is None:
            set_condition(obj["status"], available())

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check name and spec."""
        return list(_validate(obj["metadata"].get("name", ""), obj["spec"]))


def available() -> Object:
    """Return the condition of a group version that this server serves itself."""
    return {
        "type": "Available",
        "status": "True",
        "lastTransitionTime": now_text(),
        "reason": "Local",
        "message": "Local APIServices are always available",
    }


def _validate(name: str, spec: Object) -> Iterator[FieldError]:
    group, version = spec.get("group", ""), spec.get("version", "")
    if name != f"{version}.{group}":
        yield FieldError(
            "FieldValueInvalid", "metadata.name", f'Invalid value: "{name}": {_NAME_RULE}: "{version}.{group}"'
        )
    if not group and version != "v1":
        yield field_required("spec.group", _EMPTY_GROUP)
    yield from checked(version, "spec.version", dns1035_label)
    for member, highest in (("groupPriorityMinimum", _HIGHEST_GROUP), ("versionPriority", _HIGHEST_VERSION)):
        value = spec.get(member, 0)
        if not 0 < value <= highest:
            yield field_invalid(f"spec.{member}", value, f"must be positive and less than {highest}")
    yield from _validate_service(spec)


def _validate_service(spec: Object) -> Iterator[FieldError]:
    service, skip = spec.get("service"), spec.get("insecureSkipTLSVerify", False)
    if service is None:
        if spec.get("caBundle"):
            yield field_invalid("spec.caBundle", "<omitted>", "local APIServices may not have a caBundle")
        if skip:
            yield field_invalid("spec.insecureSkipTLSVerify", skip, _LOCAL_SKIP)
        return
    for member in ("namespace", "name"):
        if not service.get(member):
            yield field_required(f"spec.service.{member}")
    yield from validate_service_port(service.get("port", 0), "spec.service.port")
    if skip and spec.get("caBundle"):
        yield field_invalid("spec.insecureSkipTLSVerify", skip, "may not be true if caBundle is present")


def local_api_services(client: "ObjectClient") -> Sequence[tuple[GroupVersionResource, Object]]:
    """Return an APIService for each group version that this server serves, but for the group of APIServices."""
    served = dict.fromkeys((one.gvr.group, one.gvr.version) for one in client.resources())
    return [(API_SERVICES, _local(group, version)) for group, version in served if group != API_SERVICES.group]


def _priorities(group: str, version: str) -> tuple[int, int]:
    """Return groupPriorityMinimum and versionPriority; those of groups that the facts do not know are low."""
    if group not in group_names():
        return _OTHER_GROUP, _OTHER_VERSION
    facts = group_facts(group)
    minimum, priority = facts["priority"]
    return minimum, priority if version == next(iter(facts["versions"])) else _OTHER_VERSION


def _local(group: str, version: str) -> Object:
    return _managed(group, version, *_priorities(group, version), "onstart")


def custom_api_service(group: str, version: str) -> Object:
    """Return the APIService of a group version of custom resources."""
    return _managed(group, version, _OTHER_GROUP, _CUSTOM_VERSION, CUSTOM)


def _managed(group: str, version: str, minimum: int, priority: int, label: str) -> Object:
    spec: Object = {"group": group} if group else {}
    return {
        "kind": "APIService",
        "apiVersion": API_SERVICES.api_version,
        "metadata": {"name": f"{version}.{group}", "labels": {AUTOMANAGED: label}},
        "spec": {**spec, "version": version, "groupPriorityMinimum": minimum, "versionPriority": priority},
        "status": {"conditions": [available()]},
    }
