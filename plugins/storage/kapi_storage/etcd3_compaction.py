"""Compaction by the clock, shared with all servers on the cluster, kube-apiserver among them.

They take turns through one key, whose number of writes is the number of the turn: whoever is first to write it after
an interval compacts at the revision that it noted one interval before. The others learn of it and wait again.
"""

from kapi_storage import etcd3_requests as requests
from kapi_storage.etcd3_client import Client
from kapi_storage.etcd3_wire import TXN, TxnAnswer

KEY = b"compact_rev_key"
"""kube-apiserver's key."""


class Compaction:
    """One participant."""

    def __init__(self, client: Client) -> None:
        """Begin without knowing whose turn it is."""
        self._client = client
        self._turn = 0
        self._mark = 0

    async def step(self) -> None:
        """Compact if no other participant has done so since the last step. Raises StorageError."""
        mark = self._mark
        request = requests.take_turn(KEY, self._turn, b"%d" % mark)
        answer = await self._client.call(TXN, request)
        self._mark = answer.header.revision
        if answer.succeeded:
            self._turn += 1
            if mark:
                await self._client.compact(mark)
        else:
            self._turn = _writes(answer)


def _writes(answer: TxnAnswer) -> int:
    found = answer.responses[0].response_range.kvs
    return found[0].version if found else 0
