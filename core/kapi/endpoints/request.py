"""One request for a resource, located: what the verbs work on."""

from collections.abc import Callable

import orjson

from kapi.contracts.authn import UserInfo
from kapi.contracts.client import ObjectClient
from kapi.contracts.resources import Object, RequestContext, Resource, Strategy, Subresource, TableConvertor, View
from kapi.contracts.server import Scope
from kapi.endpoints.answer import Answer, as_yaml, indented
from kapi.endpoints.body import ReadBody, read_body
from kapi.endpoints.default_table import DefaultTable
from kapi.endpoints.negotiation import YAML, wants_pretty
from kapi.endpoints.negotiation import Representation as MediaType
from kapi.endpoints.representation import (
    PartialRepresentation,
    PlainRepresentation,
    Representation,
    TableRepresentation,
)
from kapi.endpoints.state import RequestState, header
from kapi.meta.query import Query, first
from kapi.meta.table import is_a_list, not_a_list
from kapi.registry.store import Store
from kapi.registry.table import ResourceTable


class ResourceRequest:
    """A request for a resource that exists, by a verb that it has.

    ``media`` is the negotiated form of the answer; ``plain`` the plain representation of the resource;
    ``continue_secret`` returns what continue tokens are signed with.
    """

    __slots__ = (
        "client",
        "continue_secret",
        "media",
        "namespace",
        "name",
        "plain",
        "read",
        "resource",
        "scope",
        "state",
        "store",
        "subresource",
        "table",
    )

    def __init__(
        self,
        scope: Scope,
        state: RequestState,
        read: ReadBody,
        table: ResourceTable,
        client: ObjectClient,
        resource: Resource,
        subresource: Subresource | None,
        store: Store | None,
        plain: PlainRepresentation | None,
        media: MediaType,
        continue_secret: Callable[[], bytes],
    ) -> None:
        """Take what locating the request has found."""
        self.scope = scope
        self.state = state
        self.read = read
        self.table = table
        self.client = client
        self.resource = resource
        self.subresource = subresource
        self.store = store
        self.plain = plain
        self.media = media
        self.continue_secret = continue_secret
        self.namespace = state.info.namespace if resource.namespaced else ""
        self.name = state.info.name

    @property
    def query(self) -> Query:
        """The parameters of the query."""
        return self.state.info.query

    @property
    def user(self) -> UserInfo:
        """The authenticated user."""
        assert self.state.user is not None
        return self.state.user

    @property
    def stored(self) -> Store:
        """The store of a resource that is stored."""
        assert self.store is not None
        return self.store

    def header(self, name: bytes) -> str:
        """Return the first header of that (lower-case) name, or ""."""
        return header(self.scope, name)

    async def body(self) -> bytes:
        """Return the whole body; raises the 413 StatusError."""
        return await read_body(self.read, self.header(b"content-length"))

    def context(self, verb: str, options: Object, dry_run: bool = False) -> RequestContext:
        """Return the context of a write."""
        name = self.subresource.name if self.subresource is not None else ""
        return RequestContext(
            self.user,
            verb,
            self.namespace,
            self.name,
            name,
            dry_run,
            self.client,
            options,
            self.state.warnings,
        )

    def representation(self, *, many: bool = False) -> Representation:
        """Return the negotiated form; raises a 400 or 406 StatusError for one that cannot be had (of ``many``)."""
        media = self.media
        if not media.kind:
            assert self.plain is not None
            return self.plain
        if media.kind == "Table":
            include = first(self.query, "includeObject")
            return TableRepresentation(self.table_convertor, media.api_version, include, self._printed_store)
        if many and media.kind == "PartialObjectMetadata" and self.state.info.verb != "watch":
            raise is_a_list(self._internal_name("List"))
        if not many and media.kind == "PartialObjectMetadataList":
            raise not_a_list(self._internal_name(""))
        return PartialRepresentation(media.api_version, self._printed_store)

    @property
    def _printed_store(self) -> Store | None:
        """The store whose objects are shown: none for what is not stored, and for views of what is."""
        return None if self.subresource is not None and self.subresource.view is not None else self.store

    def _internal_name(self, suffix: str) -> str:
        kind = self.resource.kind
        return f"{kind.group.partition('.')[0] or 'core'}.{kind.kind}{suffix}"

    @property
    def table_convertor(self) -> TableConvertor:
        """The printer of what is asked for; the one for kinds without columns of their own if it has none."""
        if self.subresource is not None and self.subresource.table is not None:
            return self.subresource.table
        return self.resource.table or DefaultTable()

    def answer(self, body: bytes, status: int = 200) -> Answer:
        """Return JSON bytes in the negotiated media type."""
        answer = Answer(status, body)
        if self.media.media_type == YAML:
            return as_yaml(answer)
        return indented(answer) if self._pretty() else answer

    @property
    def as_is(self) -> bool:
        """Whether JSON bytes are sent as they are."""
        return self.media.media_type != YAML and not self._pretty()

    def _pretty(self) -> bool:
        if self.media.pretty:
            return True
        query = self.query
        return bool(query) and "pretty" in query and wants_pretty(query, "")

    @property
    def located_subresource(self) -> Subresource:
        """The subresource that the request names."""
        assert self.subresource is not None
        return self.subresource

    @property
    def view(self) -> View:
        """The view of a subresource that is one."""
        view = self.located_subresource.view
        assert view is not None
        return view

    @property
    def strategy(self) -> Strategy:
        """The rules of the write: the subresource's, or the main resource's."""
        if self.subresource is not None and self.subresource.strategy is not None:
            return self.subresource.strategy
        return self.resource.strategy

    def representation_of(self, obj: Object) -> bytes:
        """Return an object that is at hand in the negotiated form."""
        if not self.media.kind:
            return orjson.dumps(obj)
        return self.representation().encode(obj)
