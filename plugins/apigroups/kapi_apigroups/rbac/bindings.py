"""Role bindings and cluster role bindings."""

from typing import Literal

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_invalid, field_not_supported, field_required
from kapi.meta.names import dns1123_subdomain, name_is_path_segment
from kapi_apigroups.rbac.escalation import GROUP, EscalationGuard, only_for_collector

BindingResource = Literal["rolebindings", "clusterrolebindings"]
_SUBJECT_GROUPS = {"ServiceAccount": "", "User": GROUP, "Group": GROUP}


class BindingStrategy(Strategy):
    """Rules of both kinds of bindings: whom they may name, and who may write one. The role never changes."""

    rechecks_metadata = True
    allow_create_on_update = True

    def __init__(self, guard: EscalationGuard, resource: BindingResource) -> None:
        """Take the guard against escalation, and which of the two kinds this is."""
        self._guard = guard
        self._resource = resource
        self._namespaced = resource == "rolebindings"
        self._role_kinds = ("Role", "ClusterRole") if self._namespaced else ("ClusterRole",)

    def default(self, obj: Object) -> None:
        """Name the API group of the role and of users and groups."""
        reference = obj.setdefault("roleRef", {})
        if not reference.get("apiGroup"):
            obj["roleRef"] = {**reference, "apiGroup": GROUP}
        for subject in obj.get("subjects") or ():
            group = _SUBJECT_GROUPS.get(subject.get("kind", ""))
            if group and not subject.get("apiGroup"):
                subject["apiGroup"] = group

    def validate_name(self, name: str, prefix: bool) -> list[str]:
        """Return what is wrong with a name: it may hold all that a path segment can."""
        return name_is_path_segment(name, prefix)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Return what is wrong with the role and the subjects."""
        errors = self._role_errors(obj.get("roleRef") or {})
        for index, subject in enumerate(obj.get("subjects") or ()):
            errors += self._subject_errors(subject, f"subjects[{index}]")
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Return what is wrong with a changed binding; another role is another binding."""
        errors = self.validate(ctx, obj)
        reference = obj.get("roleRef") or {}
        if reference != old.get("roleRef"):
            shown = {name: reference.get(member, "") for name, member in _GO_MEMBERS.items()}
            errors.append(field_invalid("roleRef", shown, "cannot change roleRef"))
        return errors

    async def before_create(self, ctx: RequestContext, obj: Object) -> None:
        """Refuse to bind a role that grants more than the writer holds."""
        await self._guard.check_binding(ctx, self._resource, obj)

    async def before_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Refuse to bind a role that grants more than the writer holds, unless the garbage collector writes."""
        if not only_for_collector(obj, old):
            await self._guard.check_binding(ctx, self._resource, obj)

    def _role_errors(self, reference: Object) -> list[FieldError]:
        errors = []
        if reference.get("apiGroup", "") != GROUP:
            errors.append(field_not_supported("roleRef.apiGroup", reference.get("apiGroup", ""), (GROUP,)))
        if reference.get("kind", "") not in self._role_kinds:
            errors.append(field_not_supported("roleRef.kind", reference.get("kind", ""), self._role_kinds))
        name = reference.get("name", "")
        if not name:
            return [*errors, field_required("roleRef.name")]
        return errors + [field_invalid("roleRef.name", name, text) for text in name_is_path_segment(name, False)]

    def _subject_errors(self, subject: Object, path: str) -> list[FieldError]:
        kind, name, group = (subject.get(member, "") for member in ("kind", "name", "apiGroup"))
        errors = [] if name else [field_required(f"{path}.name")]
        if kind not in _SUBJECT_GROUPS:
            return [*errors, field_not_supported(f"{path}.kind", kind, _SUBJECT_GROUPS)]
        if kind == "ServiceAccount" and name:
            errors += [field_invalid(f"{path}.name", name, problem) for problem in dns1123_subdomain(name)]
        if group != _SUBJECT_GROUPS[kind]:
            errors.append(field_not_supported(f"{path}.apiGroup", group, (_SUBJECT_GROUPS[kind],)))
        if kind == "ServiceAccount" and not self._namespaced and not subject.get("namespace"):
            errors.append(field_required(f"{path}.namespace"))
        return errors


_GO_MEMBERS = {"APIGroup": "apiGroup", "Kind": "kind", "Name": "name"}
