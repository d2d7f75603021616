"""Rules of custom resources beyond their schemas: strategies, and the ``scale`` subresource."""

from typing import Any

from kapi.contracts.resources import Object, RequestContext, StatusStrategy, Strategy
from kapi.meta.errors import FieldError, field_invalid, forbidden, internal_error
from kapi.meta.gvk import GroupResource, GroupVersionKind
from kapi.meta.schema.types import Struct
from kapi_apigroups.apiextensions.jsonpath import member_at, simple_members
from kapi_apigroups.apiextensions.structural.rules import StructuralRules
from kapi_apigroups.common.scale import scale_of
from kapi_apigroups.common.status_owner import PureStatusStrategy

_TERMINATING = "create not allowed while custom resource definition is terminating"
_UNCHECKED = "the definition has validation rules (CEL), which this server does not evaluate yet"
_NEGATIVE = "should be a non-negative integer"
_TOO_LARGE = "should be less than or equal to 2147483647"
_MOST = 2**31 - 1
_REPLICAS = ("spec", "replicas")


class CustomStrategy(Strategy):
    """A custom resource. ``status`` belongs to the subresource, where there is one."""

    allow_unconditional_update = False
    fully_qualified_finalizers = False

    def __init__(
        self,
        resource: GroupResource,
        kind: GroupVersionKind,
        subresources: Object,
        *,
        terminating: bool,
        unchecked: bool,
    ) -> None:
        """Take the names, the ``subresources`` of the version, whether the definition is being deleted, and whether it
        has validation rules (it has been accepted by another server on the same store, then)."""
        self._resource = resource
        self._kind = kind
        self._terminating = terminating
        self._unchecked = unchecked
        self._scale: Object = subresources.get("scale") or {}
        self.owns_status = subresources.get("status") is not None

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Begin without a status, in the first generation; refuse while the definition is being deleted."""
        self.refuse_unchecked(obj)
        if self._terminating:
            raise forbidden(self._resource, obj["metadata"].get("name", ""), _TERMINATING)
        if self.owns_status:
            obj.pop("status", None)
        obj["metadata"]["generation"] = 1

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the status where it has a subresource; whatever else changes makes a new generation."""
        if _content(obj) != _content(old):
            self.refuse_unchecked(obj)
        if self.owns_status:
            obj.pop("status", None)
            if "status" in old:
                obj["status"] = old["status"]
        if _content(obj) != _content(old):
            obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    def refuse_unchecked(self, obj: Object) -> None:
        """Refuse what ought to be checked by rules that nobody here evaluates."""
        if self._unchecked:
            raise forbidden(self._resource, obj["metadata"].get("name", ""), _UNCHECKED)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check kind and version, and the numbers of replicas that the scale subresource would show."""
        findings = []
        for member, wanted in (("kind", self._kind.kind), ("apiVersion", self._kind.api_version)):
            if obj.get(member) != wanted:
                findings.append(field_invalid(member, obj.get(member, ""), f"must be {wanted}"))
        for path in (self._scale.get("specReplicasPath"), self._scale.get("statusReplicasPath")):
            if path:
                findings += _check_replicas(path, member_at(obj, simple_members(path)))
        return findings


def _content(obj: Object) -> Object:
    """Return what of an object its generation counts."""
    return {name: value for name, value in obj.items() if name not in ("metadata", "apiVersion", "kind")}


def _check_replicas(path: str, value: Any) -> list[FieldError]:
    if value.__class__ is not int:
        return []
    if value < 0:
        return [field_invalid(path, value, _NEGATIVE)]
    return [field_invalid(path, value, _TOO_LARGE)] if value > _MOST else []


class CustomStatusStrategy(PureStatusStrategy):
    """The ``status`` subresource of a custom resource."""

    writes = ("status",)

    def check(self, struct: Struct, obj: Object, old: Object | None) -> list[FieldError]:
        """Check the status alone."""
        rules = struct.rules
        return rules.check_member("status", obj, old) if isinstance(rules, StructuralRules) else []

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check what the main resource checks."""
        return self.main.validate(ctx, obj)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep all but the status."""
        super().prepare_for_update(ctx, obj, old)
        if obj.get("status") != old.get("status") and isinstance(self.main, CustomStrategy):
            self.main.refuse_unchecked(obj)


def status_strategy(main: CustomStrategy) -> StatusStrategy:
    """Return the rules of the ``status`` subresource."""
    return CustomStatusStrategy(main)


class CustomScale:
    """The ``scale`` subresource of a custom resource (a View): its replicas are where the definition says."""

    def __init__(self, paths: Object) -> None:
        """Take ``subresources.scale`` of a version."""
        self._path = paths.get("specReplicasPath", "")
        self._wanted = simple_members(self._path)
        self._present = simple_members(paths.get("statusReplicasPath", ""))
        selector = paths.get("labelSelectorPath")
        self._selector = simple_members(selector) if selector else None

    def project(self, parent: Object) -> Object:
        """Return the Scale; numbers that the object does not have are 0."""
        selector = member_at(parent, self._selector) if self._selector else None
        return scale_of(
            parent,
            _count(member_at(parent, self._wanted)),
            _count(member_at(parent, self._present)),
            selector if isinstance(selector, str) else "",
        )

    def read(self, parent: Object) -> Object:
        """Return the Scale; raises a StatusError while nobody has said how many replicas there should be."""
        if member_at(parent, self._wanted) is None:
            raise internal_error(f'the spec replicas field "{self._path}" does not exist')
        return self.project(parent)

    def validate(self, obj: Object) -> list[FieldError]:
        """Return nothing: the wanted number is checked as part of the object."""
        return []

    def apply(self, parent: Object, obj: Object) -> None:
        """Write the wanted number where the definition says."""
        *above, last = self._wanted
        place = parent
        for name in above:
            inner = place.get(name)
            if inner.__class__ is not dict:
                inner = place[name] = {}
            place = inner
        place[last] = obj.get("spec", {}).get("replicas", 0)

    def parent_path(self, path: tuple[str, ...]) -> tuple[str, ...] | None:
        """Map ``spec.replicas`` to the object's."""
        return self._wanted if path == _REPLICAS else None


def _count(value: Any) -> int:
    return value if value.__class__ is int else 0
