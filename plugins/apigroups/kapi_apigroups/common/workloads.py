"""What the kinds that run pods from a template share (Deployment, ReplicaSet, StatefulSet, DaemonSet)."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_not_supported, field_required
from kapi.meta.names import dns1123_label
from kapi_apigroups.common.pod_warnings import pod_template_warnings
from kapi_apigroups.common.pods import default_pod_template, validate_pod_template
from kapi_apigroups.common.selectors import selector_matches, validate_label_selector
from kapi_apigroups.common.status_owner import StatusOwner

_TEMPLATE = "spec.template"
_LABELS = "spec.template.metadata.labels"
_MALFORMED = "invalid label selector"


class Workload(StatusOwner):
    """A kind with ``spec.selector`` and ``spec.template``. ``kind_name`` is how messages call it.

    - ``requires_selector``: a missing selector is an error of its own;
    - ``warns_of_names``: the name becomes part of host names that must be DNS labels.
    """

    generation: tuple[str, ...] = ("spec",)
    kind_name = ""
    requires_selector = True
    warns_of_names = False

    def default(self, obj: Object) -> None:
        """Fill in the defaults of the template, then those of the kind."""
        spec = obj.setdefault("spec", {})
        default_pod_template(spec.setdefault("template", {}))
        self.default_spec(spec)

    def default_spec(self, spec: Object) -> None:
        """Fill in the defaults of ``spec`` other than the template's."""

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec."""
        return list(self.validate_spec(obj.get("spec", {})))

    def validate_spec(self, spec: Object) -> Iterator[FieldError]:
        """Yield what is wrong with ``spec``."""
        yield from self.validate_selector_and_template(spec)

    def validate_selector_and_template(self, spec: Object) -> Iterator[FieldError]:
        """Yield what is wrong with the selector and the template; a malformed selector ends the search."""
        problems = list(self.validate_selector(spec))
        yield from problems
        if not any(problem.message.endswith(_MALFORMED) for problem in problems):
            yield from self.validate_template(spec)

    def validate_selector(self, spec: Object) -> Iterator[FieldError]:
        """Yield what is wrong with the selector by itself."""
        selector = spec.get("selector")
        if selector is None:
            if self.requires_selector:
                yield field_required("spec.selector")
            return
        problems = validate_label_selector(selector, "spec.selector")
        yield from problems
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            yield field_invalid("spec.selector", selector, f"empty selector is invalid for {self.kind_name}")
        elif problems:
            yield field_invalid("spec.selector", selector, _MALFORMED)

    def validate_template(self, spec: Object) -> Iterator[FieldError]:
        """Yield what is wrong with the template, and with the selector beside it."""
        template = spec.get("template", {})
        yield from unselected_labels(spec.get("selector"), template)
        yield from validate_pod_template(template, _TEMPLATE)
        pod = template.get("spec", {})
        policy = pod.get("restartPolicy", "Always")
        if policy != "Always":
            yield field_not_supported(f"{_TEMPLATE}.spec.restartPolicy", policy, ("Always",))
        if "activeDeadlineSeconds" in pod:
            owner = "ReplicaSet" if self.kind_name in ("deployment", "replicaset") else _TITLES[self.kind_name]
            yield field_forbidden(
                f"{_TEMPLATE}.spec.activeDeadlineSeconds", f"activeDeadlineSeconds in {owner} is not Supported"
            )

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn about names that cannot be host names, and about what is odd in a new template."""
        if old is not None and obj["metadata"].get("generation") == old["metadata"].get("generation"):
            return []
        found = name_warnings(obj) if old is None and self.warns_of_names else []
        return found + pod_template_warnings(obj["spec"].get("template", {}), _TEMPLATE)


_TITLES = {"daemonset": "DaemonSet", "statefulset": "StatefulSet"}


def unselected_labels(selector: Object | None, template: Object) -> Iterator[FieldError]:
    """Yield an error when a valid selector would not find the pods of the template."""
    empty = selector is not None and not selector.get("matchLabels") and not selector.get("matchExpressions")
    labels = template.get("metadata", {}).get("labels")
    if not empty and not selector_matches(selector, labels or {}):
        yield field_invalid(_LABELS, labels, "`selector` does not match template `labels`")


def name_warnings(obj: Object) -> list[str]:
    """Return a warning when the name of a workload cannot be part of a host name."""
    problems = dns1123_label(obj["metadata"].get("name", ""))
    if not problems:
        return []
    return [
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
        f"a DNS label is recommended: [{' '.join(problems)}]"
    ]
