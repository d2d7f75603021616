"""What etcd's errors mean: https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go lists them."""

from kapi.contracts.storage import StorageError, Unavailable
from kapi_storage.etcd3_status import Code, RpcError

NO_LEADER = "etcdserver: no leader"

_COMPACTED = "required revision has been compacted"
_FUTURE = "required revision is a future revision"
_NO_SPACE = "database space exceeded"
_LEASE_NOT_FOUND = "requested lease not found"
_REFUSED = frozenset({Code.INVALID_ARGUMENT, Code.OUT_OF_RANGE, Code.NOT_FOUND})
_CONNECTION = frozenset({Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.CANCELLED})


class RevisionGone(StorageError):
    """The revision was compacted; the answer does not say up to which."""


class RevisionAhead(StorageError):
    """The revision is in the future; the answer does not say where the store is."""


class LeaseGone(StorageError):
    """The lease has expired."""


_KNOWN = ((_COMPACTED, RevisionGone), (_FUTURE, RevisionAhead), (_LEASE_NOT_FOUND, LeaseGone))


def meaning(failure: RpcError) -> StorageError:
    """Return the error to raise: Unavailable unless it is known that trying again will not help."""
    said = failure.details
    for part, kind in _KNOWN:
        if part in said:
            return kind(said)
    if failure.code in _REFUSED:
        return StorageError(said)
    refused = had_no_effect(failure) or _NO_SPACE in said
    return Unavailable(said if said.startswith("etcd") else f"etcd: {said}", refused=refused)


def is_of_connection(failure: RpcError) -> bool:
    """Tell whether another server may do better."""
    return failure.code in _CONNECTION


def had_no_effect(failure: RpcError) -> bool:
    """Tell whether the request was certainly not carried out, so that even a write can be sent again."""
    return failure.unsent or failure.details.startswith(NO_LEADER)
