"""Deleting objects: preconditions, grace, finalizers, propagation.

The rules are those of apiserver's generic registry and ``rest.BeforeDelete``: an object goes at once unless its kind
grants a grace period, or finalizers (its own or those that a propagation policy adds) keep it; then it is marked with
a deletionTimestamp and goes when the last of them is removed.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from kapi.contracts.resources import RequestContext
from kapi.contracts.storage import KeyMissing, RevisionConflict
from kapi.meta.errors import conflict, invalid, not_found, object_modified
from kapi.meta.gvk import GroupResource
from kapi.meta.options import DeleteOptions
from kapi.registry.objects import Object
from kapi.registry.store import Store
from kapi.registry.update import ATTEMPTS
from kapi.storage.entry import Entry

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"


class Deleted(NamedTuple):
    """What became of an object: ``gone``, or marked and kept; ``object`` is its last state."""

    gone: bool
    object: Object


async def delete(store: Store, ctx: RequestContext, options: DeleteOptions) -> Deleted:
    """Delete the object that ``ctx`` names; raises not_found, conflict, or what admission raises."""
    entry: Entry | None = await store.live(ctx.namespace, ctx.name)
    for _ in range(ATTEMPTS):
        if entry is None:
            raise not_found(store.group_resource, ctx.name)
        try:
            return await _delete_once(store, ctx, entry, options)
        except (RevisionConflict, KeyMissing):
            entry = await store.fresh(entry.key)
    raise object_modified(store.group_resource, ctx.name)


async def _delete_once(store: Store, ctx: RequestContext, entry: Entry, options: DeleteOptions) -> Deleted:
    strategy = store.resource.strategy
    obj = store.object(entry)
    check_preconditions(store, entry, obj, options)
    attributes = store.attributes("DELETE", ctx, None, entry)
    await store.admission.mutate(attributes)
    await store.admission.validate(attributes)
    errors = strategy.validate_delete(ctx, obj)
    if errors:
        raise invalid(store.resource.kind.group_kind, ctx.name, errors)
    meta = obj["metadata"]
    grace = strategy.grace_period(ctx, obj, options.grace_period_seconds)
    shorter = grace is not None and _shorten(meta, grace, options)
    if grace is not None and not shorter and _under_way(meta):
        return Deleted(False, obj)
    finalizers = _finalizers(store, obj, options, ctx)
    touched = shorter or finalizers != meta.get("finalizers", [])
    _set(meta, "finalizers", finalizers)
    if grace is None and strategy.deletable(obj):
        return await _remove(store, ctx, entry, obj)
    if _mark(meta, grace or 0) or touched:
        strategy.prepare_for_delete(ctx, obj)
        entry = await _keep(store, ctx, entry, obj)
    if not grace and strategy.deletable(obj):
        return await _remove(store, ctx, entry, obj)
    return Deleted(False, obj)


def _set(meta: dict[str, Any], name: str, value: Any) -> None:
    if value:
        meta[name] = value
    else:
        meta.pop(name, None)


async def _remove(store: Store, ctx: RequestContext, entry: Entry, obj: Object) -> Deleted:
    if not ctx.dry_run:
        await store.backend.delete(entry.key, entry.revision)
        await store.resource.strategy.after_delete(ctx, obj)
    return Deleted(True, obj)


async def _keep(store: Store, ctx: RequestContext, entry: Entry, obj: Object) -> Entry:
    """Store the marked object; returns its entry."""
    if ctx.dry_run:
        return entry
    value = store.encode(obj)
    revision = await store.backend.update(entry.key, value, entry.revision)
    obj["metadata"]["resourceVersion"] = str(revision)
    return store.cache.codec.entry(entry.key, value, revision)


def check_preconditions(store: Store, entry: Entry, obj: Object, options: DeleteOptions) -> None:
    """Compare the uid and resourceVersion that the caller expects; raises conflict."""
    kind = store.resource.kind
    named = GroupResource(kind.group, kind.kind)
    uid = obj["metadata"].get("uid", "")
    if options.uid is not None and options.uid != uid:
        raise conflict(
            named,
            entry.name,
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({uid}). "
            "The object might have been deleted and then recreated",
        )
    if options.resource_version is not None and options.resource_version != str(entry.revision):
        raise conflict(
            named,
            entry.name,
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the ResourceVersion "
            f"in record ({entry.revision}). The object might have been modified",
        )


def _under_way(meta: dict[str, Any]) -> bool:
    """Tell whether a graceful deletion goes on by itself: its time is not up, or finalizers keep the object."""
    granted = meta.get("deletionGracePeriodSeconds")
    return granted is not None and (granted > 0 or bool(meta.get("finalizers")))


def _shorten(meta: dict[str, Any], grace: int, options: DeleteOptions) -> bool:
    """Replace the grace period of a deletion under way by a shorter one that the client asks for."""
    granted = meta.get("deletionGracePeriodSeconds")
    if granted is None or options.grace_period_seconds is None or grace >= granted:
        return False
    when = datetime.fromisoformat(meta["deletionTimestamp"]) - timedelta(seconds=granted - grace)
    meta["deletionTimestamp"] = _timestamp(when)
    meta["deletionGracePeriodSeconds"] = grace
    return True


def _mark(meta: dict[str, Any], grace: int) -> bool:
    """Begin a deletion: set its timestamp and grace; tells whether that was still to be done."""
    if "deletionTimestamp" in meta:
        return False
    meta["deletionTimestamp"] = _timestamp(datetime.now(UTC) + timedelta(seconds=grace))
    meta["deletionGracePeriodSeconds"] = grace
    if meta.get("generation"):
        meta["generation"] += 1
    return True


def _timestamp(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _finalizers(store: Store, obj: Object, options: DeleteOptions, ctx: RequestContext) -> list[str]:
    """Return the finalizers with those of the garbage collector set as the propagation policy wants them."""
    present: list[str] = obj["metadata"].get("finalizers", [])
    if not store.propagates:
        return present
    policy = _policy(store, present, options, ctx)
    kept = [name for name in present if name not in (ORPHAN, FOREGROUND)]
    if policy == "Orphan":
        kept.append(ORPHAN)
    elif policy == "Foreground":
        kept.append(FOREGROUND)
    return kept


def _policy(store: Store, present: list[str], options: DeleteOptions, ctx: RequestContext) -> str:
    if options.orphan_dependents is not None:
        return "Orphan" if options.orphan_dependents else "Background"
    if options.propagation_policy is not None:
        return options.propagation_policy
    if ORPHAN in present:
        return "Orphan"
    if FOREGROUND in present:
        return "Foreground"
    strategy = store.resource.strategy
    if strategy.default_propagation_warning:
        ctx.warnings.append(strategy.default_propagation_warning)
    return strategy.default_propagation


def deleted_status(store: Store, name: str, obj: Object) -> Object:
    """Return the Status that answers a DELETE of an object that is gone."""
    resource = store.group_resource
    details: Object = {"name": name}
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.resource
    details["uid"] = obj["metadata"].get("uid", "")
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
