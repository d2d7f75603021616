"""Answers that are whole documents: encoded once, told apart by ETags, compressed when that pays."""

import gzip
import hashlib
from typing import Any, Final, NamedTuple

import orjson

from kapi.endpoints.negotiation import JSON, YAML

Header = tuple[bytes, bytes]

GZIP_MIN: Final = 128 * 1024
"""Below this many bytes compression costs more than it saves (the reference's threshold)."""


class Answer(NamedTuple):
    """A complete HTTP answer."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


class Document:
    """One encoded form of a document. A large one is kept compressed only, as that is how it is nearly always sent."""

    __slots__ = ("_gzipped", "_plain", "content_type", "etag")

    def __init__(self, body: bytes, content_type: str) -> None:
        """Take the bytes and their media type."""
        self.content_type = content_type
        self.etag = f'"{hashlib.sha512(body).hexdigest().upper()}"'
        large = len(body) >= GZIP_MIN
        self._plain = None if large else body
        self._gzipped = gzip.compress(body, compresslevel=5, mtime=0) if large else None

    @property
    def body(self) -> bytes:
        """The bytes as they are."""
        return self._plain if self._plain is not None else gzip.decompress(self.gzipped)

    @property
    def gzipped(self) -> bytes:
        """The compressed bytes."""
        if self._gzipped is None:
            self._gzipped = gzip.compress(self.body, compresslevel=5, mtime=0)
        return self._gzipped

    @property
    def large(self) -> bool:
        """Whether compression is worth its while."""
        return self._plain is None


def encode(document: Any, media_type: str = JSON) -> bytes:
    """Return a document as JSON or YAML."""
    return encode_yaml(document) if media_type == YAML else orjson.dumps(document) + b"\n"


def encode_yaml(document: Any) -> bytes:
    """Return a document as YAML with sorted keys."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return bytes(
        yaml.dump(document, Dumper=_without_aliases(dumper), encoding="utf-8", allow_unicode=True, width=1 << 20)
    )


def _without_aliases(dumper: Any) -> Any:
    return type("Dumper", (dumper,), {"ignore_aliases": lambda self, data: True})


def etag_matches(if_none_match: str, etag: str) -> bool:
    """Tell whether an If-None-Match header (RFC 9110, section 13.1.2) names the tag."""
    if not if_none_match:
        return False
    if if_none_match.strip() == "*":
        return True
    return any(candidate.strip().removeprefix("W/") == etag for candidate in if_none_match.split(","))


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether an Accept-Encoding header allows gzip."""
    for part in accept_encoding.split(","):
        name, _, parameters = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def send(document: Document, *, if_none_match: str = "", accept_encoding: str = "", cached: bool = True) -> Answer:
    """Return the answer that carries a document, or a 304 when the client has it already.

    ``cached`` documents carry their ETag and may be kept by clients.
    """
    headers: list[Header] = [(b"content-type", document.content_type.encode()), (b"vary", b"Accept")]
    if cached:
        headers += [(b"etag", document.etag.encode()), (b"cache-control", b"public")]
        if etag_matches(if_none_match, document.etag):
            return Answer(304, tuple(headers[1:]), b"")
    zipped = document.large and accepts_gzip(accept_encoding)
    body = document.gzipped if zipped else document.body
    if zipped:
        headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    headers.append((b"content-length", str(len(body)).encode()))
    return Answer(200, tuple(headers), body)
