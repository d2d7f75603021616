"""Jobs and cron jobs."""

from collections.abc import Mapping
from typing import Any

from kapi.contracts.resources import Object
from kapi.meta.times import age, human_duration, parse
from kapi_apigroups.printing.cells import (
    NONE,
    UNSET,
    age_of,
    containers_and_images,
    has_condition,
    is_deleted,
    name_of,
    part,
    selector_text,
)
from kapi_apigroups.printing.descriptions import Field
from kapi_apigroups.printing.printer import AGE, CONTAINERS, NAME, Printer

Part = Mapping[str, Any]


def _status(job: Object, status: Part) -> str:
    for condition in ("Complete", "Failed"):
        if has_condition(status, condition):
            return condition
    if is_deleted(job):
        return "Terminating"
    for condition in ("Suspended", "FailureTarget"):
        if has_condition(status, condition):
            return condition
    return "Running"


def _completions(spec: Part, status: Part) -> str:
    done, wanted = status.get("succeeded", 0), spec.get("completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    parallelism = spec.get("parallelism") or 0
    return f"{done}/1 of {parallelism}" if parallelism > 1 else f"{done}/1"


def _duration(status: Part) -> str:
    start, end = status.get("startTime"), status.get("completionTime")
    if not start:
        return ""
    return human_duration(parse(end) - parse(start)) if end else age(start)


def _job(obj: Object) -> list[Any]:
    spec, status = part(obj, "spec"), part(obj, "status")
    return [
        name_of(obj),
        _status(obj, status),
        _completions(spec, status),
        _duration(status),
        age_of(obj),
        *containers_and_images(part(spec, "template")),
        selector_text(spec.get("selector")),
    ]


def _cron_job(obj: Object) -> list[Any]:
    spec, status = part(obj, "spec"), part(obj, "status")
    job, scheduled = part(part(spec, "jobTemplate"), "spec"), status.get("lastScheduleTime")
    return [
        name_of(obj),
        spec.get("schedule", ""),
        spec.get("timeZone", NONE),
        str(spec.get("suspend", UNSET)),
        len(status.get("active") or ()),
        age(scheduled) if scheduled else NONE,
        age_of(obj),
        *containers_and_images(part(job, "template")),
        selector_text(job.get("selector")),
    ]


PRINTERS = {
    ("batch", "jobs"): Printer(
        _job,
        (
            NAME,
            "Status of the job.",
            Field("batch_v1.JobStatus.succeeded"),
            "Time required to complete the job.",
            AGE,
            *CONTAINERS,
            Field("batch_v1.JobSpec.selector"),
        ),
    ),
    ("batch", "cronjobs"): Printer(
        _cron_job,
        (
            NAME,
            Field("batch_v1.CronJobSpec.schedule"),
            Field("batch_v1.CronJobSpec.timeZone"),
            Field("batch_v1.CronJobSpec.suspend"),
            Field("batch_v1.CronJobStatus.active"),
            Field("batch_v1.CronJobStatus.lastScheduleTime"),
            AGE,
            *CONTAINERS,
            Field("batch_v1.JobSpec.selector"),
        ),
    ),
}
