"""Sends requests byte by byte as given, and judges the answers. ``http.client`` would refuse to send most of these."""

import json
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kapi.testing.server import LocalServer

PATIENCE = 20.0
"""Seconds for one answer, after which the server counts as hanging."""

Headers = Sequence[tuple[bytes, bytes]]
JSON = (b"Content-Type", b"application/json")


class Answer(NamedTuple):
    status: int
    media_type: str
    body: bytes


class Wire:
    """A TLS connection that is opened again whenever the server has closed it."""

    def __init__(self, server: LocalServer) -> None:
        parts = urlsplit(server.url)
        self.address = (parts.hostname or "", parts.port or 0)
        self.context = ssl.create_default_context(cafile=server.authority)
        self.credentials = (b"Authorization", b"Bearer " + server.token.encode())
        self.socket: ssl.SSLSocket | None = None

    def __call__(self, method: bytes, target: bytes, headers: Headers = (), body: bytes | None = None) -> Answer:
        """Send a request as the administrator and return the answer."""
        named = [self.credentials, *headers]
        if body is not None:
            named.append((b"Content-Length", str(len(body)).encode()))
        return self.raw(head(method, target, named) + (body or b""), method.decode("latin-1"))

    def raw(self, data: bytes, method: str = "GET") -> Answer:
        """Send bytes and return the answer, on a new connection if the old one has ended."""
        if self.socket is not None:
            try:
                return self._exchange(self.socket, data, method)
            except (HTTPException, ConnectionError, ssl.SSLError):
                self.close()
        plain = socket.create_connection(self.address, timeout=PATIENCE)
        self.socket = self.context.wrap_socket(plain, server_hostname=self.address[0])
        return self._exchange(self.socket, data, method)

    def _exchange(self, connection: ssl.SSLSocket, data: bytes, method: str) -> Answer:
        with suppress(ConnectionError, ssl.SSLError):  # a server that has refused need not read to the end
            connection.sendall(data)
        answer = HTTPResponse(connection, method=method)
        try:
            answer.begin()
        except TimeoutError:
            self.close()
            raise
        endless = answer.length is None and answer.status == 200  # a watch: it would go on
        body = b"" if endless else answer.read()
        if answer.will_close or endless:
            self.close()
        return Answer(answer.status, (answer.getheader("content-type") or "").split(";")[0], body)

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


def head(method: bytes, target: bytes, headers: Headers) -> bytes:
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: kapi", *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def check(answer: Answer) -> Answer:
    """Fail unless the answer is one that a client can live with: no fault of the server, and told in due form.

    kube-apiserver answers 500 to some nonsense, with a Status that has a message but no reason, or with a line about
    the path; so does kapi.
    """
    assert b"Traceback" not in answer.body
    status: dict[str, Any] = {}
    if answer.status >= 400 and answer.media_type == "application/json" and answer.body:
        status = json.loads(answer.body)
        assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure")
        assert status["code"] == answer.status
        assert status["message"]
    told = "reason" not in status if status else answer.body.startswith(b'Internal Server Error: "/')
    assert answer.status < 500 or (answer.status == 500 and told), answer
    return answer
