"""The gRPC client of the etcd3 backend, against a server made of h2, and against peers that misbehave."""

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
from grpc_peer import GOOD, HEADERS, Peer, Server, echo, framed, listening
from h2.settings import SettingCodes
from hypothesis import given
from hypothesis import strategies as st

from kapi.testing.etcd import free_ports
from kapi_storage import etcd3_channel, etcd3_session
from kapi_storage.etcd3_calls import Unary
from kapi_storage.etcd3_channel import Channel
from kapi_storage.etcd3_frames import HEADERS as HEADERS_FRAME
from kapi_storage.etcd3_frames import PREFACE, MessageReader, frame, message
from kapi_storage.etcd3_servers import Server as Address
from kapi_storage.etcd3_session import Session
from kapi_storage.etcd3_status import Code, RpcError

PATH = "/etcdserverpb.KV/Range"


@asynccontextmanager
async def calling(port, tls=None):
    """Yield a function that calls a method with some bytes, and the channel."""
    channel = Channel(Address("127.0.0.1", port, tls is not None), tls)

    def call(content, timeout=5.0, parse=bytes):
        return channel.call(channel.headers(PATH), content, parse, timeout)

    try:
        yield call, channel
    finally:
        await channel.close()


@asynccontextmanager
async def served(server):
    async with listening(partial(Peer, server)) as port, calling(port) as (call, channel):
        yield call, channel


async def failure(call):
    with pytest.raises(RpcError) as caught:
        async with asyncio.timeout(5):
            await call
    return caught.value


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # the peer has no event for it
            await asyncio.sleep(0.001)


async def test_calls_are_answered():
    server = Server()
    async with served(server) as (call, _):
        contents = [b"%d" % number * 10 for number in range(100)]
        assert await asyncio.gather(*map(call, contents)) == contents
        assert await call(b"") == b""
    [peer] = server.peers
    assert peer.headers[1] == {
        ":method": "POST", ":scheme": "http", ":path": PATH, ":authority": peer.headers[1][":authority"],
        "te": "trailers", "content-type": "application/grpc", "user-agent": "kapi", "hasleader": "true",
        "grpc-timeout": "5000m",
    }  # fmt: skip
    assert peer.headers[1] == peer.headers[199]


@pytest.mark.parametrize("size", [1, 16_379, 16_380, 65_530, 65_531, 3_000_000])
async def test_messages_of_any_size(size):
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    received = []

    def measure(peer, stream):
        received.append(peer.bodies[stream])
        peer.reply(stream, b"done")

    async with served(Server(measure)) as (call, _):
        assert await call(content) == b"done"
    assert received == [framed(content)]


async def test_a_small_window_of_the_server_is_kept():
    settings = {"INITIAL_WINDOW_SIZE": 100, "HEADER_TABLE_SIZE": 0}
    async with served(Server(settings=settings)) as (call, _):
        assert await asyncio.gather(*(call(b"%d" % n * 1000) for n in range(5))) == [b"%d" % n * 1000 for n in range(5)]


async def test_a_window_that_shrinks_meanwhile():
    def shrink(peer, stream):
        if peer.h2.local_settings.initial_window_size != 10:
            peer.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})

    async with served(Server(on_data=shrink)) as (call, _):
        assert await call(b"x" * 200_000) == b"x" * 200_000


async def test_an_answer_larger_than_the_window():
    async def send(peer, stream, content):
        peer.say(stream, framed(content))
        await until(lambda: not peer.paced[stream])
        peer.end(stream)

    tasks = []
    size = 3 * etcd3_session.WINDOW
    server = Server(lambda peer, stream: tasks.append(asyncio.create_task(send(peer, stream, b"y" * size))))
    async with served(server) as (call, _):
        assert len(await call(b"")) == size


async def test_more_calls_than_the_server_allows_wait():
    most = []

    def count(peer, stream):
        most.append(peer.h2.open_inbound_streams)
        echo(peer, stream)

    async with served(Server(count, {"MAX_CONCURRENT_STREAMS": 2})) as (call, _):
        assert await asyncio.gather(*(call(b"%d" % n) for n in range(20))) == [b"%d" % n for n in range(20)]
    assert max(most) <= 2


