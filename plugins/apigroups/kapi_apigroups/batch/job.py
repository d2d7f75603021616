"""Rules of Job."""

from collections.abc import Callable, Mapping

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError
from kapi_apigroups.batch.job_defaults import default_job, default_labels, generate_selector
from kapi_apigroups.batch.job_status import validate_job_status
from kapi_apigroups.batch.job_validation import frozen_changes, validate_generated_selector, validate_job_spec
from kapi_apigroups.common.pod_warnings import pod_template_warnings
from kapi_apigroups.common.status_owner import StatusOwner
from kapi_apigroups.common.workloads import name_warnings


class JobStrategy(StatusOwner):
    """Jobs: find their pods by a selector made from their uid, and leave them behind unless told otherwise."""

    generation = ("spec",)
    default_propagation = "Orphan"
    default_propagation_warning = (
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them "
        "or set propagationPolicy=Orphan to suppress this warning"
    )

    def default(self, obj: Object) -> None:
        """Fill in the defaults."""
        default_job(obj)

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Start without status, with a selector and with the labels of the pods."""
        super().prepare_for_create(ctx, obj)
        generate_selector(obj)
        default_labels(obj)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec, and that the selector is the generated one."""
        return list(validate_generated_selector(obj)) + list(validate_job_spec(obj["spec"], "spec"))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the spec (twice, as the reference does), and that what it may not change has stayed."""
        again = list(validate_job_spec(obj["spec"], "spec"))
        return self.validate(ctx, obj) + again + list(frozen_changes(obj["spec"], old))

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn about names that cannot be host names, and about what is odd in the template of a new job."""
        if old is not None:
            return []
        return name_warnings(obj) + pod_template_warnings(obj["spec"]["template"], "spec.template")


class JobStatusStrategy(StatusStrategy):
    """The status of jobs: counters only grow."""

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep everything but the status; without labels of its own the job has those of its pods."""
        super().prepare_for_update(ctx, obj, old)
        default_labels(obj)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check counters, times and conditions."""
        return list(validate_job_status(obj, old))


def job_fields() -> Mapping[str, Callable[[Object], str]]:
    """Return the fields by which jobs can be selected."""
    return {"status.successful": lambda job: str(job.get("status", {}).get("succeeded", 0))}
