"""The generic store: create, read and update objects of any kind under its strategy.

One :class:`Store` serves one resource in one version. Stores of the versions of a resource share a watch cache.
Deletion is in :mod:`kapi.registry.deletion`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import orjson

from kapi.contracts.admission import AdmissionAttributes, Operation
from kapi.contracts.resources import RequestContext, Resource, Strategy, Subresource
from kapi.contracts.storage import KeyExists, StorageBackend, Unavailable
from kapi.meta.errors import (
    FieldError,
    StatusError,
    already_exists,
    invalid,
    not_found,
)
from kapi.meta.gvk import GroupKind, GroupVersionKind
from kapi.meta.names import generate_name
from kapi.meta.objectmeta import validate_object_meta
from kapi.registry.objects import (
    Object,
    fill_system_fields,
    metadata,
    ordered,
)
from kapi.registry.update import Update
from kapi.storage.entry import Entry
from kapi.storage.watchcache import WatchCache

NAME_ATTEMPTS = 8
"""How many generated names are tried."""


class Admission(Protocol):
    """What the store needs of the admission chain; see :class:`kapi.admission.chain.AdmissionChain`."""

    async def mutate(self, attributes: AdmissionAttributes) -> None:
        """Let the controllers change the object."""

    async def validate(self, attributes: AdmissionAttributes) -> None:
        """Let the controllers refuse the object."""


class NoAdmission:
    """Admits everything: for writes of the server itself."""

    async def mutate(self, attributes: AdmissionAttributes) -> None:
        """Change nothing."""

    async def validate(self, attributes: AdmissionAttributes) -> None:
        """Refuse nothing."""


class Stored(NamedTuple):
    """An object as it was written: its value in storage form, its revision (0: dry run), and the object itself.

    ``created`` tells a creation from an update; ``object`` is in the served version, without resourceVersion when it
    was not stored.
    """

    value: bytes
    revision: int
    object: Object
    created: bool = False


Transform = Callable[[Object], Object]
"""Makes the new object of an update from the live one (which it may change). It may be called again."""

Track = Callable[[Object | None, Object], None]
"""Updates managedFields of the second object, given the live one."""


def no_tracking(live: Object | None, new: Object) -> None:
    """Leave managedFields as the object has them."""


class Store:
    """See the module's description."""

    def __init__(
        self,
        resource: Resource,
        cache: WatchCache,
        backend: StorageBackend,
        admission: Admission,
        *,
        propagates: bool = True,
    ) -> None:
        """Take the resource, the cache of its stored form, and the admission chain of its writes.

        ``propagates`` tells whether somebody collects garbage, for whom deletions leave finalizers.
        """
        self.resource = resource
        self.cache = cache
        self.backend = backend
        self.admission = admission
        self.propagates = propagates
        self.group_resource = resource.group_resource
        self.stored_kind = resource.storage_kind or resource.kind
        self.converted = self.stored_kind != resource.kind

    def with_admission(self, admission: Admission) -> "Store":
        """Return the same store under another admission chain."""
        return Store(self.resource, self.cache, self.backend, admission, propagates=self.propagates)

    # Reading

    def key(self, namespace: str, name: str) -> str:
        """Return the storage key of an object."""
        if self.resource.namespaced:
            return f"{self.cache.prefix}{namespace}/{name}"
        return self.cache.prefix + name

    async def current(self, namespace: str, name: str) -> Entry | None:
        """Return the entry of an object as of now, or None."""
        await self.cache.current()
        return self.cache.entries.get(self.key(namespace, name))

    async def live(self, namespace: str, name: str) -> Entry:
        """Return the entry of an object as of now; raises not_found."""
        entry = await self.current(namespace, name)
        if entry is None:
            raise not_found(self.group_resource, name)
        return entry

    async def fresh(self, key: str) -> Entry | None:
        """Return the entry of a key straight from the backend, past the cache."""
        found = await self.backend.get(key)
        return None if found is None else self.cache.codec.entry(key, found.value, found.revision)

    def object(self, entry: Entry) -> Object:
        """Return the object of an entry in the served version; a new one each time."""
        obj = self.cache.codec.decode(entry)
        convert = self.resource.from_storage
        return convert(obj) if convert is not None else obj

    def printed(self, entry: Entry) -> Object:
        """Return the object of an entry in the form that is printed."""
        internal = self.resource.internal
        return self.object(entry) if internal is None else internal(self.cache.codec.decode(entry))

    def as_printed(self, obj: Object) -> Object:
        """Return an object of the served version in the form that is printed."""
        internal, convert = self.resource.internal, self.resource.to_storage
        if internal is None:
            return obj
        return internal(convert(_copied(obj)) if convert is not None else obj)

    def encode(self, obj: Object) -> bytes:
        """Return the value to store for an object of the served version."""
        convert = self.resource.to_storage
        return self.cache.codec.encode(convert(_copied(obj)) if convert is not None else obj)

    def shown(self, value: bytes, obj: Object) -> Object:
        """Return an object as its stored value shows it: what the stored version does not know is lost."""
        if not self.converted:
            return obj
        convert, stored = self.resource.from_storage, orjson.loads(value)
        shown: Object = convert(stored) if convert is not None else stored
        if "resourceVersion" in obj["metadata"]:
            shown["metadata"]["resourceVersion"] = obj["metadata"]["resourceVersion"]
        return shown

    # Creating

    async def create(
        self, ctx: RequestContext, obj: Object, track: Track = no_tracking, strategy: Strategy | None = None
    ) -> Stored:
        """Create an object (decoded and defaulted); raises already_exists, invalid, or what admission raises."""
        strategy = strategy or self.resource.strategy
        meta = metadata(obj)
        track(None, obj)
        await self.admission.mutate(self.attributes("CREATE", ctx, obj, None))
        generated = not meta.get("name") and bool(meta.get("generateName"))
        for attempt in range(NAME_ATTEMPTS):
            if generated:
                meta["name"] = generate_name(meta["generateName"])
            try:
                return await self._create_once(ctx, ordered(obj), strategy)
            except KeyExists:
                if not generated or attempt == NAME_ATTEMPTS - 1:
                    raise await self._exists(ctx, meta) from None
        raise AssertionError("unreachable")

    async def _create_once(self, ctx: RequestContext, obj: Object, strategy: Strategy) -> Stored:
        meta = obj["metadata"]
        fill_system_fields(meta)
        strategy.prepare_for_create(ctx, obj)
        if strategy.generation:
            meta["generation"] = 1
        self.refuse(obj, self.findings(obj, strategy) + strategy.validate(ctx, obj))
        ctx.warnings.extend(strategy.warnings(ctx, obj, None))
        await self.admission.validate(self.attributes("CREATE", ctx, obj, None))
        if _positive(meta.get("resourceVersion", "")):
            raise StatusError(500, "", "resourceVersion should not be set on objects to be created")
        meta.pop("resourceVersion", None)
        await strategy.before_create(ctx, obj)
        try:
            return await self._insert(ctx, ordered(obj))
        except Unavailable:  # as with CancelledError: the write may yet be done, and what it took stays taken
            raise
        except Exception:
            await strategy.after_create_failed(ctx, obj)
            raise

    async def _insert(self, ctx: RequestContext, obj: Object) -> Stored:
        meta = obj["metadata"]
        key = self.key(meta.get("namespace", ""), meta["name"])
        value = self.encode(obj)
        if ctx.dry_run:
            if await self.current(meta.get("namespace", ""), meta["name"]) is not None:
                raise KeyExists
            return Stored(value, 0, self.shown(value, obj), True)
        revision = await self.backend.create(key, value, ttl=self._ttl(obj))
        meta["resourceVersion"] = str(revision)
        return Stored(value, revision, self.shown(value, obj), True)

    def _ttl(self, obj: Object) -> float | None:
        return self.resource.ttl(obj) if self.resource.ttl is not None else None

    def findings(self, obj: Object, strategy: Strategy, old: Object | None = None) -> list[FieldError]:
        """Return what is wrong with an object (``old``: as it was) by the rules that all kinds share."""
        meta = obj["metadata"]
        found = validate_object_meta(
            meta,
            namespaced=self.resource.namespaced,
            name_validator=strategy.validate_name,
            fully_qualified_finalizers=strategy.fully_qualified_finalizers,
        )
        return found + strategy.check(self.resource.schema(), obj, old)

    def refuse(self, obj: Object, errors: list[FieldError]) -> None:
        """Raise invalid if anything is wrong with the object; custom resources are named by what they say they are."""
        if errors:
            said = GroupKind(obj["apiVersion"].rpartition("/")[0], obj["kind"]) if self.resource.custom else None
            raise invalid(said or self.stored_kind.group_kind, obj["metadata"].get("name", ""), errors)

    async def _exists(self, ctx: RequestContext, meta: Object) -> StatusError:
        error = already_exists(self.group_resource, meta["name"])
        if meta.get("generateName"):
            error.message += ", the server was not able to generate a unique name for the object"
            error.details = {**(error.details or {}), "retryAfterSeconds": 1}
            return error
        entry = await self.fresh(self.key(meta.get("namespace", ""), meta["name"]))
        if entry is not None and "deletionTimestamp" in self.object(entry)["metadata"]:
            error.message = "object is being deleted: " + error.message
        return error

    # Updating

    async def update(
        self,
        ctx: RequestContext,
        transform: Transform,
        track: Track = no_tracking,
        *,
        strategy: Strategy | None = None,
        create: Callable[[], Object] | None = None,
        create_always: bool = False,
        pure: bool = False,
        uid: str = "",
    ) -> Stored:
        """Read, change, write; again while others are faster.

        ``create`` makes the object to create when none exists, if the strategy allows creation by update or
        ``create_always`` (server-side apply). ``pure`` says that the transform leaves the live object as it is, and
        that its result shares nothing with it but managedFields; otherwise it gets a copy of its own. ``uid`` is a
        precondition, if given. Raises not_found, conflict, object_modified, invalid, or what the transform and
        admission raise.
        """
        strategy = strategy or self.resource.strategy
        may_create = create_always or strategy.allow_create_on_update
        update = Update(self, ctx, transform, track, strategy, pure=pure, uid=uid)
        return await update.run(create if may_create else None)

    def unwritten(self, obj: Object, revision: int) -> Stored:
        """Return the result of a write that changes nothing."""
        value = self.encode(obj)
        return Stored(value, revision, self.shown(value, obj))

    async def replace(self, ctx: RequestContext, entry: Entry, obj: Object, live: Object, strategy: Strategy) -> Stored:
        """Write a changed object over its entry, or delete it if nothing keeps it any more.

        Raises RevisionConflict or KeyMissing when another was faster.
        """
        value = self.encode(obj)
        if ctx.dry_run:
            return Stored(value, entry.revision, self.shown(value, obj))
        if done_deleting(obj, live, strategy):
            await self.backend.delete(entry.key, entry.revision)
            await strategy.after_delete(ctx, obj)
            return Stored(value, entry.revision, self.shown(value, obj))
        revision = await self.backend.update(entry.key, value, entry.revision, ttl=self._ttl(obj))
        obj["metadata"]["resourceVersion"] = str(revision)
        return Stored(value, revision, self.shown(value, obj))

    # Admission

    def attributes(
        self, operation: Operation, ctx: RequestContext, obj: Object | None, old: Entry | None
    ) -> AdmissionAttributes:
        """Return what admission sees of a write; the old object is a copy of its own, made when it is asked for."""
        return AdmissionAttributes(
            operation=operation,
            kind=self._admitted_kind(ctx.subresource),
            resource=self.resource.gvr,
            subresource=ctx.subresource,
            namespace=ctx.namespace,
            name=ctx.name or (obj["metadata"].get("name", "") if obj else ""),
            object=obj,
            load_old=partial(self.object, old) if old is not None else None,
            user=ctx.user,
            dry_run=ctx.dry_run,
            options=dict(ctx.options),
            warnings=ctx.warnings,
            verb=ctx.verb,
        )

    def _admitted_kind(self, subresource: str) -> GroupVersionKind:
        found = find_subresource(self.resource, subresource) if subresource else None
        return found.kind if found is not None else self.resource.kind


def find_subresource(resource: Resource, name: str) -> Subresource | None:
    """Return the subresource of that name, or None."""
    return next((sub for sub in resource.subresources if sub.name == name), None)


def done_deleting(obj: Object, live: Object, strategy: Strategy) -> bool:
    """Tell whether an update removed the last thing that kept a deleted object alive."""
    before = live["metadata"]
    if "deletionTimestamp" not in before or before.get("deletionGracePeriodSeconds", 0) != 0:
        return False
    return strategy.deletable(obj)


def _positive(resource_version: str) -> bool:
    return resource_version.isascii() and resource_version.isdigit() and int(resource_version) > 0


def _copied(obj: Any) -> Any:
    if isinstance(obj, dict):
        return {k: _copied(v) for k, v in obj.items()}
    if isinstance(obj, list):
        return [_copied(v) for v in obj]
    return obj
