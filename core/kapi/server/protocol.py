"""One HTTP connection: from bytes to exchanges, one after the other, with bounds on size and time."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import httptools

from kapi.contracts.server import ASGIApp, Scope
from kapi.server.exchange import Exchange, HeaderLines

MAX_HEAD = 1024 * 1024
"""Most bytes of a request's first line and headers, as in Go's HTTP server."""

UNREAD_SECONDS = 0.5
"""How long a connection stays open after the answer to a request whose body has not come to its end."""

_UNREAD_BODY = 64 * 1024
"""How much of a request's body is taken before somebody reads it."""
_TOO_LARGE = b"431 Request Header Fields Too Large"
_BAD_REQUEST = b"400 Bad Request"
_ASGI = {"version": "3.0", "spec_version": "2.3"}
_log = logging.getLogger("kapi.server")


class HeadTooLarge(Exception):
    """First line and headers of a request are larger than MAX_HEAD."""


class Connections:
    """What the connections of a server share: the application, who is there, what is under way."""

    def __init__(self, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> None:
        """Take the application and the loop that it runs on."""
        self.app = app
        self.loop = loop
        self.open: set[KapiProtocol] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.lines = HeaderLines()
        self.date = b""
        self.now = loop.time()


class KapiProtocol(asyncio.Protocol):
    """A connection.

    - ``scope["extensions"]["tls"]["client_cert_der"]`` is the peer's certificate in DER form, or None.
    - ``head_since`` is the loop time at which the head that is being waited for began, or 0; ``idle_since`` the time
      since when nothing has been under way, or 0. :mod:`kapi.server.serving` closes those that take too long.
    - ``on_lost``, if set, is called when the connection has ended.
    """

    def __init__(self, shared: Connections) -> None:
        """Take what all connections share."""
        self._shared = shared
        self._parser: Any = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)  # the answer to the first still goes out
        self.lines = shared.lines
        self.transport: Any = None
        self.on_lost: Callable[[], None] | None = None
        self.exchange: Exchange | None = None
        self.head_since = 0.0
        self.idle_since = 0.0
        self.write_paused = False
        self._read_paused = False
        self._drained: list[asyncio.Future[None]] = []
        self._waiting: deque[Exchange] = deque()
        self._about: dict[str, Any] = {}
        self._in_head = False
        self._head_size = 0
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._expects_100 = False

    @property
    def date(self) -> bytes:
        """The line of the Date header."""
        return self._shared.date

    # The connection

    def connection_made(self, transport: Any) -> None:
        """Look up who is there, once for all requests of the connection."""
        self.transport = transport
        tls = transport.get_extra_info("ssl_object")
        self._about = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": "1.1",
            "server": _address(transport.get_extra_info("sockname")),
            "client": _address(transport.get_extra_info("peername")),
            "scheme": "http" if tls is None else "https",
            "root_path": "",
            "extensions": {} if tls is None else {"tls": {"client_cert_der": tls.getpeercert(True)}},
        }
        self._shared.open.add(self)
        self.head_since = self._shared.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the exchange under way know, and whoever waits to write."""
        self._shared.open.discard(self)
        if self.on_lost is not None:
            self.on_lost()
        if self.exchange is not None:
            self.exchange.disconnect()
        self.resume_writing()
        if exc is None:
            self.transport.close()
        self._parser = None

    def data_received(self, data: bytes) -> None:
        """Take bytes of requests."""
        self.idle_since = 0.0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return  # an upgrade that is not offered is ignored, as HTTP wants it
        except httptools.HttpParserError as error:
            self._refuse(_TOO_LARGE if isinstance(error.__context__, HeadTooLarge) else _BAD_REQUEST)
            return
        if self._in_head:
            self._wait_for_head(len(data))

    def _wait_for_head(self, size: int) -> None:
        """Note that a head has not come to its end: how large it is, and since when."""
        self._head_size += size
        if self._head_size > MAX_HEAD:
            self._refuse(_TOO_LARGE)
        elif not self.head_since:
            self.head_since = self._shared.loop.time()

    def _refuse(self, status: bytes) -> None:
        """Answer what is no HTTP, or has too large a head; ends the connection."""
        if self.transport.is_closing():
            return
        text = status if status is _TOO_LARGE else b"Invalid HTTP request received."
        head = b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n" % status
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(text) + text)
        self.transport.close()

    def shut_down(self) -> None:
        """End the connection after the answer that is under way."""
        if self.exchange is None or self.exchange.response_complete:
            self.transport.close()
        else:
            self.exchange.keep_alive = False

    # Flow control

    def pause_writing(self) -> None:
        """Note that the client does not take what is sent."""
        self.write_paused = True

    def resume_writing(self) -> None:
        """Note that the client takes more."""
        self.write_paused = False
        for future in self._drained:
            if not future.done():
                future.set_result(None)
        self._drained.clear()

    async def drain(self) -> None:
        """Return when more can be written."""
        if self.write_paused:
            future = self._shared.loop.create_future()
            self._drained.append(future)
            await future

    def _pause_reading(self) -> None:
        if not self._read_paused:
            self._read_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more of what the client sends."""
        if self._read_paused:
            self._read_paused = False
            self.transport.resume_reading()

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head = True
        self._head_size = 0
        self._url = b""
        self._headers = []
        self._expects_100 = False

    def on_url(self, url: bytes) -> None:
        """Take a part of the first line."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes behind a body (trailers) is nobody's concern here."""
        if self._in_head:
            name = name.lower()
            if name == b"expect":
                self._expects_100 = value.lower() == b"100-continue"
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Hand the request on; one that comes before the answer to the last waits for its turn."""
        self._in_head = False
        self.head_since = 0.0
        if self._head_size:
            self._check_head()
        exchange = self._exchange(self._scope())
        before, self.exchange = self.exchange, exchange
        if before is None or before.response_complete:
            self._start(exchange)
        else:
            self._pause_reading()
            self._waiting.append(exchange)

    def _check_head(self) -> None:
        size = len(self._url) + sum(len(name) + len(value) for name, value in self._headers)
        if size > MAX_HEAD:
            raise HeadTooLarge

    def _scope(self) -> Scope:
        scope = self._about.copy()
        scope["headers"] = self._headers
        scope["method"] = self._parser.get_method().decode("ascii")
        scope["raw_path"], scope["query_string"] = _split(self._url)
        path = scope["raw_path"].decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        return scope

    def _exchange(self, scope: Scope) -> Exchange:
        version = self._parser.get_http_version()
        if version != "1.1":
            scope["http_version"] = version
        keep_alive = version != "1.0" and self._parser.should_keep_alive()
        return Exchange(self, scope, keep_alive, self._expects_100)

    def _start(self, exchange: Exchange) -> None:
        shared = self._shared
        exchange.task = shared.loop.create_task(exchange.run(shared.app))
        shared.tasks.add(exchange.task)

    def ended(self, exchange: Exchange) -> None:
        """Forget the task of an exchange."""
        if exchange.task is not None:
            self._shared.tasks.discard(exchange.task)

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body; what comes after the answer is thrown away."""
        exchange = self.exchange
        if exchange is not None and not exchange.response_complete and exchange.add_body(body) > _UNREAD_BODY:
            self._pause_reading()

    def on_message_complete(self) -> None:
        """Note the end of a request, also of one that has its answer already."""
        if self.exchange is not None:
            self.exchange.end_body()

    def on_response_complete(self) -> None:
        """Take up the next request; end the connection if this one's body is not on its way.

        A client that stops sending when it has its answer (413, 403, …) leaves nothing to tell the rest of the body
        from its next request. It gets time to read the answer, as closing at once could reset the connection.
        """
        if self.transport.is_closing():
            return
        exchange = self.exchange
        self.resume_reading()
        if self._waiting:
            self._start(self._waiting.popleft())
            return
        self.idle_since = self._shared.now
        if exchange is not None and exchange.more_body:
            self._shared.loop.call_later(UNREAD_SECONDS, self._end_unread, exchange)

    def _end_unread(self, exchange: Exchange) -> None:
        if exchange.more_body and not self.transport.is_closing():
            self.transport.close()


def _address(name: Any) -> tuple[str, int] | None:
    """Return host and port of a socket's address; None for what has none."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) and len(name) > 1 else None


def _split(target: bytes) -> tuple[bytes, bytes]:
    """Return path and query of a request's target, in any of its forms (RFC 9112, section 3.2)."""
    if target.startswith(b"/") and b"#" not in target:
        path, _, query = target.partition(b"?")
        return path, query
    parsed = httptools.parse_url(target)
    return parsed.path or b"", parsed.query or b""
