"""Finds the resource that a request is about, and lets the verb answer."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from kapi.contracts.client import ObjectClient
from kapi.contracts.resources import Resource, Subresource
from kapi.contracts.server import Receive, Scope, Send
from kapi.endpoints.answer import Answer
from kapi.endpoints.body import ReadBody
from kapi.endpoints.negotiation import COLLECTION, CUSTOM, OBJECT, Profile, negotiate, negotiate_watch
from kapi.endpoints.representation import PlainRepresentation
from kapi.endpoints.request import ResourceRequest
from kapi.endpoints.requestinfo import RequestInfo
from kapi.endpoints.state import RequestState, header, request_state
from kapi.endpoints.verbs import connecting, deleting, patching, reading, viewing, writing
from kapi.endpoints.verbs.watching import serve_watch
from kapi.meta.errors import bad_request, go_quote, method_not_allowed, method_not_supported, not_found, unknown_path
from kapi.meta.gvk import GroupResource, GroupVersionResource
from kapi.meta.names import path_segment_name
from kapi.registry.store import Store, find_subresource
from kapi.registry.table import ResourceTable

Verb = Callable[[ResourceRequest], Awaitable[Answer]]

_COLLECTION = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
_OBJECT = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_VERBS: dict[str, Verb] = {
    "get": reading.get,
    "list": reading.list_,
    "create": writing.create,
    "update": writing.update,
    "patch": patching.patch,
    "delete": deleting.delete_one,
    "deletecollection": deleting.delete_collection,
}


class Located(NamedTuple):
    """A resource of the table and what goes with it."""

    resource: Resource
    subresource: Subresource | None
    store: Store | None
    plain: PlainRepresentation | None


_RouteKey = tuple[str, str, str, str, str, int, bool, bool]
"""All that decides about a route: group, version, resource, subresource, method, and which parts there are."""


class _Route(NamedTuple):
    """What answers a kind of requests: the resource, the verb, and the forms that it has."""

    located: Located
    verb: Verb
    profile: Profile


class ResourceEndpoint:
    """Serves all resources of a table. The table is read anew for each request: it may be replaced."""

    def __init__(
        self,
        table: Callable[[], ResourceTable],
        client: ObjectClient,
        min_watch_timeout: float,
        continue_secret: Callable[[], bytes],
    ) -> None:
        """Take a function that returns what is served now, the client that strategies use, and what signs tokens."""
        self._table = table
        self._client = client
        self._min_watch_timeout = min_watch_timeout
        self._continue_secret = continue_secret
        self._plain: dict[Store, PlainRepresentation] = {}
        self._routes: dict[_RouteKey, _Route] = {}
        self._routes_of: ResourceTable | None = None
        self._plain_for = table()

    def handles(self, scope: Scope) -> bool:
        """Tell whether a request is for a resource of a group that is served."""
        info, table = request_state(scope).info, self._table()
        served = info.is_resource_request and info.group in table.group_names
        if not served or not info.path.startswith(f"/{info.api_prefix}/"):
            return False
        return info.group not in table.custom_groups or _names_custom(info, table)

    async def answer(self, scope: Scope, read: ReadBody) -> Answer:
        """Return the answer to a request that is not a watch; raises StatusError."""
        state = request_state(scope)
        info, table = state.info, self._table()
        located, verb, profile = self._route(info, table, scope["method"])
        media = negotiate(header(scope, b"accept"), profile)
        _warn_if_deprecated(state, located.resource)
        _check_name(info)
        request = ResourceRequest(scope, state, read, table, self._client, *located, media, self._continue_secret)
        return await verb(request)

    async def watch(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a watch as raw ASGI; raises StatusError before the stream has begun."""
        state = request_state(scope)
        info, table = state.info, self._table()
        located = self._locate(info, table)
        if scope["method"] != "GET":
            raise method_not_allowed()
        _warn_if_deprecated(state, located.resource)
        if "watch" not in located.resource.verbs or located.store is None or located.subresource is not None:
            raise method_not_supported(located.resource.group_resource, "watch")
        media = negotiate_watch(header(scope, b"accept"), _profile(located.resource, collection=True))

        async def no_body(size: int) -> bytes:
            return b""

        request = ResourceRequest(scope, state, no_body, table, self._client, *located, media, self._continue_secret)
        await serve_watch(request, receive, send, self._min_watch_timeout)

    def _route(self, info: RequestInfo, table: ResourceTable, method: str) -> "_Route":
        """Return what answers a request; raises StatusError. What the table decides once is remembered with it."""
        if table is not self._routes_of:
            self._routes, self._routes_of = {}, table
        depth = len(info.parts)
        key = (
            info.group,
            info.version,
            info.resource,
            info.subresource,
            method,
            depth,
            bool(info.namespace),
            info.name == "",
        )
        found = self._routes.get(key)
        if found is None:
            located = self._locate(info, table)
            profile = _profile(located.resource, collection=method == "GET" and not info.name)
            found = _Route(located, self._verb(info, located, method), profile)
            if depth <= 3:
                self._routes[key] = found
        return found

    def _locate(self, info: RequestInfo, table: ResourceTable) -> Located:
        resource = table.resource(GroupVersionResource(info.group, info.version, info.resource))
        if resource is None:
            raise unknown_path()
        _check_scope(info, resource)
        subresource = None
        if info.subresource:
            subresource = find_subresource(resource, info.subresource)
            if subresource is None and resource.custom:
                raise not_found(resource.group_resource, info.name)
            if subresource is None or (len(info.parts) > 3 and "proxy" not in info.parts):
                raise unknown_path()
        store = table.store(resource.gvr)
        return Located(resource, subresource, store, self._plain_of(store))

    def _plain_of(self, store: Store | None) -> PlainRepresentation | None:
        if store is None:
            return None
        table = self._table()
        if table is not self._plain_for:
            kept = set(table.stores())
            self._plain = {each: plain for each, plain in self._plain.items() if each in kept}
            self._plain_for = table
        found = self._plain.get(store)
        if found is None:
            found = self._plain[store] = PlainRepresentation(store)
        return found

    def _verb(self, info: RequestInfo, located: Located, method: str) -> Verb:
        resource, subresource = located.resource, located.subresource
        if subresource is not None:
            return subresource_verb(subresource, method, resource.group_resource if resource.custom else None)
        if len(info.parts) > 1:
            # kube-apiserver takes custom resources' POSTs by their verb alone: the body names the object
            name = "create" if resource.custom and method == "POST" else _OBJECT.get(method)
        else:
            name = _COLLECTION.get(method)
            if resource.namespaced and not info.namespace and name != "list":
                raise method_not_allowed()
        if name is None or name not in resource.verbs:
            raise method_not_allowed()
        if located.store is None and name != "create":
            return _handler_verb(name)
        return _VERBS[name]


