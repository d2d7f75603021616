"""What makes a job invalid."""

from collections.abc import Iterator

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi_apigroups.batch.job_defaults import CONTROLLER_UID
from kapi_apigroups.batch.job_policies import (
    FAILURE_POLICY,
    NEEDS_INDEX,
    SUCCESS_POLICY,
    validate_failure_policy,
    validate_success_policy,
)
from kapi_apigroups.common.fields import IMMUTABLE, not_negative, one_of
from kapi_apigroups.common.golang import Shape, invalid_struct
from kapi_apigroups.common.pods import validate_pod_template
from kapi_apigroups.common.prefixed import domain_prefixed_path
from kapi_apigroups.common.selectors import validate_label_selector
from kapi_apigroups.common.workloads import unselected_labels

_COUNTS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
_INDEX_COUNTS = ("backoffLimitPerIndex", "maxFailedIndexes")
_MOST_INDEXES = 100_000
_FROZEN: dict[str, Shape] = {
    "podFailurePolicy": FAILURE_POLICY,
    "backoffLimitPerIndex": {},
    "managedBy": {},
    "successPolicy": SUCCESS_POLICY,
}
_SCHEDULING = ("nodeSelector", "affinity", "tolerations", "schedulingGates")


def validate_job_spec(spec: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a JobSpec that stands at ``path``."""
    yield from validate_job_template(spec, path)
    selector = spec.get("selector")
    if selector is None:
        yield field_required(f"{path}.selector")
    else:
        yield from validate_label_selector(selector, f"{path}.selector")
    if not validate_label_selector(selector, ""):
        yield from unselected_labels(selector, spec.get("template", {}))


def validate_job_template(spec: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a JobSpec apart from its selector."""
    yield from not_negative(spec, _COUNTS, path)
    yield from not_negative(spec, _INDEX_COUNTS, path)
    yield from one_of(spec.get("completionMode", "NonIndexed"), f"{path}.completionMode", ("NonIndexed", "Indexed"))
    yield from _validate_indexes(spec, path)
    if "managedBy" in spec:
        yield from domain_prefixed_path(spec["managedBy"], f"{path}.managedBy")
    if "podFailurePolicy" in spec:
        yield from validate_failure_policy(spec, path)
    if "successPolicy" in spec:
        yield from validate_success_policy(spec, path)
    yield from one_of(
        spec.get("podReplacementPolicy", "Failed"), f"{path}.podReplacementPolicy", _replacement_policies(spec)
    )
    template = spec.get("template", {})
    yield from validate_pod_template(template, f"{path}.template")
    policy = template.get("spec", {}).get("restartPolicy", "Always")
    if policy not in ("OnFailure", "Never"):
        yield field_required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')
    elif policy != "Never" and "podFailurePolicy" in spec:
        yield field_invalid(
            f"{path}.template.spec.restartPolicy",
            policy,
            'only "Never" is supported when podFailurePolicy is specified',
        )


def _replacement_policies(spec: Object) -> tuple[str, ...]:
    return ("Failed",) if "podFailurePolicy" in spec else ("Failed", "TerminatingOrFailed")


def _validate_indexes(spec: Object, path: str) -> Iterator[FieldError]:
    if spec.get("completionMode") == "Indexed":
        yield from _validate_indexed(spec, path)
        return
    if "maxFailedIndexes" in spec and "backoffLimitPerIndex" not in spec:
        yield field_required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    for member in _INDEX_COUNTS:
        if member in spec:
            yield field_invalid(f"{path}.{member}", spec[member], NEEDS_INDEX)


def _validate_indexed(spec: Object, path: str) -> Iterator[FieldError]:
    completions, failed = spec.get("completions"), spec.get("maxFailedIndexes")
    if completions is None:
        yield field_required(f"{path}.completions", "when completion mode is Indexed")
    parallelism = spec.get("parallelism", 0)
    if parallelism > _MOST_INDEXES:
        detail = f"must be less than or equal to {_MOST_INDEXES} when completion mode is Indexed"
        yield field_invalid(f"{path}.parallelism", parallelism, detail)
    if failed is not None and completions is not None and failed > completions:
        yield field_invalid(f"{path}.maxFailedIndexes", failed, "must be less than or equal to completions")


def validate_generated_selector(job: Object) -> Iterator[FieldError]:
    """Yield an error when a job that left its selector to the server has another one."""
    spec = job["spec"]
    if spec.get("manualSelector"):
        return
    expected = {"matchLabels": {CONTROLLER_UID: job["metadata"].get("uid", "")}}
    if spec.get("selector") != expected:
        yield field_invalid("spec.selector", spec.get("selector"), "`selector` not auto-generated")


def frozen_changes(spec: Object, old: Object) -> Iterator[FieldError]:
    """Yield an error for each part of the spec that changed but may not."""
    before = old["spec"]
    if spec.get("completions") != before.get("completions") and not _may_resize(spec, before):
        yield field_invalid("spec.completions", spec.get("completions"), IMMUTABLE)
    if spec.get("selector") != before.get("selector"):
        yield field_invalid("spec.selector", spec.get("selector"), IMMUTABLE)
    yield from _template_changes(spec.get("template", {}), before.get("template", {}), old)
    if spec.get("completionMode") != before.get("completionMode"):
        yield field_invalid("spec.completionMode", spec.get("completionMode"), IMMUTABLE)
    for member, shape in _FROZEN.items():
        if spec.get(member) != before.get(member):
            yield invalid_struct(f"spec.{member}", spec.get(member), shape, IMMUTABLE)


def _may_resize(spec: Object, before: Object) -> bool:
    """Tell whether ``completions`` changed together with ``parallelism``, as an elastic indexed job may."""
    indexed = before.get("completionMode") == "Indexed" and "completions" in spec and "completions" in before
    return indexed and spec.get("completions") == spec.get("parallelism")


def _template_changes(template: Object, before: Object, old: Object) -> Iterator[FieldError]:
    """Yield an error when the template changed; a suspended job that has not started may still say where pods go."""
    if not old["spec"].get("suspend") or "startTime" in old.get("status", {}):
        if template != before:
            yield field_invalid("spec.template", template, IMMUTABLE)
    elif _fixed_spec(template) != _fixed_spec(before):
        yield field_invalid("spec.template.spec", template.get("spec"), IMMUTABLE)
    elif _fixed_metadata(template) != _fixed_metadata(before):
        yield field_invalid("spec.template", template, IMMUTABLE)


def _fixed_spec(template: Object) -> Object:
    return {member: value for member, value in template.get("spec", {}).items() if member not in _SCHEDULING}


def _fixed_metadata(template: Object) -> Object:
    metadata: Object = template.get("metadata", {})
    return {member: value for member, value in metadata.items() if member not in ("labels", "annotations")}
