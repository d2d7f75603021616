"""The border to the generated code: what its messages are, for those that must type-check, and the methods of etcd.

Only modules that are loaded when the backend starts import this one, as it takes a while.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from etcd3.etcdrpc import rpc_pb2
from google.protobuf.unknown_fields import UnknownFieldSet

from kapi_storage.etcd3_calls import Bidirectional
from kapi_storage.etcd3_channel import Channel, TLSFiles
from kapi_storage.etcd3_frames import message
from kapi_storage.etcd3_headers import Headers
from kapi_storage.etcd3_servers import Server

AnswerT = TypeVar("AnswerT", bound="Answer")

_FRAGMENT_WANTED = b"\x40\x01"
"""``fragment: true`` in a WatchCreateRequest: the generated code is older than the field."""
_FRAGMENT_FIELD, _STATUS_ERRORS_FIELD = 7, 8


class Message(Protocol):
    """Any message."""

    def SerializeToString(self) -> bytes:  # noqa: N802  # protobuf's name
        """Return its bytes."""


class Header(Protocol):
    """What every answer begins with."""

    @property
    def revision(self) -> int:
        """The revision of the store."""


class Answer(Protocol):
    """Any answer."""

    @property
    def header(self) -> Header:
        """Where the store is."""


class StoredKey(Protocol):
    """A key with its value."""

    key: bytes
    value: bytes
    version: int
    lease: int
    create_revision: int
    mod_revision: int


class RangeAnswer(Answer, Protocol):
    """The keys of a range."""

    kvs: Sequence[StoredKey]
    more: bool
    count: int


class OperationAnswer(Protocol):
    """What one operation of a transaction did; only ranges are of interest."""

    response_range: RangeAnswer


class TxnAnswer(Answer, Protocol):
    """Whether the comparison held, and what the operations of that branch did."""

    succeeded: bool
    responses: Sequence[OperationAnswer]


class LeaseAnswer(Answer, Protocol):
    """A lease that was granted."""

    ID: int


class TimeToLiveAnswer(Answer, Protocol):
    """How many seconds a lease has left; -1: it is gone."""

    ID: int
    TTL: int


class StatusAnswer(Answer, Protocol):
    """How a server is."""

    version: str


class Event(Protocol):
    """A change of a key."""

    type: int
    kv: StoredKey
    prev_kv: StoredKey

    def HasField(self, name: str) -> bool:  # noqa: N802  # protobuf's name
        """Tell whether a message field is set."""


class WatchAnswer(Answer, Protocol):
    """A message of a watch."""

    watch_id: int
    created: bool
    canceled: bool
    compact_revision: int
    cancel_reason: str
    events: Sequence[Event]


@dataclass(frozen=True)
class Method(Generic[AnswerT]):
    """A method of etcd: its path, and how its answers are read. Hashed by identity."""

    path: str
    parse: Callable[[bytes], AnswerT]


RANGE: Final[Method[RangeAnswer]] = Method("/etcdserverpb.KV/Range", rpc_pb2.RangeResponse.FromString)
TXN: Final[Method[TxnAnswer]] = Method("/etcdserverpb.KV/Txn", rpc_pb2.TxnResponse.FromString)
COMPACT: Final[Method[Answer]] = Method("/etcdserverpb.KV/Compact", rpc_pb2.CompactionResponse.FromString)
GRANT: Final[Method[LeaseAnswer]] = Method("/etcdserverpb.Lease/LeaseGrant", rpc_pb2.LeaseGrantResponse.FromString)
TIME_TO_LIVE: Final[Method[TimeToLiveAnswer]] = Method(
    "/etcdserverpb.Lease/LeaseTimeToLive", rpc_pb2.LeaseTimeToLiveResponse.FromString
)
STATUS: Final[Method[StatusAnswer]] = Method("/etcdserverpb.Maintenance/Status", rpc_pb2.StatusResponse.FromString)
WATCH: Final[Method[WatchAnswer]] = Method("/etcdserverpb.Watch/Watch", rpc_pb2.WatchResponse.FromString)


class WatchCall:
    """An open stream of watch requests and answers."""

    def __init__(self, call: Bidirectional[WatchAnswer]) -> None:
        """Take the call."""
        self._call = call
        self.read = call.read
        self.take = call.take
        self.cancel = call.cancel

    @property
    def readable(self) -> bool:
        """Whether ``take`` has something to return."""
        return self._call.readable

    @property
    def ended(self) -> bool:
        """Whether nothing more arrives."""
        return self._call.ended

    def write(self, request: Message) -> None:
        """Send a request; if the stream has ended, who reads it learns that."""
        self._call.write(message(request.SerializeToString()))


class Connection:
    """The methods of one server. It connects when it is used, and again whenever it must."""

    def __init__(self, server: Server, tls: TLSFiles | None) -> None:
        """Take the server, and what TLS needs."""
        self.server = server
        self._channel = Channel(server, tls)
        self._headers: dict[str, Headers] = {}

    def call(self, method: Method[AnswerT], request: Message, timeout: float) -> "asyncio.Future[AnswerT]":
        """Call a method; the future's exception is an RpcError."""
        headers = self._headers.get(method.path) or self._headers_of(method.path)
        return self._channel.call(headers, request.SerializeToString(), method.parse, timeout)

    async def watch(self) -> WatchCall:
        """Return a stream, which begins with the first request. Raises RpcError."""
        return WatchCall(await self._channel.stream(self._headers_of(WATCH.path), WATCH.parse))

    def _headers_of(self, path: str) -> Headers:
        return self._headers.setdefault(path, self._channel.headers(path))

    async def close(self) -> None:
        """End all calls."""
        await self._channel.close()


def wants_fragments(request: rpc_pb2.WatchCreateRequest) -> None:
    """Let the server send what is large in several messages."""
    request.MergeFromString(_FRAGMENT_WANTED)


def is_fragment(answer: WatchAnswer) -> bool:
    """Tell whether the next message continues this one."""
    return any(field.field_number == _FRAGMENT_FIELD and field.data for field in UnknownFieldSet(answer))


def status_errors(answer: StatusAnswer) -> list[str]:
    """Return what is wrong with the server in its own words, alarms among it."""
    found = [field.data for field in UnknownFieldSet(answer) if field.field_number == _STATUS_ERRORS_FIELD]
    return [data.decode("utf-8", "replace").strip() for data in found if isinstance(data, bytes)]
