"""Talks to an ASGI application in process: no socket, no server, no thread.

::

    client = AsgiClient(server.app)
    reply = await client.request("POST", "/api/v1/namespaces", {"metadata": {"name": "a"}})
    async with client.watch("/api/v1/namespaces?watch=1") as events:
        assert (await events.next())["type"] == "ADDED"
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import unquote

from kapi.contracts.server import ASGIApp, Message, Scope

PATIENCE = 5.0
"""Seconds until a missing answer is an error."""


class Reply(NamedTuple):
    """What the application answered; header names are in lower case, in their order."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        """Return the body, parsed; raises ValueError if it is no JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """Return the first header of that (lower-case) name, or ""."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def warnings(self) -> list[str]:
        """The texts of the Warning headers."""
        return [value.partition('"')[2].rpartition('"')[0] for key, value in self.headers if key == "warning"]


class _Exchange:
    """One request: hands its body to the application and takes what comes back."""

    def __init__(self, body: bytes) -> None:
        """Take the body."""
        self._body: bytes | None = body
        self._gone = asyncio.Event()
        self.messages: asyncio.Queue[Message] = asyncio.Queue()

    async def receive(self) -> Message:
        """Return the body, and then, when the client has left, the end."""
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take a message of the application."""
        self.messages.put_nowait(message)

    def leave(self) -> None:
        """Disconnect."""
        self._gone.set()


class Events:
    """The events of an open watch; ``status`` and ``headers`` are those of its answer."""

    def __init__(self, exchange: _Exchange, status: int, headers: list[tuple[str, str]]) -> None:
        """Take a begun answer."""
        self._exchange = exchange
        self._rest = b""
        self._ended = False
        self.status = status
        self.headers = headers

    async def next(self) -> Any:
        """Return the next event; raises StopAsyncIteration when the watch has ended, TimeoutError when none comes."""
        while b"\n" not in self._rest:
            if self._ended:
                raise StopAsyncIteration
            async with asyncio.timeout(PATIENCE):
                message = await self._exchange.messages.get()
            self._rest += message.get("body", b"")
            self._ended = not message.get("more_body", False)
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    async def rest(self) -> list[Any]:
        """Return all events until the watch ends."""
        found = []
        while True:
            try:
                found.append(await self.next())
            except StopAsyncIteration:
                return found


class AsgiClient:
    """A client of one application. ``headers`` go with every request."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str] | None = None) -> None:
        """Take the application."""
        self._app = app
        self._headers = dict(headers or {})

    async def request(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request and return the whole answer.

        ``target`` is the path with its query, percent-encoded; ``body`` is sent as JSON, or as it is if it is bytes.
        """
        exchange = _Exchange(body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode())
        async with asyncio.timeout(PATIENCE):
            await self._app(self._scope(method, target, headers), exchange.receive, exchange.send)
        start = exchange.messages.get_nowait()
        parts = []
        while not exchange.messages.empty():
            parts.append(exchange.messages.get_nowait().get("body", b""))
        return Reply(start["status"], _texts(start), b"".join(parts))

    @asynccontextmanager
    async def watch(self, target: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Events]:
        """Open a watch; the client leaves it at the end of the block."""
        exchange = _Exchange(b"")
        task = asyncio.ensure_future(self._app(self._scope("GET", target, headers), exchange.receive, exchange.send))
        try:
            async with asyncio.timeout(PATIENCE):
                start = await exchange.messages.get()
            yield Events(exchange, start["status"], _texts(start))
        finally:
            exchange.leave()
            async with asyncio.timeout(PATIENCE):
                await task

    def _scope(self, method: str, target: str, headers: Mapping[str, str] | None) -> Scope:
        path, _, query = target.partition("?")
        given = {"content-type": "application/json", **self._headers, **(headers or {})}
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in given.items()],
            "client": ("192.0.2.1", 40000),
            "server": ("192.0.2.2", 443),
        }


def _texts(start: Message) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]]
