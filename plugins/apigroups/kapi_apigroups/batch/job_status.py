"""What makes the status of a job invalid."""

from collections.abc import Iterator

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi_apigroups.batch.job_policies import nothing_shown
from kapi_apigroups.common.fields import not_negative

_COUNTS = ("active", "succeeded", "failed", "ready", "terminating")
_CONDITIONS = "status.conditions"
_COMPLETION = "status.completionTime"


def validate_job_status(job: Object, old: Object) -> Iterator[FieldError]:
    """Yield what is wrong with the new status of a job."""
    status, before = job.get("status", {}), old.get("status", {})
    yield from not_negative(status, _COUNTS, "status")
    for member in ("failed", "succeeded"):
        value = status.get(member, 0)
        if value < before.get(member, 0):
            yield field_invalid(f"status.{member}", value, f"cannot decrease the {member} counter")
    if "ready" in status and status["ready"] > status.get("active", 0):
        yield field_invalid("status.ready", status["ready"], "cannot set more ready pods than active")
    if status.get("completedIndexes") and job["spec"].get("completionMode") != "Indexed":
        detail = "cannot set non-empty completedIndexes when non-indexed completion mode"
        yield field_invalid("status.completedIndexes", status["completedIndexes"], detail)
    if status.get("conditions") != before.get("conditions"):
        yield from _validate_end(status)
    if status.get("completionTime") != before.get("completionTime"):
        yield from _validate_completion_time(status)


def _true(status: Object, kind: str) -> bool:
    return any(one.get("type") == kind and one.get("status") == "True" for one in status.get("conditions") or ())


def _validate_end(status: Object) -> Iterator[FieldError]:
    """Yield what is wrong with conditions that say that the job has ended."""
    complete, failed = _true(status, "Complete"), _true(status, "Failed")
    if complete and failed:
        yield nothing_shown(_CONDITIONS, "cannot set Complete=True and Failed=true conditions")
    if complete and "completionTime" not in status:
        yield field_required(_COMPLETION, "completionTime is required for Complete jobs")
    if failed and not _true(status, "FailureTarget"):
        detail = "cannot set Failed=True condition without the FailureTarget=true condition"
        yield nothing_shown(_CONDITIONS, detail)
    if complete and not _true(status, "SuccessCriteriaMet"):
        detail = "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"
        yield nothing_shown(_CONDITIONS, detail)
    if (complete or failed) and "startTime" not in status:
        yield field_required("status.startTime", "startTime is required for finished job")


def _validate_completion_time(status: Object) -> Iterator[FieldError]:
    time = status.get("completionTime")
    if time is None:
        return
    if not _true(status, "Complete"):
        detail = "cannot set completionTime when there is no Complete=True condition"
        yield field_invalid(_COMPLETION, time, detail)
    if time < status.get("startTime", ""):
        yield field_invalid(_COMPLETION, time, "must be equal to or after `startTime`")
