"""Rules of CustomResourceDefinition as a stored object; serving what it defines is another matter."""

from kapi.contracts.resources import Object, RequestContext
from kapi_apigroups.common.status_owner import StatusOwner
from kapi_apigroups.common.webhookclient import default_client_config


class DefinitionStrategy(StatusOwner):
    """CustomResourceDefinitions."""

    generation = ("spec",)
    allow_unconditional_update = False
    returns_deleted = True
    empty_status = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": None}

    def default(self, obj: Object) -> None:
        """Fill in names and conversion."""
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
        obj["status"]["storedVersions"] = _storage_versions(obj)

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
    return [version.get("name", "") for version in obj["spec"].get("versions") or () if version.get("storage")]
