"""HTTP/1.1 as the protocol speaks it: bytes in, bytes out, over a transport that only remembers."""

import asyncio
from typing import Any

import pytest

from kapi.contracts.server import Message, Receive, Scope, Send
from kapi.server.exchange import HeaderLines
from kapi.server.protocol import MAX_HEAD, Connections, KapiProtocol

DATE = b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"


class Wire(asyncio.Transport):
    """Remembers what was written, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False
        self.aborted = False
        self.reading = True

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def writelines(self, pieces: Any) -> None:
        self.write(b"".join(pieces))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Peer:
    """A client of an application."""

    def __init__(self, app: Any = None) -> None:
        self.scopes: list[Scope] = []
        self.app = app or self.echo
        self.shared = Connections(self._served, asyncio.get_running_loop())
        self.shared.date = DATE
        self.protocol = KapiProtocol(self.shared)
        self.wire = Wire()
        self.protocol.connection_made(self.wire)

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        await self.app(scope, receive, send)

    async def echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with path and body."""
        body = scope["path"].encode() + b" " + await whole(receive)
        await answer(send, body)

    async def ask(self, *pieces: bytes) -> bytes:
        """Send bytes, piece by piece; return all that has been written when nothing is under way any more."""
        for piece in pieces:
            self.protocol.data_received(piece)
            for _ in range(5):
                await asyncio.sleep(0)
        return b"".join(self.wire.writes)