async def test_a_call_that_got_no_turn_in_time_was_not_sent():
    async with served(Server(lambda peer, stream: None, {"MAX_CONCURRENT_STREAMS": 1})) as (call, _):
        first, second = call(b"", 0.3), call(b"", 0.1)
        late = await failure(second)
        assert (late.code, late.unsent) == (Code.DEADLINE_EXCEEDED, True)
        late = await failure(first)
        assert (late.code, late.unsent, str(late)) == (Code.DEADLINE_EXCEEDED, False, "etcd did not answer in time")


async def test_a_call_that_takes_too_long_is_reset_and_the_next_one_works():
    server = Server(lambda peer, stream: echo(peer, stream) if stream > 1 else None)
    async with served(server) as (call, _):
        await failure(call(b"", 0.05))
        assert await call(b"again") == b"again"
        assert server.resets == [(1, 8)]
        assert len(server.peers) == 1


def trailers(status, text):
    return lambda peer, stream: (peer.say(stream, b""), peer.end(stream, [("grpc-status", status), *text]))


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (trailers("14", [("grpc-message", "etcdserver: no leader")]), Code.UNAVAILABLE, "etcdserver: no leader"),
        (trailers("3", [("grpc-message", "a %C3%A9 100%25")]), Code.INVALID_ARGUMENT, "a \u00e9 100%"),
        (trailers("5", []), Code.NOT_FOUND, "NOT_FOUND"),
        (trailers("77", []), Code.UNKNOWN, "UNKNOWN"),
        (trailers("rubbish", []), Code.UNKNOWN, "UNKNOWN"),
        (trailers("0", []), Code.INTERNAL, "etcd has sent no answer"),
        (trailers("8", [("grpc-message", "x" * 40_000)]), Code.RESOURCE_EXHAUSTED, "x" * 40_000),
        (lambda peer, stream: peer.end(stream, [*HEADERS, ("grpc-status", "14")]), Code.UNAVAILABLE, "UNAVAILABLE"),
        (lambda peer, stream: peer.end(stream, [(":status", "503")]), Code.UNAVAILABLE, "503"),
        (lambda peer, stream: peer.end(stream, [(":status", "404")]), Code.UNIMPLEMENTED, "404"),
        (lambda peer, stream: peer.end(stream, [(":status", "200")]), Code.UNKNOWN, "does not speak gRPC"),
        (lambda peer, stream: peer.end(stream, HEADERS), Code.UNAVAILABLE, "without saying how"),
        (lambda peer, stream: peer.say(stream, b"\1\0\0\0\0"), Code.INTERNAL, "compressed"),
        (lambda peer, stream: peer.h2.reset_stream(stream, 2), Code.UNAVAILABLE, "HTTP/2 error 2"),
        (lambda peer, stream: peer.h2.reset_stream(stream, 8), Code.CANCELLED, "HTTP/2 error 8"),
        (lambda peer, stream: peer.transport.abort(), Code.UNAVAILABLE, ""),
        (lambda peer, stream: peer.transport.write(b"rubbish " * 10), Code.UNAVAILABLE, "breaks HTTP/2"),
    ],
)  # fmt: skip
async def test_failures_are_told_and_the_next_call_works(answer, code, said):
    asked = []
    server = Server(lambda peer, stream: (echo if asked else answer)(peer, stream))
    async with served(server) as (call, _):
        told = await failure(call(b""))
        assert (told.code, told.unsent) == (code, False)
        assert said in str(told)
        asked.append(True)
        assert await call(b"again") == b"again"


async def test_an_answer_that_cannot_be_parsed():
    def parse(content):
        raise ValueError(content)

    async with served(Server()) as (call, _):
        assert (await failure(call(b"x", parse=parse))).code is Code.INTERNAL
        assert await call(b"again") == b"again"


async def test_what_was_refused_was_not_carried_out():
    async with served(Server(lambda peer, stream: peer.h2.reset_stream(stream, 7))) as (call, _):
        assert (await failure(call(b""))).unsent


async def test_a_server_that_goes_away_finishes_what_it_has_begun():
    """The calls behind the last one that it names are as good as not sent; new ones use another connection."""
    held = []

    def leave(peer, stream):
        held.append((peer, stream))
        if len(held) == 3:
            peer.transport.write(frame(7, 0, 0, (1).to_bytes(4, "big") + bytes(4)))
            peer.flush()

    server = Server(leave)
    async with served(server) as (call, _):
        calls = [call(b"%d" % number) for number in range(3)]
        assert [(await failure(one)).unsent for one in calls[1:]] == [True, True]
        server.on_request = echo
        assert await call(b"new") == b"new"
        peer, stream = held[0]
        echo(peer, stream)
        assert await calls[0] == b"0"
        assert len(server.peers) == 2


