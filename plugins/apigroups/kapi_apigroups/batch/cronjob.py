"""Rules of CronJob."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import FieldError, field_invalid, field_not_supported, field_required
from kapi_apigroups.batch.job_defaults import default_job_template
from kapi_apigroups.batch.job_validation import validate_job_template
from kapi_apigroups.batch.schedule import schedule_problem
from kapi_apigroups.common.fields import not_negative, one_of
from kapi_apigroups.common.pod_warnings import pod_template_warnings
from kapi_apigroups.common.status_owner import StatusOwner
from kapi_apigroups.common.workloads import name_warnings

_LONGEST_NAME = 52
"""A job's name is its cron job's with eleven characters appended, and must be a DNS label."""

_COUNTS = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
_ZONE_IN_SCHEDULE = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
_LOCAL_ZONE = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"


class CronJobStrategy(StatusOwner):
    """CronJobs."""

    generation = ("spec",)

    def default(self, obj: Object) -> None:
        """Fill in policy, history and what the jobs' pods need."""
        spec = obj.setdefault("spec", {})
        if not spec.get("concurrencyPolicy"):
            spec["concurrencyPolicy"] = "Allow"
        spec.setdefault("suspend", False)
        spec.setdefault("successfulJobsHistoryLimit", 3)
        spec.setdefault("failedJobsHistoryLimit", 1)
        default_job_template(spec.setdefault("jobTemplate", {}).setdefault("spec", {}))

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec and the length of the name."""
        errors = list(_validate_spec(obj["spec"]))
        name = obj["metadata"].get("name", "")
        if len(name) > _LONGEST_NAME:
            errors.append(field_invalid("metadata.name", name, f"must be no more than {_LONGEST_NAME} characters"))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the spec."""
        return list(_validate_spec(obj["spec"]))

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn about names that cannot be part of a host name, and about what is odd in a new template."""
        if old is not None and obj["metadata"].get("generation") == old["metadata"].get("generation"):
            return []
        template = obj["spec"]["jobTemplate"]["spec"].get("template", {})
        found = name_warnings(obj) if old is None else []
        return found + pod_template_warnings(template, "spec.jobTemplate.spec.template")


def _validate_spec(spec: Object) -> Iterator[FieldError]:
    yield from _validate_schedule(spec)
    yield from not_negative(spec, _COUNTS[:1], "spec")
    yield from _validate_time_zone(spec)
    yield from one_of(spec["concurrencyPolicy"], "spec.concurrencyPolicy", ("Allow", "Forbid", "Replace"))
    job, path = spec.get("jobTemplate", {}).get("spec", {}), "spec.jobTemplate.spec"
    yield from validate_job_template(job, path)
    if job.get("selector") is not None:
        yield field_invalid(f"{path}.selector", job["selector"], "`selector` will be auto-generated")
    if job.get("manualSelector"):
        yield field_not_supported(f"{path}.manualSelector", True, ("nil", "false"))
    yield from not_negative(spec, _COUNTS[1:], "spec")


def _validate_schedule(spec: Object) -> Iterator[FieldError]:
    schedule = spec.get("schedule", "")
    if not schedule:
        yield field_required("spec.schedule")
        return
    if "TZ" in schedule:
        yield field_invalid("spec.schedule", schedule, _ZONE_IN_SCHEDULE)
        return
    problem = schedule_problem(schedule)
    if problem:
        yield field_invalid("spec.schedule", schedule, problem)


def _validate_time_zone(spec: Object) -> Iterator[FieldError]:
    zone = spec.get("timeZone")
    if zone is None:
        return
    if zone == "":
        yield field_invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string")
    elif zone.lower() == "local":
        yield field_invalid("spec.timeZone", zone, _LOCAL_ZONE)
    elif not _known_zone(zone):
        yield field_invalid("spec.timeZone", zone, f"unknown time zone {zone}")


def _known_zone(zone: str) -> bool:
    """Tell whether a name is in the time zone database; UTC always is."""
    if zone == "UTC":
        return True
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
