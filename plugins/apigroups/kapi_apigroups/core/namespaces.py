"""Rules of Namespace, its status and its finalization."""

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError, field_invalid
from kapi.meta.names import name_is_label, qualified_name
from kapi_apigroups.common.members import keep
from kapi_apigroups.common.status_owner import StatusOwner

NAME_LABEL = "kubernetes.io/metadata.name"
"""The label by which selectors find a namespace; its value is always the name."""

_FINALIZER = "kubernetes"
_STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")


class NamespaceStrategy(StatusOwner):
    """Namespaces: they go away in two steps, when ``spec.finalizers`` is empty too."""

    empty_status = {"phase": "Active"}

    def default(self, obj: Object) -> None:
        """Label the namespace with its name."""
        name = obj["metadata"].get("name")
        if name:
            obj["metadata"].setdefault("labels", {})[NAME_LABEL] = name

    def validate_name(self, name: str, prefix: bool) -> list[str]:
        """Namespaces are called like DNS labels."""
        return name_is_label(name, prefix)

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Make the namespace active, with the finalizer that its contents are deleted under."""
        super().prepare_for_create(ctx, obj)
        self.default(obj)
        finalizers = obj.setdefault("spec", {}).setdefault("finalizers", [])
        if _FINALIZER not in finalizers:
            finalizers.append(_FINALIZER)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep status and finalizers, which have subresources of their own."""
        super().prepare_for_update(ctx, obj, old)
        keep(obj, old, "spec")

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the finalizers."""
        return [error for name in _finalizers(obj) for error in _validate_finalizer(name, "spec.finalizers")]

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check nothing: what may change is metadata."""
        return []

    def prepare_for_delete(self, ctx: RequestContext, obj: Object) -> None:
        """Let everybody see that the namespace is going away."""
        obj["status"] = {**obj.get("status", {}), "phase": "Terminating"}
        obj["metadata"].pop("deletionGracePeriodSeconds", None)

    def deletable(self, obj: Object) -> bool:
        """Tell whether neither metadata nor spec holds finalizers any more."""
        return not obj["metadata"].get("finalizers") and not _finalizers(obj)


class NamespaceStatusStrategy(StatusStrategy):
    """``/status``: the phase must fit the deletion timestamp."""

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the phase."""
        phase = obj.get("status", {}).get("phase", "")
        if "deletionTimestamp" not in obj["metadata"]:
            if phase != "Active":
                return [field_invalid("status.Phase", phase, "may only be 'Active' if `deletionTimestamp` is empty")]
        elif phase != "Terminating":
            detail = "may only be 'Terminating' if `deletionTimestamp` is not empty"
            return [field_invalid("status.Phase", phase, detail)]
        return []


class NamespaceFinalizeStrategy(NamespaceStrategy):
    """``/finalize``: only ``spec.finalizers`` (and metadata) may change."""

    resets = ("status",)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the status."""
        keep(obj, old, "status")

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the finalizers."""
        return [
            error
            for index, name in enumerate(_finalizers(obj))
            for error in _validate_finalizer(name, f"spec.finalizers[{index}]")
        ]


def _finalizers(obj: Object) -> list[str]:
    return list(obj.get("spec", {}).get("finalizers", ()))


def _validate_finalizer(name: str, path: str) -> list[FieldError]:
    errors = [field_invalid(path, name, problem) for problem in qualified_name(name)]
    if "/" not in name and name not in _STANDARD_FINALIZERS:
        detail = "name is neither a standard finalizer name nor is it fully qualified"
        errors.append(field_invalid(path, name, detail))
    return errors
