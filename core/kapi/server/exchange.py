"""One request and its answer over HTTP/1.1: what an ASGI application calls ``receive`` and ``send``.

Every request pays for what stands here, so it does little: the head of an answer is written together with the first
piece of its body, lines of headers that come again and again are encoded once, and nothing is made for a request that
does not need it.
"""

import asyncio
import logging
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol

from kapi.contracts.server import ASGIApp, Message, Scope

_log = logging.getLogger("kapi.server")

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_IN_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_CONTENT_LENGTH = b"content-length"
_REMEMBERED_LINES, _REMEMBERED_SIZE = 512, 256
_JOINED = 64 * 1024
"""Up to this size a body is copied behind its head, so that both leave as one write."""
_CHUNKED = -1
_NO_BODY = frozenset({204, 304})


def _status_line(code: int) -> bytes:
    try:
        phrase = HTTPStatus(code).phrase
    except ValueError:
        phrase = ""
    return b"HTTP/1.1 %d %b\r\n" % (code, phrase.encode())


_STATUS_LINES = {code: _status_line(code) for code in range(100, 600)}


class HeaderLines:
    """Encodes headers; those of a bounded set are remembered, as an API server sends the same few."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lines: dict[tuple[bytes, bytes], bytes] = {}

    def line(self, item: tuple[bytes, bytes]) -> bytes:
        """Return the line of a header. Raises ValueError for what would break the message."""
        found = self._lines.get(item)
        if found is not None:
            return found
        name, value = item
        if not _NAME.fullmatch(name) or _BAD_IN_VALUE.search(value):
            raise ValueError(f"invalid header {name!r}")
        line = b"%b: %b\r\n" % (name.lower(), value)
        if len(line) <= _REMEMBERED_SIZE and len(self._lines) < _REMEMBERED_LINES and name != _CONTENT_LENGTH:
            self._lines[(bytes(name), bytes(value))] = line
        return line


class Connection(Protocol):
    """What an exchange needs of its connection: :class:`kapi.server.protocol.KapiProtocol`."""

    transport: Any
    write_paused: bool

    @property
    def date(self) -> bytes:
        """The line of the Date header."""

    @property
    def lines(self) -> HeaderLines:
        """The encoder of headers."""

    async def drain(self) -> None:
        """Return when more can be written."""

    def resume_reading(self) -> None:
        """Let more of the request's body come."""

    def on_response_complete(self) -> None:
        """Take up the next request."""

    def ended(self, exchange: "Exchange") -> None:
        """Forget the task of an exchange."""


