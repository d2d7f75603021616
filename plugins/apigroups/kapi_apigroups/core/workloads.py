"""Rules of ReplicationController and PodTemplate."""

from kapi.contracts.resources import Object, RequestContext, StatusStrategy, Strategy
from kapi.meta.errors import FieldError, field_invalid, field_not_supported, field_required
from kapi_apigroups.common.pod_warnings import pod_template_warnings
from kapi_apigroups.common.pods import default_pod_template, validate_pod_template
from kapi_apigroups.common.status_owner import StatusOwner


class ReplicationControllerStrategy(StatusOwner):
    """ReplicationControllers: labels and selector default to those of the template."""

    generation = ("spec",)
    returns_deleted = True
    default_propagation = "Orphan"
    empty_status = {"replicas": 0}

    def default(self, obj: Object) -> None:
        """Fill in selector, labels, replicas and the template."""
        spec = obj.setdefault("spec", {})
        spec.setdefault("replicas", 1)
        template = spec.get("template")
        if template is None:
            return
        default_pod_template(template)
        labels = template.get("metadata", {}).get("labels")
        if labels:
            if not spec.get("selector"):
                spec["selector"] = dict(labels)
            if not obj["metadata"].get("labels"):
                obj["metadata"]["labels"] = dict(labels)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check replicas, selector and template."""
        spec = obj.get("spec", {})
        errors = [
            field_invalid(f"spec.{member}", spec[member], "must be greater than or equal to 0")
            for member in ("minReadySeconds", "replicas")
            if spec.get(member, 0) < 0
        ]
        selector = spec.get("selector")
        if not selector:
            errors.append(field_required("spec.selector"))
        template = spec.get("template")
        if template is None:
            errors.append(field_required("spec.template"))
            return errors
        labels = template.get("metadata", {}).get("labels", {})
        if selector and any(labels.get(key) != value for key, value in selector.items()):
            errors.append(
                field_invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
            )
        errors += validate_pod_template(template, "spec.template")
        policy = template.get("spec", {}).get("restartPolicy", "")
        if policy != "Always":
            errors.append(field_not_supported("spec.template.spec.restartPolicy", policy, ("Always",)))
        return errors

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn of what is hardly meant in the template."""
        return pod_template_warnings(obj.get("spec", {}).get("template") or {}, "spec.template")


class ReplicationControllerStatusStrategy(StatusStrategy):
    """``/status``: labels that a client leaves out default to those of the template here too."""

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the spec."""
        super().prepare_for_update(ctx, obj, old)
        self.main.default(obj)


class PodTemplateStrategy(Strategy):
    """PodTemplates: a pod template under a name."""

    generation = ("template",)
    returns_deleted = True

    def default(self, obj: Object) -> None:
        """Fill in the template."""
        default_pod_template(obj.setdefault("template", {}))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the template."""
        return validate_pod_template(obj.get("template", {}), "template")

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn of what is hardly meant in the template."""
        return pod_template_warnings(obj.get("template") or {}, "template")
