"""The etcd3 backend on servers that tell their progress in order (3.5.13, 3.6): a scripted one, that a test can make
slow, deaf and forgetful."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import pytest
from etcd3.etcdrpc import kv_pb2, rpc_pb2
from grpc_peer import HEADERS, Peer, Server, framed, listening
from test_etcd3_channel import until
from test_etcd3_faults import opened

from kapi.contracts.storage import Compacted
from kapi.testing.storage_scenario import next_batch
from kapi_storage.etcd3_frames import MessageReader

FRAGMENT = b"\x38\x01"


class ScriptedEtcd:
    """Answers reads with its revision; watches get what the test says."""

    def __init__(self):
        self.revision = 10
        self.deaf = 0
        self.asked = 0
        self.watches = []
        self.created = []
        self._readers = {}
        self.server = Server(self.on_request, on_data=self.on_data)

    def header(self, revision=0):
        return rpc_pb2.ResponseHeader(revision=revision or self.revision)

    def on_request(self, peer, stream):
        path = peer.headers[stream][":path"]
        if path.endswith("/Status"):
            answer = rpc_pb2.StatusResponse(header=self.header(), version="3.6.5")
        else:
            answer = rpc_pb2.RangeResponse(header=self.header())
        peer.reply(stream, answer.SerializeToString())

    def on_data(self, peer, stream):
        if not peer.headers[stream][":path"].endswith("/Watch"):
            return
        content, peer.bodies[stream] = peer.bodies[stream], b""
        for message in self._readers.setdefault((peer, stream), MessageReader()).feed(content):
            request = rpc_pb2.WatchRequest.FromString(message)
            if request.HasField("create_request"):
                self.created.append(request.create_request)
                self.watches.append((peer, stream))
                self.say(created=True, headers=HEADERS)
            else:
                self.asked += 1
                if self.asked > self.deaf:
                    self.say(watch_id=-1)

    def say(self, *, revision=0, fragment=False, headers=None, **fields):
        """Send an answer on the latest watch."""
        answer = rpc_pb2.WatchResponse(header=self.header(revision), **fields).SerializeToString()
        peer, stream = self.watches[-1]
        peer.say(stream, framed(answer + FRAGMENT * fragment), headers)

    def change(self, *revisions, fragment=False):
        """Tell of changes."""
        events = [
            kv_pb2.Event(kv=kv_pb2.KeyValue(key=b"/k/%d" % n, create_revision=revision, mod_revision=revision))
            for n, revision in enumerate(revisions)
        ]
        self.say(events=events, fragment=fragment)


@asynccontextmanager
async def scripted():
    etcd = ScriptedEtcd()
    async with listening(partial(Peer, etcd.server)) as port, opened(f"http://127.0.0.1:{port}") as backend:
        watch = backend.watch("/k/", 10)
        await next_batch(watch)
        yield etcd, backend, watch


async def test_only_the_prefix_is_watched():
    async with scripted() as (etcd, _, _):
        [request] = etcd.created
        assert (request.key, request.range_end, request.start_revision) == (b"/k/", b"/k0", 11)


async def test_progress_is_asked_for_when_somebody_waits():
    async with scripted() as (etcd, backend, watch):
        etcd.revision = 17
        waiting = asyncio.create_task(next_batch(watch, 1.0))
        assert await backend.current_revision() == 17
        batch = await waiting
        assert (list(batch.changes), batch.revision, etcd.asked) == ([], 17, 1)


async def test_questions_that_are_not_answered_are_asked_again():
    """A server does not answer while it still has changes to send."""
    async with scripted() as (etcd, backend, watch):
        etcd.deaf, etcd.revision = 3, 17
        waiting = asyncio.create_task(next_batch(watch, 1.0))
        await backend.current_revision()
        assert (await waiting).revision == 17
        assert etcd.asked == 4


async def test_changes_say_it_as_well():
    async with scripted() as (etcd, backend, watch):
        etcd.deaf, etcd.revision = 10**6, 12
        waiting = asyncio.create_task(next_batch(watch, 1.0))
        await backend.current_revision()
        etcd.change(12)
        assert [change.revision for change in (await waiting).changes] == [12]
        asked = etcd.asked
        await asyncio.sleep(0.05)
        assert etcd.asked == asked


async def test_what_has_arrived_comes_in_one_batch():
    async with scripted() as (etcd, _, watch):
        for revision in range(11, 41):
            etcd.change(revision)
        etcd.say(revision=50, watch_id=-1)
        await until(lambda: watch._stream.readable)
        batches = [await next_batch(watch)]
        while batches[-1].revision < 50:
            batches.append(await next_batch(watch))
        assert [change.revision for batch in batches for change in batch.changes] == list(range(11, 41))
        assert len(batches) <= 5


async def test_fragments_between_whole_answers():
    async with scripted() as (etcd, _, watch):
        etcd.change(11)
        etcd.change(12, 13, 13, fragment=True)
        etcd.change(13, fragment=True)
        etcd.change(13, 14)
        etcd.change(15)
        found, batches = [], []
        while not found or found[-1] < 15:
            batch = await next_batch(watch)
            batches.append({change.revision for change in batch.changes})
            found += [change.revision for change in batch.changes]
        assert found == [11, 12, 13, 13, 13, 13, 14, 15]
        assert sum(13 in revisions for revisions in batches) == 1


async def test_a_watch_that_is_cancelled_behind_changes_delivers_them_first():
    async with scripted() as (etcd, _, watch):
        etcd.change(11)
        etcd.say(canceled=True, compact_revision=30)
        assert [change.revision for change in (await next_batch(watch)).changes] == [11]
        with pytest.raises(Compacted) as caught:
            await next_batch(watch)
        assert caught.value.compact_revision == 30


async def test_a_watch_that_is_cancelled_without_reason_goes_on_behind_what_it_has_seen():
    async with scripted() as (etcd, _, watch):
        etcd.change(11)
        etcd.change(12)
        etcd.say(canceled=True)
        found = []
        while not found or found[-1] < 12:
            found += [change.revision for change in (await next_batch(watch)).changes]
        etcd.revision = 12
        waiting = asyncio.create_task(next_batch(watch, 2.0))
        await until(lambda: len(etcd.created) == 2)
        assert etcd.created[1].start_revision == 13
        await until(lambda: watch._stream is not None)
        etcd.change(13)
        assert [change.revision for change in (await waiting).changes] == [13]


async def test_part_of_an_answer_is_forgotten_with_its_stream():
    """The first half of a revision must not be delivered twice, nor be taken for all of it."""
    async with scripted() as (etcd, _, watch):
        etcd.change(11, 12, 12, fragment=True)
        assert [change.revision for change in (await next_batch(watch)).changes] == [11]
        waiting = asyncio.create_task(next_batch(watch, 2.0))
        await asyncio.sleep(0)
        etcd.deaf, etcd.revision = 10**6, 12  # it has changes to send, so it tells no progress
        etcd.server.peers[-1].transport.abort()
        await until(lambda: len(etcd.created) >= 2 and watch._stream is not None)
        etcd.change(12, 12, 12)
        assert [change.revision for change in (await waiting).changes] == [12] * 3
