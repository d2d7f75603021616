"""Updating an object: read, change, write; again while others are faster.

The first attempt starts from what the watch cache shows, without asking the backend whether that is the latest: the
compare-and-swap finds out. Only an outcome that writes nothing (a refusal, or no change at all) is checked against
the backend before it is believed. This is what apiserver's GuaranteedUpdate does with its suggestion.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from kapi.contracts.resources import RequestContext, Strategy
from kapi.contracts.storage import KeyMissing, RevisionConflict, Unavailable
from kapi.meta.apply.managed import keep_times_if_unchanged
from kapi.meta.errors import FieldError, StatusError, conflict, field_invalid, invalid, not_found, object_modified
from kapi.meta.gvk import GroupKind
from kapi.meta.objectmeta import validate_object_meta, validate_object_meta_update
from kapi.registry.objects import (
    Object,
    keep_system_fields,
    metadata,
    ordered,
    parse_resource_version,
    set_generation_on_update,
)
from kapi.storage.entry import Entry

if TYPE_CHECKING:
    from kapi.registry.store import Store, Stored, Track, Transform

ATTEMPTS = 1000
"""More than any crowd of writers to one object needs: of those that meet, one always gets through."""


class _Outcome(NamedTuple):
    """How an attempt ended: ``written`` tells whether the backend has confirmed that its start was the latest."""

    stored: "Stored"
    written: bool


class Update:
    """One update of one object, for as many attempts as it needs."""

    def __init__(
        self,
        store: "Store",
        ctx: RequestContext,
        transform: "Transform",
        track: "Track",
        strategy: Strategy,
        *,
        pure: bool,
        uid: str,
    ) -> None:
        """Take what is to be done; see :meth:`kapi.registry.store.Store.update`."""
        self._store = store
        self._ctx = ctx
        self._transform = transform
        self._track = track
        self._strategy = strategy
        self._pure = pure
        self._uid = uid

    async def run(self, create: Callable[[], Object] | None) -> "Stored":
        """Update the object; ``create`` makes one where there is none (None: raises not_found)."""
        store, ctx = self._store, self._ctx
        key = store.key(ctx.namespace, ctx.name)
        await store.cache.ready()
        entry = store.cache.entries.get(key)
        certain = False
        for _ in range(ATTEMPTS):
            if entry is None and not certain:
                entry, certain = await store.fresh(key), True
            if entry is None:
                if create is None:
                    raise not_found(store.group_resource, ctx.name)
                new = create()
                metadata(new).pop("resourceVersion", None)  # nothing to compare with: not refused, as in a create
                return await store.create(ctx, new, self._track, self._strategy)
            refusal, outcome = await self._try(entry)
            if outcome is not None and (outcome.written or certain):
                return outcome.stored
            if refusal is not None and certain:
                raise refusal
            latest = await store.fresh(key)
            if latest is not None and latest.revision == entry.revision:
                if refusal is not None:
                    raise refusal
                if outcome is not None:
                    return outcome.stored
            entry, certain = latest, True
        raise object_modified(store.group_resource, ctx.name)

    async def _try(self, entry: Entry) -> tuple[StatusError | None, _Outcome | None]:
        """Attempt the update; both results are None when another write came first."""
        try:
            return None, await self._attempt(entry)
        except (RevisionConflict, KeyMissing):
            return None, None
        except StatusError as refusal:
            return refusal, None

    async def _attempt(self, entry: Entry) -> _Outcome:
        store, ctx, strategy = self._store, self._ctx, self._strategy
        live = store.object(entry)
        self._check_uid(live, entry)
        obj = self._transform(live if self._pure else store.object(entry))
        self._check_lock(obj, entry)
        self._track(live, obj)
        attributes = store.attributes("UPDATE", ctx, obj, entry)
        await store.admission.mutate(attributes)
        meta, old = obj["metadata"], live["metadata"]
        keep_system_fields(meta, old)
        strategy.prepare_for_update(ctx, obj, live)
        set_generation_on_update(obj, live, strategy.generation)
        found = store.findings(obj, strategy, live)
        errors = update_findings(meta, old, strategy.fully_qualified_finalizers, checked=not found) + found
        if errors and strategy.rechecks_metadata:
            namespaced = store.resource.namespaced
            errors = validate_object_meta(meta, namespaced=namespaced, fully_qualified_finalizers=False) + errors
        store.refuse(obj, errors + strategy.validate_update(ctx, obj, live))
        ctx.warnings.extend(strategy.warnings(ctx, obj, live))
        await store.admission.validate(attributes)
        keep_times_if_unchanged(live, obj)
        if obj == live and not await store.backend.outdated(entry.key):
            return _Outcome(store.unwritten(obj, entry.revision), False)
        return await self._write(entry, ordered(obj), live)

    async def _write(self, entry: Entry, obj: Object, live: Object) -> _Outcome:
        """Let the kind take what it needs elsewhere, write, and let it give back what is not needed any more."""
        ctx, strategy = self._ctx, self._strategy
        await strategy.before_update(ctx, obj, live)
        try:
            stored = await self._store.replace(ctx, entry, obj, live, strategy)
        except Unavailable:  # as with CancelledError: the write may yet be done, and what it took stays taken
            raise
        except Exception:
            await strategy.after_update_failed(ctx, obj, live)
            raise
        if ctx.dry_run:
            await strategy.after_update_failed(ctx, obj, live)
        else:
            await strategy.after_update(ctx, obj, live)
        return _Outcome(stored, not ctx.dry_run)

    def _check_lock(self, obj: Object, entry: Entry) -> None:
        """Check the optimistic lock that the object itself carries, its resourceVersion."""
        meta, resource = metadata(obj), self._store.group_resource
        given = parse_resource_version(meta.get("resourceVersion", ""))
        if given and given != entry.revision:
            raise object_modified(resource, self._ctx.name)
        if not given:
            if not self._strategy.allow_unconditional_update:
                error = field_invalid("metadata.resourceVersion", 0, "must be specified for an update")
                raise invalid(GroupKind(*resource), self._ctx.name, [error])
            meta["resourceVersion"] = str(entry.revision)

    def _check_uid(self, live: Object, entry: Entry) -> None:
        stored = live["metadata"].get("uid", "")
        if self._uid and self._uid != stored:
            raise conflict(
                self._store.group_resource,
                entry.name,
                f"StorageError: invalid object, Code: 4, Key: {entry.key}, ResourceVersion: 0, AdditionalErrorMsg: "
                f"Precondition failed: UID in precondition: {self._uid}, UID in object meta: {stored}",
            )


def update_findings(
    meta: Object, old: Object, fully_qualified_finalizers: bool = True, *, checked: bool = False
) -> list[FieldError]:
    """Return what is wrong with a change of metadata; ``checked`` if nothing is wrong with the new metadata as such.

    apiserver asks twice, for all kinds and for the kind, and so lists each cause twice. The same goes for what is wrong
    with the new metadata; see :attr:`kapi.contracts.resources.Strategy.rechecks_metadata`.
    """
    of_the_kind = validate_object_meta_update(
        meta, old, fully_qualified_finalizers=fully_qualified_finalizers, checked=checked
    )
    if not of_the_kind:
        return of_the_kind  # what is asked for all kinds is part of that
    return validate_object_meta_update(meta, old, fully_qualified_finalizers=False) + of_the_kind
