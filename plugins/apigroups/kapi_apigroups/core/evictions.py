"""Eviction of pods (``pods/eviction``), as far as disruption budgets allow it."""

from kapi.contracts.client import ObjectClient
from kapi.contracts.resources import Object, RequestContext
from kapi.meta import times
from kapi.meta.errors import StatusError, bad_request, conflict, forbidden
from kapi.meta.gvk import GroupResource
from kapi_apigroups.common.conditions import find_condition, set_condition
from kapi_apigroups.common.selectors import selector_matches
from kapi_apigroups.core.resources import DISRUPTION_BUDGETS, PODS
from kapi_apigroups.core.success import success

_UNGUARDED = ("Pending", "Succeeded", "Failed")
_POD_KIND = GroupResource("", "Pod")
_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_RETRY_SECONDS = 10
_ATTEMPTS = 20
_MOST_DISRUPTED = 2000
_SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


class EvictionHandler:
    """Serves ``create`` of evictions."""

    accepts = ("policy/v1beta1",)

    async def create(self, ctx: RequestContext, obj: Object) -> Object:
        """Delete the pod if its disruption budget allows; raises a 429 when it does not now."""
        if obj.get("metadata", {}).get("name") != ctx.name:
            raise bad_request("name in URL does not match name in Eviction object")
        options = obj.get("deleteOptions") or {}
        dry_run = ctx.dry_run or bool(options.get("dryRun"))
        deletion = _Deletion(ctx, options, dry_run=dry_run)
        for _ in range(_ATTEMPTS):
            pod = await ctx.client.get(PODS, ctx.name, ctx.namespace)
            if not _unguarded(pod):
                break
            try:
                await deletion.carry_out(pod, only_as_it_is=_may_come_to_run(pod))
                return success()
            except StatusError as refusal:
                if refusal.reason != "Conflict" or deletion.names_version:
                    raise
        unhealthy = await _claim(ctx.client, pod, dry_run=dry_run)
        try:
            await deletion.carry_out(pod, only_as_it_is=bool(unhealthy))
        except StatusError as refusal:
            if refusal.reason != "Conflict" or deletion.names_version or not unhealthy:
                raise
            raise _still_processed(unhealthy) from None
        return success()


class _Deletion:
    """Marks a pod as evicted and deletes it, under the preconditions of the eviction."""

    def __init__(self, ctx: RequestContext, options: Object, *, dry_run: bool) -> None:
        self._ctx = ctx
        self._options = options
        self._dry_run = dry_run
        self._preconditions: Object = options.get("preconditions") or {}
        self.names_version = self._preconditions.get("resourceVersion") is not None

    async def carry_out(self, pod: Object, *, only_as_it_is: bool) -> None:
        """Delete the pod; ``only_as_it_is``: if nothing of it has changed. Raises conflict."""
        wanted = dict(self._preconditions)
        if only_as_it_is and not self.names_version:
            wanted["resourceVersion"] = pod["metadata"]["resourceVersion"]
        if self._dry_run:
            _check_preconditions(pod, wanted)
            return

        def mark(live: Object) -> Object:
            _check_preconditions(live, wanted)
            return _mark(live)

        ctx, options = self._ctx, self._options
        marked = await ctx.client.update(PODS, ctx.name, mark, ctx.namespace, subresource="status")
        await ctx.client.delete(
            PODS,
            ctx.name,
            ctx.namespace,
            uid=pod["metadata"]["uid"],
            propagation=options.get("propagationPolicy", "Background"),
            grace_seconds=options.get("gracePeriodSeconds"),
            resource_version=marked["metadata"]["resourceVersion"] if "resourceVersion" in wanted else "",
        )


def _mark(pod: Object) -> Object:
    """Say in the pod's status why it goes."""
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": times.now(),
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }
    set_condition(pod.setdefault("status", {}), condition)
    return pod


def _unguarded(pod: Object) -> bool:
    """Tell whether the pod does not count for budgets: it does not run (yet, or any more)."""
    return pod.get("status", {}).get("phase") in _UNGUARDED or "deletionTimestamp" in pod["metadata"]


