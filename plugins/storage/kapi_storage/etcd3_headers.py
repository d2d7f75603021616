"""Header blocks of HTTP/2 (HPACK, RFC 7541), each worked out once, as a connection sends and gets the same few.

The library ``hpack`` does the work. What it has made of a block stays true until the table of the connection changes,
which happens with the first few requests only.
"""

from collections.abc import Iterable
from typing import NamedTuple

from hpack import Decoder, Encoder, HPACKError, NeverIndexedHeaderTuple

from kapi_storage.etcd3_status import Failure, of_http, of_status

Headers = tuple[tuple[bytes, bytes], ...]

MAX_BLOCK = 64 << 10
_MEMO = 64
_INDEXED, _LONG_INDEX = 0x80, 0xFF


class HeadersError(Exception):
    """A block that cannot be read: the table is out of step then, and the connection of no more use."""


class Head(NamedTuple):
    """What a block says: the HTTP status (empty in trailers), and how the call ended, if it says so."""

    status: bytes
    grpc: bool
    ended: bool
    failure: Failure | None


class BlockEncoder:
    """Makes the blocks of requests."""

    def __init__(self) -> None:
        """Begin with an empty table."""
        self._encoder = Encoder()
        self._blocks: dict[tuple[Headers, int], bytes] = {}

    def limit(self, size: int) -> None:
        """Use no larger table than the peer keeps."""
        if size < self._encoder.header_table_size:
            self._encoder.header_table_size = size
            self._blocks.clear()

    def encode(self, headers: Headers, milliseconds: int) -> bytes:
        """Return the block for headers and a deadline (0: none)."""
        key = (headers, milliseconds)
        block = self._blocks.get(key)
        if block is not None:
            return block
        before = self._state()
        block = self._encoder.encode(_with_deadline(headers, milliseconds))
        if self._state() != before or len(self._blocks) >= _MEMO:
            self._blocks.clear()
        else:
            self._blocks[key] = block
        return block

    def _state(self) -> tuple[int, object]:
        entries = self._encoder.header_table.dynamic_entries
        return len(entries), entries[0] if entries else None


class BlockDecoder:
    """Reads the blocks of answers."""

    def __init__(self) -> None:
        """Begin with an empty table."""
        self._decoder = Decoder(max_header_list_size=MAX_BLOCK)
        self._heads: dict[bytes, Head] = {}

    def decode(self, block: bytes) -> Head:
        """Return what a block says. Raises HeadersError."""
        head = self._heads.get(block)
        if head is not None:
            return head
        try:
            head = _head(self._decoder.decode(block, raw=True))
        except HPACKError as error:
            raise HeadersError(str(error)) from error
        if not all(_INDEXED < byte < _LONG_INDEX for byte in block):
            self._heads.clear()  # it may have changed the table
        elif len(self._heads) < _MEMO:
            self._heads[block] = head
        return head


def _with_deadline(headers: Headers, milliseconds: int) -> Iterable[tuple[bytes, bytes]]:
    """The deadline is not worth a place in the table, as some requests have one that no other has."""
    if not milliseconds:
        return headers
    return (*headers, NeverIndexedHeaderTuple(b"grpc-timeout", b"%dm" % milliseconds))


def _head(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    found = {bytes(name): bytes(value) for name, value in headers}
    status = found.get(b":status", b"")
    ended = b"grpc-status" in found
    if ended:
        failure = of_status(found[b"grpc-status"], found.get(b"grpc-message", b""))
    else:
        failure = of_http(status) if status not in (b"", b"200") else None
    return Head(status, found.get(b"content-type", b"").startswith(b"application/grpc"), ended, failure)