class Exchange:
    """See the module's description. Belongs to the event loop's thread."""

    __slots__ = (
        "_body",
        "_connection",
        "_head",
        "_left",
        "_news",
        "_started",
        "_waiter",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
        "scope",
        "task",
        "waits_for_100",
    )

    def __init__(self, connection: Connection, scope: Scope, keep_alive: bool, waits_for_100: bool) -> None:
        """Take the connection, the ASGI scope, and what the request's head says about the two."""
        self._connection = connection
        self.scope = scope
        self.keep_alive = keep_alive
        self.waits_for_100 = waits_for_100
        self.disconnected = False
        self.more_body = True
        self.response_complete = False
        self.task: asyncio.Task[None] | None = None
        self._body = b""
        self._news = False
        self._waiter: asyncio.Future[None] | None = None
        self._started = False
        self._head = b""
        self._left = 0

    # From the connection

    def add_body(self, data: bytes) -> int:
        """Take a piece of the request's body; return how much of it nobody has read yet."""
        self._body = self._body + data if self._body else data
        self.tell()
        return len(self._body)

    def end_body(self) -> None:
        """Note that the request's body has come to its end."""
        self.more_body = False
        self.tell()

    def disconnect(self) -> None:
        """Note that the client has left."""
        if not self.response_complete:
            self.disconnected = True
        self.tell()

    def tell(self) -> None:
        """Let the application look: there is something to receive."""
        self._news = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def run(self, app: ASGIApp) -> None:
        """Let the application answer; what it leaves undone ends the connection."""
        try:
            await app(self.scope, self.receive, self.send)
            if not self.response_complete and not self.disconnected:
                _log.error("no complete answer to %s %r", self.scope["method"], self.scope["path"])
                await self._fail()
        except asyncio.CancelledError:
            await self._fail()
        except Exception:  # the last border: whatever an application raises must not leave its client waiting
            _log.exception("request failed: %s %r", self.scope["method"], self.scope["path"])
            await self._fail()
        finally:
            self._connection.ended(self)

    async def _fail(self) -> None:
        """Answer 500 if nothing has been sent; else end the connection, the only sign that is left."""
        transport = self._connection.transport
        if self._started and not self._head:
            if self._connection.write_paused:
                transport.abort()  # the client takes nothing: an orderly end would wait for it, with all that is unsent
            else:
                transport.close()
        elif not transport.is_closing():
            text = b"Internal Server Error"
            head = b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
            transport.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (_STATUS_LINES[500], head, len(text), text))
            self.response_complete = True
            transport.close()

    # From the application (ASGI)

    async def receive(self) -> Message:
        """Return the next piece of the request's body, or the news that the client has left."""
        connection = self._connection
        if self.waits_for_100:
            self.waits_for_100 = False
            if not connection.transport.is_closing():
                connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not self.disconnected and not self.response_complete:
            connection.resume_reading()
            if not self._news:
                self._waiter = asyncio.get_running_loop().create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = None
            self._news = False
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def send(self, message: Message) -> None:
        """Send the head of the answer, or a piece of its body. Raises RuntimeError for what may not come now."""
        if self._connection.write_paused and not self.disconnected:
            await self._connection.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.body" and self._started and not self.response_complete:
            self._continue(message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.start" and not self._started:
            self._begin(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"unexpected ASGI message {kind!r}")

    def _begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Make the head. One of a known length waits for the body; others go out at once (streams may be silent)."""
        connection = self._connection
        line = connection.lines.line
        out = [_STATUS_LINES[status], connection.date]
        length = _CHUNKED
        closes = False
        for item in headers:
            name = item[0].lower()
            if name == _CONTENT_LENGTH:
                length = int(item[1])
            elif name == b"transfer-encoding":
                continue  # how the body is framed is said below
            elif name == b"connection" and b"close" in item[1].lower():
                closes = True
            out.append(line(item))
        self._started = True
        self.waits_for_100 = False
        if closes:
            self.keep_alive = False
        elif not self.keep_alive:
            out.append(b"connection: close\r\n")
        bare = status in _NO_BODY or self.scope["method"] == "HEAD"
        if length == _CHUNKED and not bare:
            out.append(b"transfer-encoding: chunked\r\n")
        out.append(b"\r\n")
        self._left = 0 if bare else length
        if self._left == _CHUNKED:
            connection.transport.write(b"".join(out))
        else:
            self._head = b"".join(out)

    def _continue(self, body: bytes, more: bool) -> None:
        """Send a piece of the body, behind the head if that has waited."""
        left = self._left
        if left == _CHUNKED:
            self._write_chunk(body, more)
        elif self.scope["method"] == "HEAD":
            if not more:
                self._write(b"")
        else:
            left -= len(body)
            if left < 0 or (left and not more):
                raise RuntimeError("the body of the answer is not as long as its Content-Length")
            self._left = left
            self._write(body)
        if not more:
            self._complete()

    def _write_chunk(self, body: bytes, more: bool) -> None:
        framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        if not more:
            framed += b"0\r\n\r\n"
        if framed:
            self._connection.transport.write(framed)

    def _write(self, body: bytes) -> None:
        head, self._head = self._head, b""
        transport = self._connection.transport
        if not head:
            transport.write(body)
        elif len(body) <= _JOINED:
            transport.write(head + body)
        else:
            transport.writelines((head, body))

    def _complete(self) -> None:
        self.response_complete = True
        self.tell()
        if not self.keep_alive:
            self._connection.transport.close()
        self._connection.on_response_complete()
