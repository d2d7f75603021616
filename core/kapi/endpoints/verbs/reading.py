"""GET of one object, and LIST."""

import asyncio
from collections.abc import Callable, Sequence

from kapi.contracts.storage import Compacted, FutureRevision
from kapi.endpoints.answer import Answer
from kapi.endpoints.representation import ListMeta, PlainRepresentation
from kapi.endpoints.request import ResourceRequest
from kapi.endpoints.selection import Selection
from kapi.endpoints.waiting import current, reached
from kapi.meta.errors import bad_request, expired, not_found
from kapi.meta.listing import (
    EXACT,
    ContinueTokens,
    ExpiredContinueError,
    ListOptions,
    parse_list_options,
)
from kapi.meta.query import first, parse_resource_version
from kapi.storage.entry import Entry
from kapi.storage.ordered import Snapshot
from kapi.storage.turns import Turns
from kapi.storage.watchcache import WatchCache

LONG_BODY = 256 * 1024
"""From that size on, a list is made YAML, or indented, in a thread."""
MAX_PAGE = 10_000
"""How many objects one look at an old state of the store reads at a time."""


async def get(request: ResourceRequest) -> Answer:
    """Answer with one object: as of now, or not older than ``resourceVersion``."""
    store = request.stored
    version = first(request.query, "resourceVersion")
    key = store.key(request.namespace, request.name)
    if version:
        await reached(store.cache, parse_resource_version(version))
    elif not await _caught_up(request):
        return _shown(request, await store.fresh(key))
    return _shown(request, store.cache.entries.get(key))


async def _caught_up(request: ResourceRequest) -> bool:
    """Return when the cache shows every write acknowledged before the call; False if that takes too long.

    Raises the 403 StatusError if one of these writes has taken the right to read away.
    """
    fresh = await current(request.stored.cache)
    state = request.state
    if state.confirm is not None:
        await state.confirm(state)
    return fresh


def _shown(request: ResourceRequest, entry: Entry | None) -> Answer:
    """Return the answer with an object, or the part of it that the request asks for; raises not_found."""
    store = request.stored
    if entry is None:
        raise not_found(request.resource.group_resource, request.name)
    if request.subresource is not None and request.subresource.view is not None:
        projected = request.subresource.view.read(store.object(entry))
        return request.answer(request.representation().encode(projected))
    return request.answer(request.representation().object(entry))


async def list_(request: ResourceRequest) -> Answer:
    """Answer with the objects that match, or a page of them."""
    options = parse_list_options(request.query, watch=False)
    selection = Selection(request.resource, request.namespace, options)
    representation = request.representation(many=True)
    entries, meta = await page(request, options, selection)
    if isinstance(representation, PlainRepresentation) and representation.ready and request.as_is:
        size, pieces = representation.sized_list(entries, meta)
        return Answer.of_pieces(pieces, size)
    made: list[bytes] = []
    turns = Turns()
    for piece in representation.list(entries, meta):
        made.append(piece)
        if turns.due():
            await turns.give()
    body = b"".join(made)
    if request.as_is or len(body) < LONG_BODY:
        return request.answer(body)
    return await asyncio.to_thread(request.answer, body)


async def page(
    request: ResourceRequest, options: ListOptions, selection: Selection
) -> tuple[Sequence[Entry], ListMeta]:
    """Return the entries of a list or of one page, and its metadata."""
    cache = request.stored.cache
    tokens = ContinueTokens(request.continue_secret, _root(cache, selection))
    start, revision = _begin(options, tokens)
    limit = 0 if options.resource_version == "0" else options.limit
    if revision > 0:
        return await _page_at(cache, revision, start, limit, options, selection, tokens)
    if options.resource_version and not start:
        await reached(cache, parse_resource_version(options.resource_version, listing=True))
    elif not await _caught_up(request):
        return await _stored_page(cache, 0, start, limit, selection, tokens)
    if selection.key:
        entry = cache.entries.get(cache.prefix + selection.key)
        found = [entry] if entry is not None and not start and selection.includes(entry) else []
        return found, ListMeta(cache.revision)
    return await _cached_page(cache, cache.revision, start, limit, selection, tokens)


def _root(cache: WatchCache, selection: Selection) -> str:
    """Return what all keys of a list begin with; continue tokens hold the rest, as those of kube-apiserver do."""
    return f"{cache.prefix}{selection.namespace}/" if selection.namespace else cache.prefix