async def whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def answer(send: Send, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    headers = (*headers, (b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def test_head_and_body_leave_as_one_write():
    peer = Peer()
    await peer.ask(b"GET /a%20b?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert peer.wire.writes == [b"HTTP/1.1 200 OK\r\n" + DATE + b"content-length: 5\r\n\r\n/a b "]
    scope = peer.scopes[0]
    assert (scope["method"], scope["path"], scope["raw_path"]) == ("GET", "/a b", b"/a%20b")
    assert (scope["query_string"], scope["headers"]) == (b"x=1", [(b"host", b"x")])
    assert not peer.shared.tasks
    assert not peer.wire.closed


async def test_a_large_body_is_not_copied_behind_its_head():
    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"x" * 1_000_000)

    assert (await Peer(large).ask(b"GET / HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\n" + b"x" * 1_000_000)


async def test_an_absolute_target_and_a_fragment():
    peer = Peer()
    assert b"/a " in await peer.ask(b"GET http://host/a?b#c HTTP/1.1\r\n\r\n")
    assert peer.scopes[0]["query_string"] == b"b"


async def test_requests_behind_one_another_are_answered_in_order():
    peer = Peer()
    pipelined = b"".join(b"POST /%d HTTP/1.1\r\ncontent-length: 2\r\n\r\nb%d" % (n, n) for n in range(4))
    written = await peer.ask(pipelined, b"GET /last HTTP/1.1\r\n\r\n")
    order = [written.index(b"/%d b%d" % (n, n)) for n in range(4)]
    assert order == sorted(order)
    assert written.endswith(b"/last ")
    assert peer.wire.reading


async def test_a_body_in_pieces_and_chunks_with_trailers():
    peer = Peer()
    head = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
    pieces = (head, b"3\r\nabc\r\n", b"2\r\nde\r\n", b"0\r\nauthorization: x\r\n\r\n")
    assert (await peer.ask(*pieces)).endswith(b"/ abcde")
    assert peer.scopes[0]["headers"] == [(b"transfer-encoding", b"chunked")]


async def test_a_body_that_nobody_reads_stops_the_reading():
    peer = Peer(lambda scope, receive, send: asyncio.sleep(60))
    await peer.ask(b"POST / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n", b"x" * 70_000)
    assert not peer.wire.reading
    for task in peer.shared.tasks:
        task.cancel()


async def test_expect_is_answered_when_the_body_is_wanted():
    head = b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    peer = Peer()
    assert await peer.ask(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (await peer.ask(b"ok")).endswith(b"/ ok")

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"no")

    assert b"100 Continue" not in await Peer(refuse).ask(head)


async def test_head_has_the_length_and_no_body():
    peer = Peer()
    assert (await peer.ask(b"HEAD / HTTP/1.1\r\n\r\n")).endswith(b"content-length: 2\r\n\r\n")
    assert (await peer.ask(b"GET / HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\n/ ")


@pytest.mark.parametrize(
    ("request_", "says_close"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\n\r\n", False),
    ],
)
async def test_ends_the_connection_when_the_client_wants_it(request_, says_close):
    peer = Peer()
    assert (b"connection: close\r\n" in await peer.ask(request_)) is says_close
    assert peer.wire.closed is says_close


async def test_the_application_may_end_the_connection():
    async def close(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"bye", (b"connection", b"close"))

    peer = Peer(close)
    assert (await peer.ask(b"GET / HTTP/1.1\r\n\r\n")).count(b"connection: close") == 1
    assert peer.wire.closed


async def test_a_stream_begins_at_once_and_is_chunked():
    gate = asyncio.Event()

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await gate.wait()
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    peer = Peer(stream)
    head = b"HTTP/1.1 200 OK\r\n" + DATE + b"transfer-encoding: chunked\r\n\r\n"
    assert await peer.ask(b"GET / HTTP/1.1\r\n\r\n") == head
    gate.set()
    assert await peer.ask(b"") == head + b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


async def test_a_stream_waits_for_a_client_that_does_not_read():
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(3):
            await send({"type": "http.response.start", "status": 200} if not peer.wire.writes else piece)

    piece = {"type": "http.response.body", "body": b"x", "more_body": True}
    peer = Peer(stream)
    peer.protocol.pause_writing()
    assert await peer.ask(b"GET / HTTP/1.1\r\n\r\n") == b""
    peer.protocol.resume_writing()
    assert (await peer.ask(b"")).count(b"1\r\nx\r\n") == 2


async def test_the_application_learns_that_the_client_has_left():
    seen: list[Message] = []

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend([await receive(), await receive()])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    peer = Peer(watch)
    await peer.ask(b"GET / HTTP/1.1\r\n\r\n")
    peer.protocol.connection_lost(None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]
    assert peer.wire.writes == []
    assert not peer.shared.tasks
    assert not peer.shared.open


@pytest.mark.parametrize("begun", [False, True])
async def test_an_application_that_fails_costs_the_connection(begun, caplog):
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("bug")

    peer = Peer(fail)
    written = await peer.ask(b"GET / HTTP/1.1\r\n\r\n")
    assert written.startswith(b"HTTP/1.1 200 " if begun else b"HTTP/1.1 500 ")
    assert peer.wire.closed


@pytest.mark.parametrize("full", [False, True])
async def test_a_client_that_takes_nothing_is_not_waited_for_at_the_end(full):
    async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if full:
            peer.protocol.pause_writing()
        raise asyncio.CancelledError

    peer = Peer(cancelled)
    await peer.ask(b"GET / HTTP/1.1\r\n\r\n")
    assert peer.wire.closed
    assert peer.wire.aborted is full


@pytest.mark.parametrize("body", [b"x", b"xxx"])
async def test_a_body_of_another_length_than_announced_is_an_error(body, caplog):
    async def wrong(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": body})

    peer = Peer(wrong)
    assert (await peer.ask(b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 500 ")
    assert peer.wire.closed


async def test_no_answer_is_an_error(caplog):
    peer = Peer(lambda scope, receive, send: asyncio.sleep(0))
    assert (await peer.ask(b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("item", [(b"x", b"a\r\nset: b"), (b"x y", b"a"), (b"", b"a"), (b"x", b"a\0"), (b"x:", b"a")])
def test_headers_cannot_break_out(item):
    with pytest.raises(ValueError, match="invalid header"):
        HeaderLines().line(item)


def test_headers_are_remembered_up_to_a_bound():
    lines = HeaderLines()
    assert [lines.line((b"X-Y", b"1\t2")) for _ in range(2)] == [b"x-y: 1\t2\r\n"] * 2
    for number in range(2000):
        assert lines.line((b"n", b"%d" % number)) == b"n: %d\r\n" % number
    assert len(lines._lines) <= 512


async def test_a_head_may_come_in_pieces_but_not_grow_without_end():
    peer = Peer()
    assert (await peer.ask(b"GET /a", b"b HTTP/1.1\r\nx-y:", b" z\r\n", b"\r\n")).endswith(b"/ab ")
    assert peer.scopes[0]["headers"] == [(b"x-y", b"z")]
    assert not peer.protocol.head_since
    await peer.ask(b"GET /", b"c" * 1000)
    assert peer.protocol.head_since
    written = await peer.ask(*[b"c" * 65536] * (MAX_HEAD // 65536))
    assert b"HTTP/1.1 431 " in written
    assert peer.wire.closed


_MALFORMED = (b"\x00\x01\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nx y: 1\r\n\r\n")


@pytest.mark.parametrize("bad", _MALFORMED)
async def test_what_is_no_http_gets_400(bad):
    peer = Peer()
    assert (await peer.ask(bad)).startswith(b"HTTP/1.1 400 ")
    assert peer.wire.closed


async def test_an_upgrade_that_is_not_offered_is_ignored():
    peer = Peer()
    head = b"GET /up HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
    assert (await peer.ask(head)).endswith(b"/up ")
