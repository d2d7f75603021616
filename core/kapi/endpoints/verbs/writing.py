"""POST and PUT: create and update."""

import orjson

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.endpoints.answer import Answer
from kapi.endpoints.body import BodyDecoder
from kapi.endpoints.negotiation import body_media_type
from kapi.endpoints.request import ResourceRequest
from kapi.endpoints.tracking import Tracker
from kapi.meta.errors import bad_request, method_not_allowed
from kapi.meta.options import WriteOptions, parse_create_options, parse_update_options
from kapi.meta.schema.defaulting import apply_defaults
from kapi.meta.schema.types import Struct
from kapi.registry.objects import metadata
from kapi.registry.store import Stored
from kapi.storage.entry import Codec


def settle(struct: Struct, strategy: Strategy, obj: Object) -> Object:
    """Fill in the defaults of a decoded object: the schema's, then the kind's."""
    apply_defaults(struct, obj)
    strategy.default(obj)
    return obj


def match_namespace(request: ResourceRequest, obj: Object) -> None:
    """Give an object the namespace of the request; raises a 400 StatusError if it names another."""
    check_namespace(request, obj)
    meta = metadata(obj)
    if request.resource.namespaced:
        meta["namespace"] = request.namespace
    else:
        meta.pop("namespace", None)


def check_namespace(request: ResourceRequest, obj: Object) -> None:
    """Raise a 400 StatusError for an object that names another namespace than the request."""
    given = metadata(obj).get("namespace")
    if given and request.resource.namespaced and given != request.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def match_name(request: ResourceRequest, obj: Object) -> None:
    """Check that an object has the name of the request; raises a 400 StatusError."""
    name = metadata(obj).get("name", "")
    if not name:
        raise bad_request(
            f"the name of the object ({request.name} based on URL) was undeterminable: name must be provided"
        )
    if name != request.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({request.name})")


async def decoded_body(request: ResourceRequest, struct: Struct, options: WriteOptions) -> Object:
    """Return the object in the body."""
    subresource = request.subresource
    kind, accepts = (request.resource.kind, ()) if subresource is None else (subresource.kind, subresource.accepts)
    media_type = body_media_type(request.header(b"content-type"))
    data = await request.body()
    custom = request.resource.custom and kind == request.resource.kind
    decoder = BodyDecoder(kind, struct, request.table, accepts=accepts, custom=custom)
    return decoder.decode(data, media_type, options.field_validation, request.state.warnings)


async def create(request: ResourceRequest) -> Answer:
    """Create an object, or ask a resource that is not stored."""
    options = parse_create_options(request.query)
    struct = request.resource.schema()
    obj = await decoded_body(request, struct, options)
    match_namespace(request, obj)
    ctx = request.context("create", options.to_object(), options.dry_run)
    ctx.name = ""
    settle(struct, request.resource.strategy, obj)
    if request.store is None:
        return await _ask(request, request.resource.handler, ctx, obj)
    track = Tracker(request, options.field_manager, struct)
    stored = await request.stored.create(ctx, obj, track)
    return write_answer(request, stored)


async def _ask(request: ResourceRequest, handler: object, ctx: RequestContext, obj: Object) -> Answer:
    """Let a handler answer a POST."""
    answer = getattr(handler, "create", None)
    if answer is None:
        raise method_not_allowed()
    result: Object = await answer(ctx, obj)
    status = result.get("code", 200) if result.get("kind") == "Status" else 201
    representation = request.representation_of(result)
    return request.answer(representation, status)


async def create_subresource(request: ResourceRequest) -> Answer:
    """Let the handler of a subresource answer a POST."""
    subresource = request.located_subresource
    options = parse_create_options(request.query)
    struct = (subresource.schema or request.resource.schema)()
    obj = await decoded_body(request, struct, options)
    match_namespace(request, obj)
    apply_defaults(struct, obj)
    ctx = request.context("create", options.to_object(), options.dry_run)
    return await _ask(request, subresource.handler, ctx, obj)


class Replacement:
    """The object of a PUT, for as many attempts as the write needs: each gets its own."""

    def __init__(self, obj: Object) -> None:
        """Take the decoded object."""
        self._sent = orjson.dumps(obj)
        self._first: Object | None = obj

    def __call__(self, live: Object | None = None) -> Object:
        """Return the object to write; what is stored now does not matter."""
        obj, self._first = self._first, None
        if obj is None:
            obj = orjson.loads(self._sent)
        return obj


async def update(request: ResourceRequest) -> Answer:
    """Replace an object, through its main resource or a subresource of the same kind."""
    options = parse_update_options(request.query)
    strategy = request.strategy
    struct = request.resource.schema()
    obj = await decoded_body(request, struct, options)
    match_namespace(request, obj)
    match_name(request, obj)
    settle(struct, strategy, obj)
    new, uid = Replacement(obj), metadata(obj).get("uid", "")
    ctx = request.context("update", options.to_object(), options.dry_run)
    track = Tracker(request, options.field_manager, struct)
    stored = await request.stored.update(ctx, new, track, strategy=strategy, create=new, pure=True, uid=uid)
    return write_answer(request, stored)


def write_answer(request: ResourceRequest, stored: Stored) -> Answer:
    """Answer a write with the object as it was stored."""
    status = 201 if stored.created else 200
    if request.media.kind or request.stored.converted:
        return request.answer(request.representation().encode(stored.object), status)
    codec: Codec = request.stored.cache.codec
    return request.answer(codec.wire(stored.value, stored.revision), status)
