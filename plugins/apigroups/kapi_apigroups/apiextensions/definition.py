"""Rules of CustomResourceDefinition as a stored object; serving what it defines is another matter."""

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError
from kapi_apigroups.apiextensions.naming import condition
from kapi_apigroups.common.conditions import set_condition
from kapi_apigroups.common.status_owner import StatusOwner
from kapi_apigroups.common.webhookclient import default_client_config

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
_PENDING = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"


class DefinitionStrategy(StatusOwner):
    """CustomResourceDefinitions."""

    generation = ("spec",)
    allow_unconditional_update = False
    fully_qualified_finalizers = False
    returns_deleted = True
    empty_status = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": None}

    def default(self, obj: Object) -> None:
        """Fill in names, conversion, and what objects may be stored in."""
        status = obj.get("status")
        if status is not None and not status.get("storedVersions"):
            status["storedVersions"] = _storage_versions(obj)[:1] or None
        spec = obj.setdefault("spec", {})
        _default_names(spec.setdefault("names", {}))
        conversion = spec.setdefault("conversion", {})
        if not conversion.get("strategy"):
            conversion["strategy"] = "None"
        client = conversion.get("webhook", {}).get("clientConfig")
        if client is not None:
            default_client_config(client)

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Start with an empty status that lists the storage version."""
        super().prepare_for_create(ctx, obj)
        obj["status"]["storedVersions"] = _storage_versions(obj)[:1] or None

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check a new definition."""
        from kapi_apigroups.apiextensions.definition_rules import validate_definition

        return list(validate_definition(obj))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check a changed definition; what is established cannot change its nature."""
        from kapi_apigroups.apiextensions.definition_rules import validate_definition_update

        return list(validate_definition_update(obj, old))

    def deletable(self, obj: Object) -> bool:
        """Tell whether nothing is left of what the definition served: a deletion begins by asking for that."""
        return "deletionTimestamp" in obj["metadata"] and super().deletable(obj)

    def prepare_for_delete(self, ctx: RequestContext, obj: Object) -> None:
        """Have the objects removed first."""
        meta = obj["metadata"]
        if FINALIZER in meta.get("finalizers", ()) and meta.get("deletionGracePeriodSeconds") is None:
            return
        if meta.pop("deletionGracePeriodSeconds", None) is not None and meta.get("generation"):
            meta["generation"] -= 1  # upstream marks definitions by hand
        meta["finalizers"] = [*(each for each in meta.get("finalizers", ()) if each != FINALIZER), FINALIZER]
        status = obj.setdefault("status", {})
        status["conditions"] = list(status.get("conditions") or ())
        set_condition(status, condition("Terminating", True, "InstanceDeletionPending", _PENDING))

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the status; a new storage version joins those that objects may be stored in."""
        super().prepare_for_update(ctx, obj, old)
        stored = old.get("status", {}).get("storedVersions") or []
        new = [version for version in _storage_versions(obj) if version not in stored]
        if new:
            obj["status"] = {**obj.get("status", {}), "storedVersions": [*stored, *new]}


def _default_names(names: Object) -> None:
    kind = names.get("kind", "")
    if not names.get("singular") and kind:
        names["singular"] = kind.lower()
    if not names.get("listKind") and kind:
        names["listKind"] = f"{kind}List"


def _storage_versions(obj: Object) -> list[str]:
    versions = (obj.get("spec") or {}).get("versions") or ()
    return [version.get("name", "") for version in versions if version.get("storage")]
