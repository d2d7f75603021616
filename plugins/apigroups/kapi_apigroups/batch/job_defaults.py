"""Defaults of jobs, and the labels by which a job finds its pods."""

from kapi.contracts.resources import Object
from kapi_apigroups.common.pods import default_pod_template

CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
"""The label that makes the pods of a job its own."""

JOB_NAME = "batch.kubernetes.io/job-name"
NAME_LABELS = ("job-name", JOB_NAME)
UID_LABELS = ("controller-uid", CONTROLLER_UID)

_RETRIES = 6
_RETRIES_PER_INDEX = 2**31 - 1


def default_job(job: Object) -> None:
    """Fill in the defaults of a Job."""
    spec = job.setdefault("spec", {})
    default_job_template(spec)
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", _RETRIES_PER_INDEX if "backoffLimitPerIndex" in spec else _RETRIES)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")
    default_labels(job)


def default_job_template(spec: Object) -> None:
    """Fill in the defaults that a JobSpec also has inside a CronJob: those of pods and of failure rules."""
    default_pod_template(spec.setdefault("template", {}))
    for rule in spec.get("podFailurePolicy", {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            if not pattern.get("status"):
                pattern["status"] = "True"


def default_labels(job: Object) -> None:
    """Label a job that has no labels like its pods."""
    labels = job["spec"]["template"].get("metadata", {}).get("labels")
    if labels and not job["metadata"].get("labels"):
        job["metadata"]["labels"] = dict(labels)


def generate_selector(job: Object) -> None:
    """Make the job's pods findable by its uid, unless its author has taken care of the selector."""
    spec = job["spec"]
    if spec.get("manualSelector"):
        return
    name, uid = job["metadata"].get("name", ""), job["metadata"].get("uid", "")
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    for label in NAME_LABELS:
        labels.setdefault(label, name)
    for label in UID_LABELS:
        labels.setdefault(label, uid)
    selector = spec.get("selector")
    if selector is None:
        selector = spec["selector"] = {}
    selector.setdefault("matchLabels", {}).setdefault(CONTROLLER_UID, uid)
