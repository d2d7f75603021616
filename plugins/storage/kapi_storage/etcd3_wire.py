"""The border to gRPC and to the generated code: what its messages and calls are, for those that must type-check.

Only modules that are loaded when the backend starts import this one, as it takes a while.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar, runtime_checkable

import grpc
import grpc.aio
from etcd3.etcdrpc import rpc_pb2, rpc_pb2_grpc
from google.protobuf.unknown_fields import UnknownFieldSet

from kapi.contracts.storage import Unavailable
from kapi_storage.etcd3_servers import Server

A_co = TypeVar("A_co", covariant=True)

_FRAGMENT_WANTED = b"\x40\x01"
"""``fragment: true`` in a WatchCreateRequest: the generated code is older than the field."""
_FRAGMENT_FIELD, _STATUS_ERRORS_FIELD = 7, 8

_CHANNEL_OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.use_local_subchannel_pool", 1),
)


class Metadata(Protocol):
    """What is sent along with a request."""


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


class PendingCall(Awaitable[A_co], Protocol[A_co]):
    """A call that waits for its answer; awaiting it raises grpc.aio.AioRpcError."""

    def add_done_callback(self, callback: Callable[[object], None]) -> None:
        """Call back when the answer is there, or there will be none."""


class Call(Protocol[A_co]):
    """A method with one request and one answer."""

    def __call__(self, request: Message, *, timeout: float, metadata: Metadata) -> PendingCall[A_co]:
        """Call it. Raises grpc.aio.AioRpcError."""


class WatchCall(Protocol):
    """An open stream of watch requests and answers."""

    async def read(self) -> object:
        """Return the next answer, or EOF. Raises grpc.aio.AioRpcError; CancelledError after ``cancel``."""

    async def write(self, request: Message) -> None:
        """Send a request. Raises grpc.aio.AioRpcError or InvalidStateError."""

    def cancel(self) -> bool:
        """End the stream."""


class WatchMethod(Protocol):
    """The method that opens a stream."""

    def __call__(self, *, metadata: Metadata) -> WatchCall:
        """Open it."""


@runtime_checkable
class RpcFailure(Protocol):
    """What grpc.aio.AioRpcError can tell."""

    def code(self) -> object:
        """Return the status code, one of grpc.StatusCode."""

    def details(self) -> str | None:
        """Return the server's words."""


class Credentials(Protocol):
    """What TLS needs."""


def credentials(ca: bytes | None, certificate: bytes | None, key: bytes | None) -> Credentials:
    """Return TLS credentials from PEM files; without ``ca`` the authorities that gRPC brings along are trusted."""
    made: Credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    return made


def metadata(*pairs: tuple[str, str]) -> Metadata:
    """Return names and values in the form that need not be converted for each request."""
    made: Metadata = grpc.aio.Metadata(*pairs)
    return made


class Connection:
    """The methods of one server. It connects when it is used, and again whenever it must."""

    def __init__(self, server: Server, tls: Credentials | None) -> None:
        """Take the server, and the credentials for TLS. Raises Unavailable for credentials that are none."""
        self.server = server
        self._channel = _channel(server, tls)
        kv = rpc_pb2_grpc.KVStub(self._channel)
        lease = rpc_pb2_grpc.LeaseStub(self._channel)
        self.range: Call[RangeAnswer] = kv.Range
        self.txn: Call[TxnAnswer] = kv.Txn
        self.compact: Call[Answer] = kv.Compact
        self.grant: Call[LeaseAnswer] = lease.LeaseGrant
        self.status: Call[StatusAnswer] = rpc_pb2_grpc.MaintenanceStub(self._channel).Status
        self.watch: WatchMethod = rpc_pb2_grpc.WatchStub(self._channel).Watch

    async def close(self) -> None:
        """End all calls."""
        await self._channel.close()


def _channel(server: Server, tls: Credentials | None) -> grpc.aio.Channel:
    try:
        if tls is None:
            return grpc.aio.insecure_channel(server.target, _CHANNEL_OPTIONS)
        return grpc.aio.secure_channel(server.target, tls, _CHANNEL_OPTIONS)
    except (ValueError, TypeError) as error:
        raise Unavailable(f"cannot connect to etcd at {server.target}: {error}") from error


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
