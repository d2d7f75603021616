"""Answers as they go onto the wire: status, headers, body; JSON or YAML, gzip where it pays."""

import asyncio
import zlib
from collections.abc import Iterable
from typing import Any

import orjson

from kapi.contracts.server import Scope, Send
from kapi.endpoints.documents import encode_yaml
from kapi.endpoints.negotiation import negotiate_error
from kapi.endpoints.state import RequestState, header
from kapi.meta.errors import StatusError

JSON = "application/json"
YAML = "application/yaml"
GZIP_FROM = 128 * 1024
WHOLE = 1024 * 1024
"""Up to this size a body leaves in one piece."""
CHUNK = 64 * 1024
"""The size of the pieces of a larger one: what is made, encrypted and sent stays in the processor's cache."""
_WARNING_AGENT = "-"


Headers = list[tuple[bytes, bytes]]


class Answer:
    """A response: ``body`` is sent as it is; ``headers`` come besides Content-Type and Content-Length.

    A large one may come in pieces instead, ``size`` bytes in all, which are made when they are sent.
    """

    __slots__ = ("body", "content_type", "headers", "pieces", "size", "status")

    def __init__(
        self, status: int, body: bytes, content_type: str = JSON, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Take the parts of the response."""
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = list(headers)
        self.pieces: Iterable[bytes] | None = None
        self.size = 0

    @classmethod
    def of_pieces(cls, pieces: Iterable[bytes], size: int) -> "Answer":
        """Return a JSON answer that is made piece by piece."""
        answer = cls(200, b"")
        answer.pieces, answer.size = pieces, size
        return answer

    @property
    def length(self) -> int:
        """The bytes of the body."""
        return len(self.body) if self.pieces is None else self.size


def text_answer(status: int, text: str) -> Answer:
    """Return a plain-text answer."""
    return Answer(status, text.encode(), "text/plain; charset=utf-8")


def json_answer(obj: Any, status: int = 200) -> Answer:
    """Return an object as JSON."""
    return Answer(status, orjson.dumps(obj))


def status_answer(scope: Scope, error: StatusError) -> Answer:
    """Return the Status of an error, in YAML if that is what the client asked for most."""
    answer = Answer(error.code, orjson.dumps(error.status()), headers=error.headers.items())
    accept = header(scope, b"accept")
    return as_yaml(answer) if "yaml" in accept and negotiate_error(accept) == YAML else answer


def as_yaml(answer: Answer) -> Answer:
    """Return a JSON answer as YAML, with sorted keys as sigs.k8s.io/yaml writes it."""
    answer.body = encode_yaml(orjson.loads(answer.body))
    answer.content_type = YAML
    return answer


def indented(answer: Answer) -> Answer:
    """Return a JSON answer indented for people (``pretty=true``)."""
    answer.body = orjson.dumps(orjson.loads(answer.body), option=orjson.OPT_INDENT_2) + b"\n"
    return answer


def warning_headers(state: RequestState) -> list[tuple[bytes, bytes]]:
    """Return the request's warnings as Warning headers (RFC 7234, code 299), each once."""
    return [
        (b"warning", f"299 {_WARNING_AGENT} {_quoted(text)}".encode("utf-8", "replace"))
        for text in dict.fromkeys(state.warnings)
    ]


def _quoted(text: str) -> str:
    clean = "".join(ch if ch.isprintable() else " " for ch in text)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


_CACHE_CONTROL = (b"cache-control", b"no-cache, private")
_JSON_TYPE = (b"content-type", JSON.encode())


def head_of(answer: Answer) -> Headers:
    """Return all headers of an answer; one without a type and without a body has no Content-Type."""
    content_type = answer.content_type
    kind = _JSON_TYPE if content_type is JSON else (b"content-type", content_type.encode())
    headers = [kind, (b"content-length", b"%d" % answer.length), _CACHE_CONTROL]
    if answer.headers:
        headers += [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in answer.headers]
    return headers if content_type else headers[1:]


async def compressed(scope: Scope, answer: Answer) -> Answer:
    """Compress a large answer if the client accepts gzip (RFC 9110); the work is done off the event loop.

    Documents that are kept compressed pass as they are.
    """
    if any(name.lower() == "content-encoding" for name, _ in answer.headers):
        return answer
    if answer.length > GZIP_FROM and _asks_for_gzip(header(scope, b"accept-encoding")):
        whole = (answer.body,) if answer.pieces is None else answer.pieces
        answer.body, answer.pieces = await asyncio.to_thread(_gzip, whole), None
        answer.headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
    return answer


def _asks_for_gzip(accept_encoding: str) -> bool:
    """Tell whether a client asks for gzip by its bare name; kube-apiserver reads no quality values here."""
    return any(token.strip() == "gzip" for token in accept_encoding.split(","))


def _gzip(pieces: Iterable[bytes]) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return b"".join([*map(packer.compress, pieces), packer.flush()])


def pieces_of(answer: Answer) -> Iterable[bytes]:
    """Return the body piece by piece."""
    if answer.pieces is not None:
        return answer.pieces
    body = answer.body
    return (body[start : start + CHUNK] for start in range(0, len(body), CHUNK))


async def send_answer(scope: Scope, send: Send, answer: Answer) -> None:
    """Send an answer as raw ASGI."""
    state: RequestState | None = scope.get("kapi")
    if state is not None:
        state.status = answer.status
    await send({"type": "http.response.start", "status": answer.status, "headers": head_of(answer)})
    if scope["method"] == "HEAD":
        await send({"type": "http.response.body", "body": b""})
    elif answer.length <= WHOLE:
        body = answer.body if answer.pieces is None else b"".join(answer.pieces)
        await send({"type": "http.response.body", "body": body})
    else:
        await _send_pieces(send, answer)


async def _send_pieces(send: Send, answer: Answer) -> None:
    """Send a large body in pieces, so that others have their turn."""
    for piece in pieces_of(answer):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b""})