async def test_a_server_that_falls_silent_is_given_up(monkeypatch):
    monkeypatch.setattr(etcd3_session, "BEAT", 0.02)
    server = Server()
    async with served(server) as (call, channel):
        await call(b"")
        [peer] = server.peers
        stream = await channel.stream(channel.headers(PATH), bytes)
        stream.write(framed(b""))
        await asyncio.sleep(0.2)  # idle, but its answers to pings keep it
        assert not stream.ended
        peer.data_received = lambda data: None
        lost = await failure(stream.read())
        assert (lost.code, str(lost)) == (Code.UNAVAILABLE, "the server does not answer any more")
        assert await call(b"new") == b"new"


class Silent(asyncio.Protocol):
    """Accepts, and says nothing more."""


async def test_a_server_that_never_says_a_word_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(etcd3_channel, "CONNECT_SECONDS", 0.1)
    async with listening(Silent) as port, calling(port) as (call, _):
        told = await failure(call(b""))
        assert (told.code, told.unsent) == (Code.UNAVAILABLE, True)
        assert "does not answer" in str(told)
        assert (await failure(call(b""))).unsent  # at once: connecting is not tried again so soon


async def test_deadlines_hold_while_connecting():
    async with listening(Silent) as port, calling(port) as (call, _):
        late = await failure(call(b"", 0.05))
        assert (late.code, late.unsent) == (Code.DEADLINE_EXCEEDED, True)


async def test_nobody_listens():
    [port] = free_ports(1)
    async with calling(port) as (call, channel):
        told = await failure(call(b""))
        assert told.unsent
        assert "Connection refused" in str(told)
        assert (await failure(channel.stream(channel.headers(PATH), bytes))).unsent


async def test_closing_ends_what_waits():
    async with listening(Silent) as port:
        async with calling(port) as (call, _):
            waiting = call(b"")
        assert (await failure(waiting)).unsent
    async with served(Server(lambda peer, stream: None)) as (call, channel):
        waiting = call(b"")
        stream = await channel.stream(channel.headers(PATH), bytes)
        stream.write(framed(b""))
    assert not (await failure(waiting)).unsent
    await failure(stream.read())


class Talker(asyncio.Protocol):
    """Says one thing."""

    def __init__(self, said):
        self.said = said

    def connection_made(self, transport):
        transport.write(self.said)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        frame(4, 0, 0, b"short"),
        frame(4, 0, 0, b"\0\4\xff\xff\xff\xff"),
        frame(5, 0, 1, bytes(4)),
        frame(9, 0, 1, b""),
        frame(HEADERS_FRAME, 0, 1, b"") + frame(6, 0, 0, bytes(8)),
        frame(HEADERS_FRAME, 0, 1, b"") + frame(9, 0, 1, bytes(16_000)) * 5,
        frame(HEADERS_FRAME, 4, 1, b"\xff\xff\xff\xff\xff\xff"),
        frame(0, 0, 7, b""),
        frame(7, 0, 0, b""),
        frame(0, 0, 1, bytes(20_000)),
    ],
)
async def test_peers_that_break_the_protocol(said):
    async with listening(partial(Talker, said)) as port, calling(port) as (call, _):
        told = await failure(call(b"", 2.0))
        assert (told.code, told.unsent) == (Code.UNAVAILABLE, True)
        assert "breaks HTTP/2" in str(told)


async def test_tls_without_http2_is_told(tmp_path):
    from test_etcd3_parts import Certificates

    files = Certificates(tmp_path).files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    tls = etcd3_channel.TLSFiles(files.authority, None, None)
    async with listening(Silent, ssl=context) as port, calling(port, tls) as (call, _):
        assert "does not speak HTTP/2" in str(await failure(call(b"")))
    context.set_alpn_protocols(["h2"])
    async with listening(partial(Peer, Server()), ssl=context) as port, calling(port, tls) as (call, _):
        assert await call(b"x" * 100_000) == b"x" * 100_000