def _check_preconditions(pod: Object, preconditions: Object) -> None:
    metadata = pod["metadata"]
    for member, word in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        wanted, found = preconditions.get(member), metadata.get(member, "")
        if wanted is not None and wanted != found:
            what = "deleted and then recreated" if member == "uid" else "modified"
            raise conflict(
                _POD_KIND,
                metadata["name"],
                f"the {word} in the precondition ({wanted}) does not match the {word} in record ({found}). "
                f"The object might have been {what}",
            )


def _may_come_to_run(pod: Object) -> bool:
    """Tell whether a pod that does not count for budgets now may do so soon."""
    return pod.get("status", {}).get("phase") == "Pending" and "deletionTimestamp" not in pod["metadata"]


async def _claim(client: ObjectClient, pod: Object, *, dry_run: bool) -> str:
    """Take one disruption from the pod's budget, if it has one; raises when that has none left.

    Returns the name of a budget that lets the pod go only because it is unhealthy, "" otherwise.
    """
    metadata = pod["metadata"]
    budgets = await _budgets(client, metadata.get("namespace", ""), metadata.get("labels", {}))
    if len(budgets) > 1:
        raise StatusError(500, "", _SEVERAL)
    if not budgets:
        return ""
    if _may_go_unhealthy(pod, budgets[0]):
        return str(budgets[0]["metadata"]["name"])
    name = metadata["name"]
    if dry_run:
        _decrement(budgets[0], name)
        return ""
    await client.update(
        DISRUPTION_BUDGETS,
        budgets[0]["metadata"]["name"],
        lambda budget: _decrement(budget, name),
        metadata.get("namespace", ""),
        subresource="status",
    )
    return ""


async def _budgets(client: ObjectClient, namespace: str, labels: dict[str, str]) -> list[Object]:
    if not labels:
        return []
    budgets = await client.list(DISRUPTION_BUDGETS, namespace)
    return [one for one in budgets if selector_matches(one.get("spec", {}).get("selector"), labels)]


def _may_go_unhealthy(pod: Object, budget: Object) -> bool:
    """Tell whether the pod is unhealthy and its eviction takes nothing from the budget."""
    ready = find_condition(pod.get("status", {}), "Ready")
    if ready is not None and ready.get("status") == "True":
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status", {})
    desired = int(status.get("desiredHealthy", 0))
    return desired > 0 and int(status.get("currentHealthy", 0)) >= desired


def _decrement(budget: Object, pod: str) -> Object:
    """Note one disruption more; raises when the budget does not allow it."""
    status, metadata = budget.setdefault("status", {}), budget["metadata"]
    if status.get("observedGeneration", 0) < metadata.get("generation", 0):
        raise _still_processed(metadata["name"])
    allowed = status.get("disruptionsAllowed", 0)
    resource = DISRUPTION_BUDGETS.group_resource
    if allowed < 0:
        raise forbidden(resource, metadata["name"], "pdb disruptions allowed is negative")
    if len(status.get("disruptedPods", {})) > _MOST_DISRUPTED:
        detail = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise forbidden(resource, metadata["name"], detail)
    if allowed == 0:
        raise _too_many(_why_none(metadata["name"], status), 0)
    status["disruptionsAllowed"] = allowed - 1
    if allowed == 1:
        set_condition(status, _insufficient(status))
    status.setdefault("disruptedPods", {})[pod] = times.now()
    return budget


def _insufficient(status: Object) -> Object:
    return {
        "type": "DisruptionAllowed",
        "status": "False",
        "observedGeneration": status.get("observedGeneration", 0),
        "lastTransitionTime": times.now(),
        "reason": "InsufficientPods",
        "message": "",
    }


def _why_none(name: str, status: Object) -> str:
    desired, current = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
    if current <= desired:
        return f"The disruption budget {name} needs {desired} healthy pods and has {current} currently"
    return f"The disruption budget {name} does not allow evicting pods currently"


def _still_processed(name: str) -> StatusError:
    return _too_many(f"The disruption budget {name} is still being processed by the server.", _RETRY_SECONDS)


def _too_many(detail: str, retry_after: int) -> StatusError:
    details: Object = {"causes": [{"reason": "DisruptionBudget", "message": detail}]}
    headers = {}
    if retry_after:
        details["retryAfterSeconds"] = retry_after
        headers["Retry-After"] = str(retry_after)
    return StatusError(429, "TooManyRequests", _REFUSED, details, headers)
