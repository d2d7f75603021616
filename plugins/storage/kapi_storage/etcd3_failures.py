"""What etcd's errors mean: https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go lists them."""

import grpc

from kapi.contracts.storage import StorageError, Unavailable
from kapi_storage.etcd3_wire import RpcFailure

NO_CONNECTION = "failed to connect to all addresses"
"""How gRPC says that a request never left: with any other failure of a connection it may have been carried out."""
NO_LEADER = "etcdserver: no leader"

_COMPACTED = "required revision has been compacted"
_FUTURE = "required revision is a future revision"
_LEASE_NOT_FOUND = "requested lease not found"
_REFUSED = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.NOT_FOUND})
_CONNECTION = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED})


class RevisionGone(StorageError):
    """The revision was compacted; the answer does not say up to which."""


class RevisionAhead(StorageError):
    """The revision is in the future; the answer does not say where the store is."""


class LeaseGone(StorageError):
    """The lease has expired."""


_KNOWN = ((_COMPACTED, RevisionGone), (_FUTURE, RevisionAhead), (_LEASE_NOT_FOUND, LeaseGone))


def words(failure: RpcFailure) -> str:
    """Return what a failure says."""
    return failure.details() or str(failure.code())


def meaning(failure: RpcFailure) -> StorageError:
    """Return the error to raise: Unavailable unless it is known that trying again will not help."""
    said = words(failure)
    for part, kind in _KNOWN:
        if part in said:
            return kind(said)
    if failure.code() in _REFUSED:
        return StorageError(said)
    if failure.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Unavailable("etcd did not answer in time")
    return Unavailable(said if said.startswith("etcd") else f"etcd: {said}")


def is_of_connection(failure: RpcFailure) -> bool:
    """Tell whether another server may do better."""
    return failure.code() in _CONNECTION


def had_no_effect(failure: RpcFailure) -> bool:
    """Tell whether the request was certainly not carried out, so that even a write can be sent again."""
    said = words(failure)
    return said.startswith((NO_CONNECTION, NO_LEADER))
