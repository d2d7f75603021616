"""One HTTP connection: uvicorn's protocol with what kapi needs besides."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEAD = 1024 * 1024
"""Most bytes of a request's first line and headers, as in Go's HTTP server."""

UNREAD_SECONDS = 0.5
"""How long a connection stays open after the answer to a request whose body has not come to its end."""

_TOO_LARGE = b"431 Request Header Fields Too Large"


class HeadTooLarge(Exception):
    """First line and headers of a request are larger than MAX_HEAD."""


class KapiProtocol(HttpToolsProtocol):
    """Puts the peer's certificate into the scope, and bounds size and time of a request's head.

    ``scope["extensions"]["tls"]["client_cert_der"]`` is the certificate in DER form, or None. ``head_since`` is the
    loop time at which the head that is being waited for began, or 0: :mod:`kapi.server.serving` closes slow ones.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what uvicorn passes."""
        super().__init__(*args, **kwargs)
        self.head_since = 0.0
        self._head_size = 0
        self._extensions: dict[str, dict[str, Any]] = {}

    def connection_made(self, transport: Any) -> None:
        """Look up the peer's certificate, once for all requests of the connection."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._extensions = {"tls": {"client_cert_der": tls.getpeercert(True)}}
        self.head_since = self.loop.time()

    def on_message_begin(self) -> None:
        """Begin the scope of a request."""
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]  # the type knows no own ones
        self.head_since = self.loop.time()
        self._head_size = 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the first line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request on."""
        self.head_since = 0.0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note the end of a request, also of one that has its answer already."""
        super().on_message_complete()
        if self.cycle is not None:
            self.cycle.more_body = False

    def on_response_complete(self) -> None:
        """Take up the next request; end the connection if this one's body is not on its way.

        A client that stops sending when it has its answer (413, 403, …) leaves nothing to tell the rest of the body
        from its next request. It gets time to read the answer, as closing at once could reset the connection.
        """
        if not self.pipeline and self.cycle is not None and self.cycle.more_body:
            self.loop.call_later(UNREAD_SECONDS, self._end_unread, self.cycle)
        super().on_response_complete()

    def _end_unread(self, cycle: RequestResponseCycle) -> None:
        if cycle.more_body and not self.transport.is_closing():
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or has too large a head; ends the connection."""
        if self._head_size <= MAX_HEAD:
            super().send_400_response(msg)
            return
        head = b"HTTP/1.1 " + _TOO_LARGE + b"\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(_TOO_LARGE) + _TOO_LARGE)
        self.transport.close()

    def _count(self, size: int) -> None:
        self._head_size += size
        if self._head_size > MAX_HEAD:
            raise HeadTooLarge

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: an upgrade that is not offered is ignored, as HTTP wants it."""
