"""What an API group is: resources, their schemas, strategies, subresources and tables.

Objects are plain dicts in the JSON form of their served version. A stored object never carries
``metadata.resourceVersion``; objects handed to strategies of update and delete carry it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from kapi.contracts.authn import UserInfo
from kapi.meta.errors import FieldError
from kapi.meta.gvk import GroupResource, GroupVersionKind, GroupVersionResource
from kapi.meta.names import dns1123_subdomain
from kapi.meta.schema.check import check
from kapi.meta.schema.types import Struct

if TYPE_CHECKING:
    from kapi.contracts.client import ObjectClient
    from kapi.meta.schema.tables import Definitions

Object = dict[str, Any]


@dataclass(slots=True)
class RequestContext:
    """The write that a strategy or handler takes part in.

    ``warnings`` collects texts for Warning headers (RFC 7234, code 299). ``client`` reaches the
    other objects of the server. ``options`` is the query as CreateOptions and the like.
    """

    user: UserInfo
    verb: str
    namespace: str
    name: str
    subresource: str
    dry_run: bool
    client: "ObjectClient"
    options: Mapping[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class Strategy:
    """What is particular to a kind when it is written. The defaults suit a simple kind with no rules of its own.

    The generic store (:mod:`kapi.registry.store`) does everything that all kinds share: decoding by the schema,
    schema defaults, metadata rules, optimistic locking, finalizers, managed fields, admission.
    All methods but the ``async`` ones must be pure apart from changing ``obj`` in place; they may run again when a
    write is retried. ``old`` must never be changed.

    - ``generation``: dotted paths whose change increments metadata.generation; empty: the kind has none;
    - ``owns_status``: the main resource keeps the stored ``status`` and writes through ``/status`` change only it;
    - ``allow_create_on_update``: PUT to a missing name creates (e.g. leases, events);
    - ``allow_unconditional_update``: PUT without resourceVersion overwrites;
    - ``rechecks_metadata``: kube-apiserver's rules for an update of the kind include those for a new object, and so
      list what is wrong with its metadata once more;
    - ``fully_qualified_finalizers``: finalizers that are not Kubernetes' own must have a domain, as those of
      kube-apiserver's core kinds must;
    - ``resets``: dotted paths of what the rules take back from the stored object, beside the status (or, of the
      ``status`` subresource, all but the status): whoever sends it does not come to own it;
    - ``writes``: dotted paths (``*`` for any item or key) of the only things that a subresource changes, and that
      whoever writes through it comes to own; none: all but what is reset;
    - ``returns_deleted``: DELETE answers with the deleted object, not with a Status of success;
    - ``default_propagation``: what becomes of dependents when a DELETE names no propagation policy ("Background"
      or "Orphan"), and ``default_propagation_warning`` the warning to send then ("" for none).
    """

    generation: tuple[str, ...] = ()
    owns_status: bool = False
    allow_create_on_update: bool = False
    allow_unconditional_update: bool = True
    rechecks_metadata: bool = False
    fully_qualified_finalizers: bool = True
    resets: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    returns_deleted: bool = False
    default_propagation: str = "Background"
    default_propagation_warning: str = ""

    def default(self, obj: Object) -> None:
        """Fill in the defaults that the schema's own cannot express (they depend on other fields).

        Called after decoding, and again after each patch, before anything else.
        """

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Drop or set what a client may not choose (status, generation is done by the store)."""

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Carry over from ``old`` what a client may not change."""

    def validate_name(self, name: str, prefix: bool) -> list[str]:
        """Return what is wrong with metadata.name (``prefix``: with metadata.generateName); empty: nothing."""
        return dns1123_subdomain(name[:-1] if prefix and name.endswith("-") else name)

    def check(self, struct: Struct, obj: Object, old: Object | None) -> list[FieldError]:
        """Return what is wrong with an object by its schema; ``old`` is what it was before an update."""
        return check(struct, obj, old=old)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Return what is wrong with a new object, beyond metadata and types."""
        return []

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Return what is wrong with a changed object, beyond metadata and types. Default: ``validate``."""
        return self.validate(ctx, obj)

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Return warnings to send with the answer; ``old`` is None on create."""
        return []

    async def before_create(self, ctx: RequestContext, obj: Object) -> None:
        """Allocate what the object needs from elsewhere (addresses, ports). Runs after validation; not in dry run
        unless it has no lasting effect. Raise a StatusError to refuse."""

    async def before_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Like ``before_create``, for an update."""

    async def after_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Give back what the object has no more, because its new state is stored. Not called in dry run."""

    async def after_update_failed(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Give back what ``before_update`` took, because the new state was not stored, or only tried (dry run)."""

    async def after_create_failed(self, ctx: RequestContext, obj: Object) -> None:
        """Give back what ``before_create`` took, because the object was not stored."""

    async def after_delete(self, ctx: RequestContext, obj: Object) -> None:
        """Give back what the object held. Also called for the loser of nothing: exactly once per deletion."""

    def grace_period(self, ctx: RequestContext, obj: Object, requested: int | None) -> int | None:
        """Return the seconds of graceful deletion; None (the default) for kinds that know no grace.

        With 0 the object is marked as deleted and then deleted at once, so that watchers see both.
        """
        return None

    def deletable(self, obj: Object) -> bool:
        """Tell whether nothing keeps a deleted object any more. Default: it has no finalizers."""
        return not obj["metadata"].get("finalizers")

    def prepare_for_delete(self, ctx: RequestContext, obj: Object) -> None:
        """Change what a kind changes when its deletion begins and it stays for a while (e.g. a phase).

        Called after metadata.deletionTimestamp and deletionGracePeriodSeconds have been set.
        """

    def validate_delete(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Return why the object may not be deleted; empty: it may."""
        return []


class StatusStrategy(Strategy):
    """Rules of the ``status`` subresource of a kind: only ``status`` (and metadata) may change.

    Wrap or subclass it where a kind's status has rules of its own.
    """

    def __init__(self, main: Strategy) -> None:
        """Take the strategy of the main resource, whose defaults and names hold here too."""
        self.main = main
        self.allow_unconditional_update = main.allow_unconditional_update
        self.fully_qualified_finalizers = main.fully_qualified_finalizers

    def deletable(self, obj: Object) -> bool:
        """Ask the main resource's rules."""
        return self.main.deletable(obj)

    def validate_name(self, name: str, prefix: bool) -> list[str]:
        """Ask the main resource's rules."""
        return self.main.validate_name(name, prefix)

    def default(self, obj: Object) -> None:
        """Apply the main resource's defaults."""
        self.main.default(obj)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep everything but ``status`` and ``metadata`` as it was."""
        for member in list(obj):
            if member not in ("kind", "apiVersion", "metadata", "status"):
                del obj[member]
        status = obj.pop("status", None)
        for member, value in old.items():
            if member not in ("metadata", "status"):
                obj[member] = value
        if status is not None:
            obj["status"] = status

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check nothing: kinds with rules for their status override this."""
        return []


class View(Protocol):
    """A subresource of another kind that shows and changes part of its parent (e.g. Scale)."""

    def project(self, parent: Object) -> Object:
        """Return the subresource's object; its metadata carries the parent's resourceVersion."""

    def read(self, parent: Object) -> Object:
        """Return what a GET answers: as ``project``; raises a StatusError where the parent has nothing to show yet."""

    def validate(self, obj: Object) -> list[FieldError]:
        """Return what is wrong with a new state of the subresource."""

    def apply(self, parent: Object, obj: Object) -> None:
        """Change the parent in place to what the subresource's object says."""

    def parent_path(self, path: tuple[str, ...]) -> tuple[str, ...] | None:
        """Map a field path of the subresource to the parent's (for managedFields), or None."""


class Handler(Protocol):
    """Serves a resource or subresource that is not stored. Implement the methods of the verbs it declares.

    ``create(ctx, obj) -> obj``, ``get(ctx) -> obj`` and ``list(ctx) -> list object`` are recognised; ``connect(ctx) ->
    obj`` serves the verbs of long-running subresources. All are async and raise StatusError. ``obj`` of ``create``
    has been decoded and defaulted by the schema.
    """


@dataclass(frozen=True, slots=True)
class Subresource:
    """A subresource: one of ``strategy`` (the parent's kind, written under other rules), ``view`` or ``handler``.

    A handler may have a ``strategy`` beside it: the rules under which it writes the parent through the client.

    ``name`` may have several segments (``proxy/{path}`` is declared as ``proxy``). ``table`` prints a kind that is not
    the parent's. ``accepts`` are further apiVersions in which bodies may come; they are read as that of ``kind``.
    """

    name: str
    kind: GroupVersionKind
    verbs: tuple[str, ...]
    schema: Callable[[], Struct] | None = None
    strategy: Strategy | None = None
    view: View | None = None
    handler: Handler | None = None
    table: "TableConvertor | None" = None
    accepts: tuple[str, ...] = ()


class Column(NamedTuple):
    """A column of the Table form (meta.k8s.io/v1 TableColumnDefinition)."""

    name: str
    type: str
    format: str = ""
    description: str = ""
    priority: int = 0


class TableConvertor(Protocol):
    """Prints objects as rows, for ``kubectl get``."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns, in order."""

    def cells(self, obj: Object) -> list[Any]:
        """Return one value per column. Ages are printed against the clock."""

    def conditions(self, obj: Object) -> list[Object]:
        """Return the row's conditions (TableRowCondition), usually none."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource in one version of its group.

    - ``schema`` returns the type of the served version (lazily: a kind costs nothing until it is used);
    - ``storage_prefix`` is the key below the storage prefix, ``services/specs``; "" for resources that are not stored;
    - ``storage_kind`` is the kind that is written to storage; where it differs from ``kind``, ``to_storage`` and
      ``from_storage`` convert (each returns a new object or changes its argument and returns it);
    - ``internal`` makes, of the stored form, the one that tables print and whose metadata stands for the object where
      only metadata is shown (kube-apiserver does both with its internal form, in which some annotations are members);
      None: the served version. It must not change its argument;
    - ``selectable_fields`` are the field selectors beyond metadata.name and metadata.namespace (they read the stored
      form);
    - ``ttl`` returns the seconds after which the stored object expires;
    - ``handler`` serves resources that are not stored;
    - ``refresh`` brings an object as it lies in the store into the form that ``storage_kind`` has now (it may have been
      written in another version, or before there were some defaults); it returns a new object, or its argument
      where nothing is to be done;
    - ``custom`` marks a resource that is defined by an object of the server (a custom resource): it has no strategic
      merge patch, its lists repeat the kind of each item, and some requests are refused in other words;
    - ``deprecation`` is a warning that every answer carries ("" for none).
    """

    gvr: GroupVersionResource
    kind: GroupVersionKind
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    schema: Callable[[], Struct]
    strategy: Strategy = field(default_factory=Strategy)
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    table: TableConvertor | None = None
    selectable_fields: Mapping[str, Callable[[Object], str]] = field(default_factory=dict)
    storage_prefix: str = ""
    storage_kind: GroupVersionKind | None = None
    to_storage: Callable[[Object], Object] | None = None
    from_storage: Callable[[Object], Object] | None = None
    internal: Callable[[Object], Object] | None = None
    refresh: Callable[[Object], Object] | None = None
    ttl: Callable[[Object], float | None] | None = None
    handler: Handler | None = None
    custom: bool = False
    deprecation: str = ""

    @property
    def group_resource(self) -> GroupResource:
        """The resource without its version, as errors name it."""
        return self.gvr.group_resource


@dataclass(frozen=True, slots=True)
class APIVersion:
    """A version of a group, with its resources in discovery order."""

    version: str
    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class APIGroup:
    """A group with its versions, preferred first.

    ``priority`` orders groups in discovery (larger first), ``version_priority`` is that of the preferred version
    (the ``groupPriorityMinimum`` and ``versionPriority`` of an APIService). ``definitions`` returns the
    types behind its kinds, for OpenAPI documents (see :mod:`kapi.meta.schema.tables`), ``protobuf`` the numbers of
    their members for clients that send protobuf (see :mod:`kapi.meta.protobuf`). ``describe`` takes the name of a
    definition and of a member ("" for the definition itself) and returns what OpenAPI documents say about it, "" for
    nothing; definitions that groups share may be asked of any group.
    ``unserved`` are kinds that bodies may name although no endpoint serves them, such as those of versions that are
    gone; they are refused as what they are, not as unknown.
    """

    name: str
    versions: tuple[APIVersion, ...]
    priority: int = 1000
    version_priority: int = 15
    bootstrap: "Callable[[ObjectClient], Sequence[tuple[GroupVersionResource, Object]]] | None" = None
    describe: Callable[[str, str], str] | None = None
    definitions: "Callable[[], Definitions] | None" = None
    protobuf: Callable[[], Mapping[str, str]] | None = None
    unserved: tuple[GroupVersionKind, ...] = ()


class GroupInstaller(Protocol):
    """Changes what is served while the server runs."""

    def install(self, owner: str, groups: Sequence[APIGroup]) -> None:
        """Serve these groups, and no longer those that the owner installed before.

        A group of a name that is served already adds to it; a resource that somebody else serves stays theirs.
        Resources that are the same objects as before go on undisturbed; watches of others end. Takes effect for the
        next request.
        """