def _begin(options: ListOptions, tokens: ContinueTokens) -> tuple[str, int]:
    """Return the key at which a list begins and the revision it must show (0 or less: any that is new enough).

    A limit with a resourceVersion means that very version, unless resourceVersionMatch says otherwise.
    """
    if options.continue_token:
        if options.resource_version not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        return tokens.decode(options.continue_token)
    match = options.resource_version_match
    if match == EXACT or (not match and options.limit and options.resource_version):
        return "", parse_resource_version(options.resource_version, listing=True)
    return "", 0


async def _page_at(
    cache: WatchCache,
    revision: int,
    start: str,
    limit: int,
    options: ListOptions,
    selection: Selection,
    tokens: ContinueTokens,
) -> tuple[Sequence[Entry], ListMeta]:
    """Return a page of the state at a revision; from the cache if it knows what has changed since.

    What is older than five minutes is left to the backend, which has probably forgotten it: clients rely on that.
    """
    await reached(cache, revision)
    past = cache.past_page(revision, selection.namespace, start, limit if selection.matches is None else 0)
    if past is not None:
        return await _shown_page(*past, tokens, revision, limit, selection)
    try:
        return await _stored_page(cache, revision, start, limit, selection, tokens)
    except Compacted:
        if options.continue_token:
            raise ExpiredContinueError(tokens.encode(start, -1)) from None
        raise expired(f"The resourceVersion for the provided list is too old: {revision}") from None
    except FutureRevision:
        raise expired(f"The resourceVersion for the provided list is too new: {revision}") from None


async def _stored_page(
    cache: WatchCache, revision: int, start: str, limit: int, selection: Selection, tokens: ContinueTokens
) -> tuple[Sequence[Entry], ListMeta]:
    """Return a page of the state at a revision (0: now) from the backend, reading no further than the page goes."""
    matches = selection.matches
    size = limit if limit and matches is None else MAX_PAGE
    taken: list[Entry] = []
    turns = Turns()
    while True:
        found = await cache.range(tokens.prefix, max(start, tokens.prefix), size, revision)
        revision = found.revision
        for position, (key, value, modified) in enumerate(found.items, 1):
            if turns.due():
                await turns.give()
            entry = cache.codec.readable(key, value, modified)
            if entry is None or (matches is not None and not matches(entry)):
                continue
            taken.append(entry)
            left = len(found.items) - position + found.remaining
            if len(taken) == limit and left:
                token = tokens.encode(f"{key}\0", revision)
                return taken, ListMeta(revision, token, None if matches is not None else left)
        if not found.more:
            return taken, ListMeta(revision)
        start = f"{found.items[-1].key}\0"


async def _cached_page(
    cache: WatchCache, revision: int, start: str, limit: int, selection: Selection, tokens: ContinueTokens
) -> tuple[Sequence[Entry], ListMeta]:
    """Return a page from the cache; without selectors it costs what it holds, however many objects there are."""
    size = limit if selection.matches is None else 0
    shown, left = cache.page(selection.namespace, start, size, selection.terms)
    return await _shown_page(shown, left, tokens, revision, limit, selection)


async def _shown_page(
    shown: Snapshot, left: int, tokens: ContinueTokens, revision: int, limit: int, selection: Selection
) -> tuple[Sequence[Entry], ListMeta]:
    """Return a page of entries behind which there are some ``left``; with selectors, of what matches among them."""
    if selection.matches is not None:
        return await _selected(shown, selection.matches, tokens, revision, limit)
    if not left:
        return shown, ListMeta(revision)
    return shown, ListMeta(revision, tokens.encode(shown[-1].key + "\0", revision), left)


async def _selected(
    entries: Snapshot, matches: Callable[[Entry], bool], tokens: ContinueTokens, revision: int, limit: int
) -> tuple[Sequence[Entry], ListMeta]:
    """Take what matches, up to the limit, and say where the list goes on.

    Nobody knows whether what is left matches: it goes on wherever there are more keys.
    """
    taken: list[Entry] = []
    turns = Turns()
    for piece in entries.pieces:
        taken += filter(matches, piece)
        if limit and len(taken) >= limit:
            break
        if turns.due():
            await turns.give()
    if not limit or len(taken) < limit or taken[limit - 1] is entries[-1]:
        return taken, ListMeta(revision)
    del taken[limit:]
    return taken, ListMeta(revision, tokens.encode(taken[-1].key + "\0", revision))