async def test_streams_go_on_in_both_directions():
    server = Server(on_data=lambda peer, stream: peer.say(stream, peer.bodies[stream], HEADERS if new() else None))
    seen = []

    def new():
        seen.append(True)
        return len(seen) == 1

    async with served(server) as (_, channel):
        stream = await channel.stream(channel.headers(PATH), bytes)
        stream.write(framed(b"one"))
        assert await stream.read() == b"one"
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0)
        reading.cancel()  # ends nothing
        stream.write(framed(b"two"))
        assert [await stream.read(), await stream.read()] == [b"one", b"two"]
        stream.cancel()
        assert (await failure(stream.read())).code is Code.CANCELLED
        stream.write(framed(b"too late"))


async def test_who_does_not_read_is_not_sent_more():
    """A part of what waits is read each time; the server has sent a window's worth at most beyond that."""
    content = framed(b"z" * 100_000) * 100
    server = Server(on_data=lambda peer, stream: peer.say(stream, content))
    async with served(server) as (call, channel):
        stream = await channel.stream(channel.headers(PATH), bytes)
        stream.write(framed(b""))
        await stream.read()
        await asyncio.sleep(0.05)
        [peer] = server.peers
        sent = len(content) - len(peer.paced[1])
        assert sent <= etcd3_session.WINDOW + 100_005
        assert stream.held <= etcd3_session.WINDOW
        for _ in range(99):
            assert len(await stream.read()) == 100_000
        assert not stream.readable


class Pipe:
    """A transport that keeps what is written."""

    def __init__(self, written):
        self.write = written.extend

    def is_closing(self):
        return False

    def abort(self):
        pass


async def recorded_answers():
    """What a server says to two calls, byte for byte."""
    peer = Peer(Server())
    said = bytearray()
    peer.connection_made(Pipe(said))
    channel = Channel(Address("127.0.0.1", 1, False), None)
    session = Session(lambda session: None)
    asked = bytearray()
    session.connection_made(Pipe(asked))
    session.data_received(bytes(said))
    for content in (b"first" * 100, b"second"):
        session.begin(Unary(channel.headers(PATH), 5.0, bytes), message(content), end=True)
    await asyncio.sleep(0)
    assert asked.startswith(PREFACE)
    peer.data_received(bytes(asked))
    session.connection_lost(None)
    return bytes(said)


async def answers(said, cuts):
    session = Session(lambda session: None)
    session.connection_made(Pipe(bytearray()))
    session.usable = True
    headers = Channel(Address("127.0.0.1", 1, False), None).headers(PATH)
    calls = [Unary(headers, 5.0, bytes) for _ in range(2)]
    for call in calls:
        session.begin(call, message(b""), end=True)
    first = 0
    for last in (*sorted(cuts), len(said)):
        session.data_received(said[first:last])
        first = max(first, last)
    session.connection_lost(None)
    return await asyncio.gather(*(call.answer for call in calls), return_exceptions=True)


@given(st.lists(st.integers(0, 800), max_size=8))
def test_it_does_not_matter_how_answers_are_cut(cuts):
    async def run():
        return await answers(await recorded_answers(), cuts)

    assert asyncio.run(run()) == [b"first" * 100, b"second"]


@given(st.lists(st.tuples(st.integers(0, 700), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4))
def test_damaged_answers_do_no_harm(damages):
    """Every call ends one way or another, and nothing else is raised."""

    async def run():
        said = bytearray(await recorded_answers())
        for place, content in damages:
            said[place : place + len(content)] = content
        return await answers(bytes(said), [])

    for answer in asyncio.run(run()):
        assert isinstance(answer, bytes | RpcError)


@given(st.lists(st.binary(max_size=50), max_size=6), st.integers(1, 20))
def test_messages_are_put_together(contents, step):
    said = b"".join(map(framed, contents))
    reader = MessageReader()
    found = [one for first in range(0, len(said), step) for one in reader.feed(said[first : first + step])]
    assert found == contents


async def test_a_stream_fails_with_its_connection():
    server = Server()
    async with served(server) as (_, channel):
        stream = await channel.stream(channel.headers(PATH), bytes)
        stream.write(framed(b"x"))
        waiting = asyncio.create_task(stream.read())
        await until(lambda: server.peers and 1 in server.peers[0].headers)
        server.peers[0].say(1, framed(b"last"))
        server.peers[0].end(1, GOOD)
        assert await waiting == b"last"
        ended = await failure(stream.read())
        assert (ended.code, str(ended)) == (Code.UNAVAILABLE, "etcd ended the stream")
        with suppress(RpcError):
            stream.write(framed(b"y"))
