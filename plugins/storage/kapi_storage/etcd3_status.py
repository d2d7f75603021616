"""How a gRPC call fails: https://grpc.github.io/grpc/core/md_doc_statuscodes.html."""

from enum import IntEnum
from typing import NamedTuple
from urllib.parse import unquote


class Code(IntEnum):
    """The status codes of gRPC."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


_OF_HTTP = {
    b"400": Code.INTERNAL,
    b"401": Code.UNAUTHENTICATED,
    b"403": Code.PERMISSION_DENIED,
    b"404": Code.UNIMPLEMENTED,
    b"429": Code.UNAVAILABLE,
    b"502": Code.UNAVAILABLE,
    b"503": Code.UNAVAILABLE,
    b"504": Code.UNAVAILABLE,
}
"""https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md"""


class RpcError(Exception):
    """A call failed; ``unsent`` tells that the server has certainly not begun to carry it out."""

    def __init__(self, code: Code, details: str, *, unsent: bool = False) -> None:
        """Take the status and the words of the server, or one's own where it has said nothing."""
        super().__init__(details)
        self.code = code
        self.details = details
        self.unsent = unsent


class Failure(NamedTuple):
    """What an RpcError is made from."""

    code: Code
    details: str


def of_status(status: bytes, message: bytes) -> Failure | None:
    """Return what the trailers ``grpc-status`` and ``grpc-message`` say; None: that all is well."""
    number = int(status) if status.isdigit() and len(status) <= 3 else Code.UNKNOWN
    if number == Code.OK:
        return None
    code = Code(number) if number in set(Code) else Code.UNKNOWN
    return Failure(code, unquote(message.decode("utf-8", "replace")) or code.name)


def of_http(status: bytes) -> Failure:
    """Return what an HTTP status means that is not 200, or not that of gRPC."""
    code = _OF_HTTP.get(status, Code.UNKNOWN)
    return Failure(code, f"the server does not speak gRPC: HTTP status {status.decode('ascii', 'replace')}")
