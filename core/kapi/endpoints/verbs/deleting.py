"""DELETE of one object, and of a collection."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson

from kapi.endpoints.answer import YAML, Answer
from kapi.endpoints.negotiation import PROTOBUF, body_media_type
from kapi.endpoints.protobuf import decode_body
from kapi.endpoints.request import ResourceRequest
from kapi.endpoints.selection import Selection
from kapi.endpoints.verbs.reading import page
from kapi.meta.errors import StatusError, bad_request
from kapi.meta.listing import parse_list_options
from kapi.meta.options import DeleteOptions, parse_delete_options
from kapi.meta.protobuf import ProtobufError
from kapi.meta.schema.parse import ParseError, parse_json, parse_yaml
from kapi.meta.schema.tables import METAV1, metav1_definitions
from kapi.registry.deletion import delete, deleted_status
from kapi.storage.entry import Entry

CONCURRENCY = 16
"""How many objects of a collection are deleted at once."""


async def _options(request: ResourceRequest) -> DeleteOptions:
    """Return the options: from the body if there is one, else from the query."""
    data = await request.body()
    if not data:
        return parse_delete_options(request.query)
    media_type = body_media_type(request.header(b"content-type"))
    try:
        if media_type == PROTOBUF:
            body: Any = decode_body(data, metav1_definitions().struct(f"{METAV1}DeleteOptions"), request.table.groups)
        else:
            body = parse_yaml(data) if media_type == YAML else parse_json(data)
    except ProtobufError as error:
        raise bad_request(str(error)) from None
    except ParseError as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None
    return parse_delete_options(request.query, body)


async def delete_one(request: ResourceRequest) -> Answer:
    """Delete an object; answers with a Status when it is gone, with the object while something keeps it."""
    options = await _options(request)
    ctx = request.context("delete", options.to_object(), options.dry_run)
    store = request.stored
    deleted = await delete(store, ctx, options)
    if deleted.gone and not store.resource.strategy.returns_deleted:
        return request.answer(orjson.dumps(deleted_status(store, request.name, deleted.object)))
    return request.answer(request.representation().encode(deleted.object))


async def delete_collection(request: ResourceRequest) -> Answer:
    """Delete all objects that match; answers with the list of them."""
    options = await _options(request)
    listing = parse_list_options(request.query, watch=False)
    selection = Selection(request.resource, request.namespace, listing)
    entries, meta = await page(request, listing, selection)
    await _delete_all(request, entries, options)
    return request.answer(b"".join(request.representation(many=True).list(entries, meta)))


async def _delete_all(request: ResourceRequest, entries: Sequence[Entry], options: DeleteOptions) -> None:
    slots = asyncio.Semaphore(CONCURRENCY)

    async def one(entry: Entry) -> None:
        async with slots:
            ctx = request.context("delete", options.to_object(), options.dry_run)
            ctx.namespace, ctx.name = entry.namespace, entry.name
            try:
                await delete(request.stored, ctx, options)
            except StatusError as error:
                if error.reason != "NotFound":
                    raise

    await asyncio.gather(*(one(entry) for entry in entries))
