"""The API group ``batch``: jobs, and jobs by the clock."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.hookspecs import hookimpl
from kapi_apigroups.batch.cronjob import CronJobStrategy
from kapi_apigroups.batch.job import JobStatusStrategy, JobStrategy, job_fields
from kapi_apigroups.build import KindRules, build_group

if TYPE_CHECKING:
    from kapi.contracts.plugins import BuildContext
    from kapi.contracts.resources import APIGroup


@hookimpl
def kapi_register_api_groups(context: "BuildContext") -> "Sequence[APIGroup]":
    """Return the group."""
    job = JobStrategy()
    return [
        build_group(
            "batch",
            {
                ("v1", "cronjobs"): KindRules(CronJobStrategy()),
                ("v1", "jobs"): KindRules(
                    job, selectable_fields=job_fields(), subresources={"status": JobStatusStrategy(job)}
                ),
            },
        )
    ]
