"""Frames of HTTP/2 (RFC 9113, sections 4 and 6), and messages of gRPC in them."""

from enum import IntEnum
from struct import Struct

from kapi_storage.etcd3_status import Code, RpcError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD = Struct(">BHBBL")
"""Length (three bytes), type, flags, stream."""
HEAD_SIZE = 9
WORD = Struct(">L")
SETTING = Struct(">HL")

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME = 1, 2, 3, 4, 5

DEFAULT_WINDOW = 65_535
DEFAULT_FRAME = 16_384
LARGEST_WINDOW = 2**31 - 1
LAST_STREAM = 2**31 - 1

_MESSAGE_HEAD = Struct(">BL")
_MESSAGE_HEAD_SIZE = 5


class Reset(IntEnum):
    """Why a stream or a connection ends (RFC 9113, section 7); only those that mean something here."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    FLOW_CONTROL_ERROR = 3
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class ProtocolError(Exception):
    """The peer does not keep to HTTP/2: the connection is of no more use."""

    def __init__(self, code: Reset, text: str) -> None:
        """Take what to tell the peer, and one's own log."""
        super().__init__(text)
        self.code = code


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a whole frame."""
    size = len(payload)
    return HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def settings(**values: int) -> bytes:
    """Return a frame of settings, given by the names of their constants."""
    return frame(SETTINGS, 0, 0, b"".join(SETTING.pack(_SETTINGS[name], value) for name, value in values.items()))


_SETTINGS = {"enable_push": ENABLE_PUSH, "initial_window": INITIAL_WINDOW}


def unpadded(payload: bytes, flags: int) -> bytes:
    """Return what is in DATA or HEADERS without padding and priority. Raises ProtocolError."""
    first, last = 0, len(payload)
    if flags & PADDED:
        first, last = 1, last - (payload[0] if payload else 0)
    if flags & WITH_PRIORITY:
        first += 5
    if first > last:
        raise ProtocolError(Reset.PROTOCOL_ERROR, "a frame is shorter than its padding")
    return payload[first:last]


def message(content: bytes) -> bytes:
    """Return a message of gRPC, uncompressed."""
    return _MESSAGE_HEAD.pack(0, len(content)) + content


class MessageReader:
    """Puts messages together from the contents of DATA frames."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        """Begin between two messages."""
        self._rest = bytearray()

    def feed(self, content: bytes) -> list[bytes]:
        """Return the messages that are whole now. Raises RpcError for a compressed one, as none was asked for."""
        rest = self._rest
        if not rest:
            size = len(content)
            if size >= _MESSAGE_HEAD_SIZE and _MESSAGE_HEAD.unpack_from(content) == (0, size - _MESSAGE_HEAD_SIZE):
                return [content[_MESSAGE_HEAD_SIZE:]]
        rest += content
        found = []
        first, size = 0, len(rest)
        while size - first >= _MESSAGE_HEAD_SIZE:
            compressed, length = _MESSAGE_HEAD.unpack_from(rest, first)
            if compressed:
                raise RpcError(Code.INTERNAL, "etcd has sent a compressed message")
            last = first + _MESSAGE_HEAD_SIZE + length
            if last > size:
                break
            found.append(bytes(rest[first + _MESSAGE_HEAD_SIZE : last]))
            first = last
        del rest[:first]
        return found
