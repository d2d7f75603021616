"""Resources and subresources that handlers serve: reviews, and the long-running ones of nodes."""

import orjson

from kapi.contracts.resources import Object
from kapi.endpoints.answer import Answer
from kapi.endpoints.request import ResourceRequest
from kapi.meta.errors import method_not_allowed


async def ask(request: ResourceRequest, method: str) -> Answer:
    """Let the handler answer by one of its methods (``get``, ``list`` or ``connect``)."""
    handler = request.subresource.handler if request.subresource is not None else request.resource.handler
    answer = getattr(handler, method, None)
    if answer is None:
        raise method_not_allowed()
    query = {name: values[0] for name, values in request.query.items() if values}
    result: Object | None = await answer(request.context(request.state.info.verb, query))
    if result is None:
        return Answer(204, b"", "")
    return request.answer(orjson.dumps(result) if method == "list" else request.representation_of(result))