def _warn_if_deprecated(state: RequestState, resource: Resource) -> None:
    if resource.deprecation:
        state.warnings.append(resource.deprecation)


def _check_scope(info: RequestInfo, resource: Resource) -> None:
    """Raise unknown_path for a path of the other scope: an object outside its namespace, or a namespace too many."""
    named = len(info.parts) > 1
    if resource.namespaced:
        if named and not info.namespace:
            raise unknown_path()
    elif info.namespace and info.resource != "namespaces":
        raise unknown_path()


def _check_name(info: RequestInfo) -> None:
    """Refuse names that are no path segments."""
    if info.name and len(info.parts) > 1:
        problems = path_segment_name(info.name)
        if problems:
            raise bad_request(f"Name parameter invalid: {go_quote(info.name)}: {problems[0]}")


def _handler_verb(name: str) -> Verb:
    async def ask(request: ResourceRequest) -> Answer:
        return await connecting.ask(request, name)

    return ask


def _profile(resource: Resource, *, collection: bool) -> Profile:
    """Return which forms of answers may be asked for."""
    if resource.custom:
        return CUSTOM
    return COLLECTION if collection else OBJECT


def _names_custom(info: RequestInfo, table: ResourceTable) -> bool:
    """Tell whether a path in a group of custom resources names one that is served, in its scope; else it is no path."""
    resource = table.resource(GroupVersionResource(info.group, info.version, info.resource))
    if resource is None:
        return False
    if not resource.custom:
        return True
    if info.namespace:
        return resource.namespaced
    return not resource.namespaced or (len(info.parts) == 1 and info.verb in ("list", "watch"))


def subresource_verb(subresource: Subresource, method: str, custom: GroupResource | None = None) -> Verb:
    """Return what answers a method on a subresource (``custom``: of that resource); raises method_not_allowed."""
    if subresource.handler is not None:
        return _handled_verb(subresource, method)
    verb = {"GET": "get", "PUT": "update", "PATCH": "patch"}.get(method)
    if verb is None or verb not in subresource.verbs:
        if custom is not None:
            raise method_not_supported(custom, {"POST": "create", "DELETE": "delete"}.get(method, method.lower()))
        raise method_not_allowed()
    if subresource.view is not None:
        return {"get": reading.get, "update": viewing.update, "patch": viewing.patch}[verb]
    return _VERBS[verb]


def _handled_verb(subresource: Subresource, method: str) -> Verb:
    verb = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(method, "")
    if verb not in subresource.verbs:
        raise method_not_allowed()
    if verb == "create" and hasattr(subresource.handler, "create"):
        return writing.create_subresource
    return _handler_verb("connect" if hasattr(subresource.handler, "connect") else verb)
