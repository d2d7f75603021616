"""Answers as they go onto the wire: status, headers, body; JSON or YAML, gzip where it pays."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import orjson

from kapi.contracts.server import Scope, Send
from kapi.endpoints.documents import encode_yaml
from kapi.endpoints.state import RequestState, header
from kapi.meta.errors import StatusError

JSON = "application/json"
YAML = "application/yaml"
GZIP_FROM = 128 * 1024
CHUNK = 256 * 1024
_WARNING_AGENT = "-"


class Answer:
    """A response: ``body`` is sent as it is; ``headers`` come besides Content-Type and Content-Length."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self, status: int, body: bytes, content_type: str = JSON, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Take the parts of the response."""
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = list(headers)


def text_answer(status: int, text: str) -> Answer:
    """Return a plain-text answer."""
    return Answer(status, text.encode(), "text/plain; charset=utf-8")


def json_answer(obj: Any, status: int = 200) -> Answer:
    """Return an object as JSON."""
    return Answer(status, orjson.dumps(obj))


def status_answer(scope: Scope, error: StatusError) -> Answer:
    """Return the Status of an error, in YAML if that is what the client asked for first."""
    answer = Answer(error.code, orjson.dumps(error.status()), headers=error.headers.items())
    accept = header(scope, b"accept")
    return as_yaml(answer) if accept.startswith(YAML) else answer


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


def extra_headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer besides Content-Type and Content-Length."""
    headers = [(b"cache-control", b"no-cache, private")]
    return headers + [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in answer.headers]


async def compressed(scope: Scope, answer: Answer) -> Answer:
    """Compress a large answer if the client accepts gzip (RFC 9110); the work is done off the event loop.

    Documents that are kept compressed pass as they are.
    """
    if any(name.lower() == "content-encoding" for name, _ in answer.headers):
        return answer
    if len(answer.body) > GZIP_FROM and "gzip" in header(scope, b"accept-encoding"):
        answer.body = await asyncio.to_thread(_gzip, answer.body)
        answer.headers += [("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding")]
    return answer


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    """Yield a large body in pieces, so that sending it takes turns with other requests."""
    for start in range(0, len(body), CHUNK):
        yield body[start : start + CHUNK]


async def send_answer(scope: Scope, send: Send, answer: Answer) -> None:
    """Send an answer as raw ASGI: for filters, which stand outside Falcon."""
    state = scope.get("kapi")
    if state is not None:
        state.status = answer.status
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(answer.body)).encode())]
    headers += extra_headers(answer)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})
