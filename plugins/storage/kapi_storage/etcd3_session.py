"""One HTTP/2 connection to a server (RFC 9113), as far as a client of gRPC needs it.

A request costs one write, and an answer, which mostly arrives in one piece, one pass over its three frames. Flow
control is kept in both directions: what a peer has no room for waits here, and who does not take the messages of a
stream lets its window run out. Calls beyond the streams that the server allows wait for their turn.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from kapi_storage import etcd3_frames as frames
from kapi_storage.etcd3_frames import HEAD, HEAD_SIZE, ProtocolError, Reset
from kapi_storage.etcd3_headers import MAX_BLOCK, BlockDecoder, BlockEncoder, Head, Headers, HeadersError
from kapi_storage.etcd3_status import Code, RpcError

WINDOW = 4 << 20
"""How much a server may send on a stream before it is taken."""
CONNECTION_WINDOW = 1 << 30
BEAT = 5.0
"""Every so many seconds a connection is looked at: one that was silent twice is asked for a sign of life."""
_ASK, _GIVE_UP = 2, 3
MAX_PINGS = 100
PONG_SECONDS = 0.05
"""How much later a ping is answered: servers send the next one to measure the line with about every request."""


class Stream:
    """A call on a connection. The connection calls the methods ``on_…`` of the subclasses."""

    __slots__ = ("credit", "headers", "id", "local_closed", "milliseconds", "outgoing", "send_window")

    def __init__(self, headers: Headers, milliseconds: int) -> None:
        """Take the headers of the request, and its deadline (0: none)."""
        self.headers = headers
        self.milliseconds = milliseconds
        self.id = 0
        self.send_window = 0
        self.credit = 0
        self.outgoing = bytearray()
        self.local_closed = False

    @property
    def held(self) -> int:
        """How many bytes have arrived that nobody has taken yet."""
        return 0

    def on_head(self, head: Head) -> None:
        """Take what the server says before or after the messages."""

    def on_data(self, content: bytes) -> None:
        """Take a part of the messages. Raises RpcError."""

    def on_end(self) -> None:
        """The server will send no more."""

    def on_failure(self, failure: RpcError) -> None:
        """There will be no answer."""


class Session(asyncio.Protocol):
    """See the module. ``usable`` tells whether calls can be begun, ``lost`` that the connection is gone."""

    _transport: asyncio.Transport

    def __init__(self, on_unusable: Callable[["Session"], None]) -> None:
        """Take whom to tell, once, that no more calls can be begun; there may be some under way still."""
        self.usable = False
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self._on_unusable = on_unusable
        self._encoder, self._decoder = BlockEncoder(), BlockDecoder()
        self._streams: dict[int, Stream] = {}
        self._waiting: deque[Stream] = deque()
        self._blocked: dict[int, Stream] = {}
        self._next = 1
        self._limit = frames.LAST_STREAM
        self._rest = b""
        self._block: tuple[int, int, bytearray] | None = None
        self._unsent: list[bytes] = []
        self._credit = 0
        self._send_window = frames.DEFAULT_WINDOW
        self._stream_window = frames.DEFAULT_WINDOW
        self._max_frame = frames.DEFAULT_FRAME
        self._silent = 0
        self._pings: list[bytes] = []
        self._beat: asyncio.TimerHandle | None = None
        self._reason = ""
        self.lost = False

    # The life of the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the server."""
        self._transport = cast(asyncio.Transport, transport)
        grow = frames.WORD.pack(CONNECTION_WINDOW - frames.DEFAULT_WINDOW)
        self._write(
            frames.PREFACE
            + frames.settings(enable_push=0, initial_window=WINDOW)
            + frames.frame(frames.WINDOW_UPDATE, 0, 0, grow)
        )
        self._beat = self._loop.call_later(BEAT, self._on_beat)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let all calls fail."""
        self.lost = True
        self._retire()
        if self._beat is not None:
            self._beat.cancel()
        reason = self._reason or str(exc or "the server has closed the connection")
        failed, waiting = self._streams, self._waiting
        self._streams, self._waiting, self._blocked = {}, deque(), {}
        for stream in failed.values():
            stream.on_failure(RpcError(Code.UNAVAILABLE, reason))
        for stream in waiting:
            stream.on_failure(RpcError(Code.UNAVAILABLE, reason, unsent=True))
        if not self.ready.done():
            self.ready.set_exception(RpcError(Code.UNAVAILABLE, reason, unsent=True))
            self.ready.exception()  # nobody need wait for it

    def close(self, reason: str, code: Reset = Reset.NO_ERROR) -> None:
        """End the connection, and all calls on it."""
        self._reason = self._reason or reason
        self._retire()
        if not self._transport.is_closing():
            self._transport.write(frames.frame(frames.GOAWAY, 0, 0, frames.WORD.pack(0) + frames.WORD.pack(code)))
        self._transport.abort()

    def _write(self, data: bytes) -> None:
        """Send what is written in one round of the event loop at once: each system call costs as much as a request."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(data)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if not self._transport.is_closing():
            self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def _retire(self) -> None:
        if self.usable:
            self.usable = False
            self._on_unusable(self)

    def _on_beat(self) -> None:
        """Notice a server that is gone without a word; one that has nothing to do need not answer."""
        self._silent = self._silent + 1 if self._streams else 0
        if self._silent == _ASK:
            self._write(frames.frame(frames.PING, 0, 0, bytes(8)))
        elif self._silent >= _GIVE_UP:
            self.close("the server does not answer any more")
            return
        self._beat = self._loop.call_later(BEAT, self._on_beat)

    # Calls

    def begin(self, stream: Stream, content: bytes, *, end: bool) -> None:
        """Open a stream and send the first message; on a connection that is not usable any more it fails."""
        if not self.usable:
            stream.on_failure(RpcError(Code.UNAVAILABLE, self._reason or "the connection is lost", unsent=True))
            return
        stream.outgoing += content
        stream.local_closed = end
        if len(self._streams) >= self._limit:
            self._waiting.append(stream)
        else:
            self._open(stream)

    def _open(self, stream: Stream) -> None:
        stream.id = number = self._next
        self._next += 2
        if self._next > frames.LAST_STREAM:
            self._retire()
        self._streams[number] = stream
        stream.send_window = self._stream_window
        block = self._encoder.encode(stream.headers, stream.milliseconds)
        head = HEAD.pack(0, len(block), frames.HEADERS, frames.END_HEADERS, number) + block
        self._write(head + self._sendable(stream))

    def send(self, stream: Stream, content: bytes) -> None:
        """Send another message."""
        stream.outgoing += content
        if stream.id in self._streams:
            self._write(self._sendable(stream))

    def drop(self, stream: Stream) -> None:
        """Give a call up; it hears nothing any more."""
        if stream.id in self._streams:
            self._reset(stream, Reset.CANCEL)
            self._remove(stream)
        elif stream in self._waiting:
            self._waiting.remove(stream)

    def taken(self, stream: Stream) -> None:
        """Let the server send more, as what had arrived was taken."""
        if stream.id in self._streams:
            self._give_credit(stream)

    def _sendable(self, stream: Stream) -> bytes:
        """Return the frames that the server has room for; the rest waits until it has more."""
        outgoing = stream.outgoing
        size = len(outgoing)
        if size <= min(self._send_window, stream.send_window, self._max_frame):
            return self._data(stream, size)
        parts = []
        while (room := min(self._send_window, stream.send_window, self._max_frame, len(outgoing))) > 0:
            parts.append(self._data(stream, room))
        if outgoing:
            self._blocked[stream.id] = stream
        return b"".join(parts)

    def _data(self, stream: Stream, size: int) -> bytes:
        outgoing = stream.outgoing
        content = bytes(outgoing[:size])
        del outgoing[:size]
        self._send_window -= size
        stream.send_window -= size
        flags = frames.END_STREAM if stream.local_closed and not outgoing else 0
        return HEAD.pack(size >> 16, size & 0xFFFF, frames.DATA, flags, stream.id) + content

    def _go_on(self) -> None:
        """Send what waited for room."""
        blocked, self._blocked = self._blocked, {}
        for stream in blocked.values():
            part = self._sendable(stream)
            if part:
                self._write(part)

    def _reset(self, stream: Stream, code: Reset) -> None:
        self._write(frames.frame(frames.RST_STREAM, 0, stream.id, frames.WORD.pack(code)))

    def _remove(self, stream: Stream) -> None:
        self._streams.pop(stream.id, None)
        self._blocked.pop(stream.id, None)
        while self._waiting and len(self._streams) < self._limit and self.usable:
            self._open(self._waiting.popleft())
        if not self.usable and not self._streams:
            self.close("no more calls")

    def _fail(self, stream: Stream, failure: RpcError) -> None:
        self._remove(stream)
        stream.on_failure(failure)

    # What the server sends

    def data_received(self, data: bytes) -> None:
        """Take the frames that are whole."""
        self._silent = 0
        if self._rest:
            data = self._rest + data
        try:
            self._rest = data[self._take(data) :]
        except ProtocolError as error:
            self.close(f"etcd breaks HTTP/2: {error}", error.code)
        except HeadersError as error:
            self.close(f"etcd breaks HTTP/2: {error}", Reset.COMPRESSION_ERROR)

    def _take(self, data: bytes) -> int:
        """Handle whole frames; return where the rest begins."""
        first, size = 0, len(data)
        while size - first >= HEAD_SIZE:
            high, low, kind, flags, number = HEAD.unpack_from(data, first)
            length = high << 16 | low
            if length > frames.DEFAULT_FRAME:
                raise ProtocolError(Reset.FRAME_SIZE_ERROR, "a frame is too large")
            last = first + HEAD_SIZE + length
            if last > size:
                break
            payload = data[first + HEAD_SIZE : last]
            first = last
            if self._block is not None and kind != frames.CONTINUATION:
                raise ProtocolError(Reset.PROTOCOL_ERROR, "a header block is interrupted")
            if kind == frames.DATA:
                self._on_data(number, flags, payload)
            elif kind == frames.HEADERS:
                self._on_headers(number, flags, payload)
            else:
                handler = _HANDLERS.get(kind)
                if handler is not None:
                    handler(self, number & frames.LAST_STREAM, flags, payload)
        return first

    def _on_data(self, number: int, flags: int, payload: bytes) -> None:
        size = len(payload)
        self._credit += size
        if self._credit >= CONNECTION_WINDOW // 2:
            self._write(frames.frame(frames.WINDOW_UPDATE, 0, 0, frames.WORD.pack(self._credit)))
            self._credit = 0
        stream = self._streams.get(number)
        if stream is None:
            if number >= self._next:
                raise ProtocolError(Reset.PROTOCOL_ERROR, "data of a stream that was not opened")
            return
        stream.credit += size
        try:
            stream.on_data(frames.unpadded(payload, flags & frames.PADDED) if flags & frames.PADDED else payload)
        except RpcError as failure:
            self._reset(stream, Reset.CANCEL)
            self._fail(stream, failure)
            return
        if flags & frames.END_STREAM:
            self._on_end(stream)
        elif stream.credit >= WINDOW // 2:
            self._give_credit(stream)

    def _give_credit(self, stream: Stream) -> None:
        """Let the server send as much again as was taken."""
        free = stream.credit - stream.held
        if free >= WINDOW // 2:
            stream.credit -= free
            self._write(frames.frame(frames.WINDOW_UPDATE, 0, stream.id, frames.WORD.pack(free)))

    def _on_headers(self, number: int, flags: int, payload: bytes) -> None:
        if flags & (frames.PADDED | frames.WITH_PRIORITY):
            payload = frames.unpadded(payload, flags)
        if flags & frames.END_HEADERS:
            self._on_block(number, flags, payload)
        else:
            self._block = number, flags, bytearray(payload)

    def _on_continuation(self, number: int, flags: int, payload: bytes) -> None:
        if self._block is None or self._block[0] != number:
            raise ProtocolError(Reset.PROTOCOL_ERROR, "a header block goes on that has not begun")
        _, first_flags, block = self._block
        block += payload
        if len(block) > MAX_BLOCK:
            raise ProtocolError(Reset.ENHANCE_YOUR_CALM, "a header block is too large")
        if flags & frames.END_HEADERS:
            self._block = None
            self._on_block(number, first_flags, bytes(block))

    def _on_block(self, number: int, flags: int, block: bytes) -> None:
        head = self._decoder.decode(block)  # also if nobody waits for it: it may change the table
        stream = self._streams.get(number)
        if stream is not None:
            stream.on_head(head)
            if flags & frames.END_STREAM:
                self._on_end(stream)

    def _on_end(self, stream: Stream) -> None:
        if not stream.local_closed or stream.outgoing:
            self._reset(stream, Reset.CANCEL)
        self._remove(stream)
        stream.on_end()

    def _on_reset(self, number: int, _flags: int, payload: bytes) -> None:
        code = _word(payload)
        stream = self._streams.get(number)
        if stream is not None:
            refused = code == Reset.REFUSED_STREAM
            status = Code.CANCELLED if code == Reset.CANCEL else Code.UNAVAILABLE
            self._fail(stream, RpcError(status, f"etcd has ended the call (HTTP/2 error {code})", unsent=refused))

    def _on_settings(self, _number: int, flags: int, payload: bytes) -> None:
        if flags & frames.ACK:
            return
        if len(payload) % frames.SETTING.size:
            raise ProtocolError(Reset.FRAME_SIZE_ERROR, "settings of a wrong size")
        for name, value in frames.SETTING.iter_unpack(payload):
            self._set(name, value)
        self._write(frames.frame(frames.SETTINGS, frames.ACK, 0))
        self._go_on()
        if not self.ready.done():
            self.usable = True
            self.ready.set_result(None)

    def _set(self, name: int, value: int) -> None:
        if name == frames.HEADER_TABLE_SIZE:
            self._encoder.limit(value)
        elif name == frames.MAX_STREAMS:
            self._limit = value
        elif name == frames.MAX_FRAME:
            self._max_frame = max(frames.DEFAULT_FRAME, value)
        elif name == frames.INITIAL_WINDOW:
            if value > frames.LARGEST_WINDOW:
                raise ProtocolError(Reset.FLOW_CONTROL_ERROR, "a window is too large")
            grown = value - self._stream_window
            self._stream_window = value
            for stream in self._streams.values():
                stream.send_window += grown

    def _on_ping(self, _number: int, flags: int, payload: bytes) -> None:
        if flags & frames.ACK:
            return
        if not self._pings:
            self._loop.call_later(PONG_SECONDS, self._pong)
        if len(self._pings) < MAX_PINGS:
            self._pings.append(payload)

    def _pong(self) -> None:
        pings, self._pings = self._pings, []
        if not self._transport.is_closing():
            self._write(b"".join(frames.frame(frames.PING, frames.ACK, 0, payload) for payload in pings))

    def _on_goaway(self, _number: int, _flags: int, payload: bytes) -> None:
        """Finish what the server still wants to answer; it has not begun anything behind that."""
        last = _word(payload) & frames.LAST_STREAM
        self._reason = self._reason or "the server is going away"
        self._retire()
        waiting, self._waiting = self._waiting, deque()
        refused = [stream for number, stream in self._streams.items() if number > last]
        for stream in (*refused, *waiting):
            self._fail(stream, RpcError(Code.UNAVAILABLE, self._reason, unsent=True))
        if not self._streams:
            self.close(self._reason)

    def _on_window(self, number: int, _flags: int, payload: bytes) -> None:
        grown = _word(payload) & frames.LARGEST_WINDOW
        if number == 0:
            self._send_window += grown
        elif number in self._streams:
            self._streams[number].send_window += grown
        if self._blocked:
            self._go_on()


def _word(payload: bytes) -> int:
    if len(payload) < frames.WORD.size:
        raise ProtocolError(Reset.FRAME_SIZE_ERROR, "a frame is too short")
    number: int = frames.WORD.unpack_from(payload)[0]
    return number


def _on_push(_session: Session, _number: int, _flags: int, _payload: bytes) -> None:
    raise ProtocolError(Reset.PROTOCOL_ERROR, "a push, which was refused")


_HANDLERS: dict[int, Callable[[Session, int, int, bytes], None]] = {
    frames.RST_STREAM: Session._on_reset,
    frames.SETTINGS: Session._on_settings,
    frames.PUSH_PROMISE: _on_push,
    frames.PING: Session._on_ping,
    frames.GOAWAY: Session._on_goaway,
    frames.WINDOW_UPDATE: Session._on_window,
    frames.CONTINUATION: Session._on_continuation,
}
