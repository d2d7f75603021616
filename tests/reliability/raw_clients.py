"""Clients that do what no client library would do: many connections that are idle, slow, or half open."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from kapi.testing.load import MAPS
from kapi.testing.server import LocalServer

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def address(server: LocalServer) -> tuple[str, int]:
    parts = urlsplit(server.url)
    return parts.hostname or "", parts.port or 0


def trusting(server: LocalServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.authority)


def head(server: LocalServer, target: str = f"{MAPS}?watch=1&resourceVersion=0", more: str = "") -> bytes:
    """Return the head of a GET request with the administrator's token."""
    return f"GET {target} HTTP/1.1\r\nHost: kapi\r\nAuthorization: Bearer {server.token}\r\n{more}\r\n".encode()


def plain(server: LocalServer, receive_buffer: int = 0) -> socket.socket:
    """Return a TCP connection on which nothing has been sent."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(10)
    sock.connect(address(server))
    return sock


def secure(server: LocalServer, receive_buffer: int = 0) -> ssl.SSLSocket:
    """Return a TLS connection on which nothing has been sent."""
    host, _ = address(server)
    return trusting(server).wrap_socket(plain(server, receive_buffer), server_hostname=host)


@asynccontextmanager
async def watches(server: LocalServer, number: int, target: str) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Open so many watches, some at a time; yields them when all have begun."""
    context, (host, port) = trusting(server), address(server)
    turns = asyncio.Semaphore(20)

    async def begin() -> Stream:
        async with turns:
            reader, writer = await asyncio.open_connection(host, port, ssl=context, limit=1 << 14)
            writer.write(head(server, target))
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            return reader, writer

    streams = await asyncio.gather(*(begin() for _ in range(number)))
    try:
        yield [reader for reader, _ in streams]
    finally:
        for _, writer in streams:
            writer.transport.abort()


async def next_name(reader: asyncio.StreamReader) -> str:
    """Return the name of the object of the next event."""
    while not (line := await reader.readline()).startswith(b"{"):
        assert line, "the watch has ended"
    return str(json.loads(line)["object"]["metadata"]["name"])
