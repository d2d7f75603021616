"""Watches: frames, selections, bookmarks, history, ends."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from scripted_watch import Failing

from kapi.contracts.server import Message, Receive, Scope, Send
from kapi.contracts.storage import Compacted
from kapi.endpoints.verbs import watching
from kapi.storage import watchers, window
from kapi.testing.asgi import AsgiClient, Events
from widgets import GROUP, MERGE, ROOT, WIDGETS, Rig, running, widget

Object = dict[str, Any]
ALL = f"{ROOT}/widgets"
NS = f"{ROOT}/namespaces/ns/widgets"


def short(event: Object) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"].get("name", "")


async def take(events: Events, count: int) -> list[tuple[str, str]]:
    return [short(await events.next()) for _ in range(count)]


async def create(rig: Rig, name: str, namespace: str = "ns", **spec: Any) -> str:
    version: str = (await rig.local.create(WIDGETS, widget(name, namespace, **spec)))["metadata"]["resourceVersion"]
    return version


async def paint(rig: Rig, name: str, color: str) -> None:
    await rig.local.update(WIDGETS, name, lambda live: {**live, "spec": {"color": color}}, "ns")


@pytest.mark.parametrize("query", ["watch=1", "watch=true&resourceVersion=0"])
async def test_the_present_state_then_every_change(query: str) -> None:
    async with running() as rig:
        await create(rig, "a")
        async with rig.http.watch(f"{ALL}?{query}") as events:
            assert (events.status, events.headers[0]) == (200, ("content-type", "application/json"))
            assert await take(events, 1) == [("ADDED", "a")]
            await create(rig, "b")
            await paint(rig, "a", "blue")
            await rig.local.delete(WIDGETS, "a", "ns")
            assert await take(events, 3) == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_events_carry_whole_objects() -> None:
    async with running() as rig:
        async with rig.http.watch(f"{NS}?watch=1") as events:
            made = (await rig.http.request("POST", NS, {"metadata": {"name": "a"}})).json()
            assert await events.next() == {"type": "ADDED", "object": made}
        async with rig.http.watch(f"/apis/{GROUP}/v2/widgets?watch=1") as events:
            assert (await events.next())["object"]["apiVersion"] == f"{GROUP}/v2"


async def test_from_a_version_on() -> None:
    async with running() as rig:
        await create(rig, "a")
        begin = await create(rig, "b")
        await create(rig, "c")
        async with rig.http.watch(f"{ALL}?watch=1&resourceVersion={begin}") as events:
            assert await take(events, 1) == [("ADDED", "c")]
            await create(rig, "d")
            assert await take(events, 1) == [("ADDED", "d")]


async def test_history_older_than_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MOST_EVENTS", 1)
    monkeypatch.setattr(watching, "SLICE", 2)
    async with running() as rig:
        begin = await create(rig, "a")
        await rig.http.request("GET", ALL)
        for name in ("b", "c", "d", "e"):
            await create(rig, name)
        await paint(rig, "b", "blue")
        await rig.http.request("GET", ALL)
        async with rig.http.watch(f"{ALL}?watch=1&resourceVersion={begin}") as events:
            await create(rig, "f")
            wanted = [("ADDED", "b"), ("ADDED", "c"), ("ADDED", "d"), ("ADDED", "e"), ("MODIFIED", "b"), ("ADDED", "f")]
            assert await take(events, 6) == wanted
        async with rig.http.watch(f"{ALL}?watch=1&resourceVersion={begin}&fieldSelector=spec.color%3Dblue") as events:
            assert await take(events, 1) == [("ADDED", "b")], "it came to be selected"


async def test_history_that_is_gone_is_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MOST_EVENTS", 1)
    async with running() as rig:
        begin = await create(rig, "a")
        await rig.http.request("GET", ALL)
        for name in ("b", "c", "d"):
            await create(rig, name)
        await rig.http.request("GET", ALL)
        await rig.backend.compact(await rig.backend.current_revision())
        async with rig.http.watch(f"{ALL}?watch=1&resourceVersion={begin}") as events:
            (error,) = await events.rest()
            assert error["type"] == "ERROR"
            status = error["object"]
            assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
            assert status["message"].startswith(f"too old resource version: {begin} (")


async def test_history_that_is_lost_under_way_is_expired() -> None:
    backend = Failing()
    async with running(backend) as rig:
        await create(rig, "a")
        async with rig.http.watch(f"{ALL}?watch=1") as events:
            assert await take(events, 1) == [("ADDED", "a")]
            backend.error = Compacted(9)
            await create(rig, "b")
            (error,) = await events.rest()
            assert (error["type"], error["object"]["code"]) == ("ERROR", 410)


async def test_namespaces_names_and_selectors() -> None:
    async with (
        running() as rig,
        rig.http.watch(f"{NS}?watch=1") as own,
        rig.http.watch(f"{ROOT}/watch/namespaces/ns/widgets/a") as single,
        rig.http.watch(f"{ALL}?watch=1&fieldSelector=metadata.name%3Da") as named,
        rig.http.watch(f"{ALL}?watch=1&fieldSelector=spec.color%3Dblue") as blue,
    ):
        await create(rig, "a", "other", color="red")
        await create(rig, "a", color="red")
        await create(rig, "b", color="blue")
        await paint(rig, "a", "blue")
        await paint(rig, "b", "red")
        await rig.local.delete(WIDGETS, "a", "ns")
        changes = [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("MODIFIED", "b"), ("DELETED", "a")]
        assert await take(own, 5) == changes
        assert await take(single, 3) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
        assert await take(named, 4) == [("ADDED", "a"), ("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
        assert await take(blue, 2) == [("ADDED", "b"), ("ADDED", "a")]
        left = await blue.next()
        assert short(left) == ("DELETED", "b")
        assert left["object"]["spec"]["color"] == "blue", "the last state that was selected"
        assert await take(blue, 1) == [("DELETED", "a")]


async def test_the_end_of_the_initial_events_is_marked() -> None:
    async with running() as rig:
        last = await create(rig, "a")
        query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
        async with rig.http.watch(f"{ALL}?{query}") as events:
            assert await take(events, 1) == [("ADDED", "a")]
            mark = await events.next()
            assert mark["type"] == "BOOKMARK"
            assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
            assert mark["object"]["metadata"]["resourceVersion"] == last
            assert (mark["object"]["kind"], mark["object"]["apiVersion"]) == ("Widget", f"{GROUP}/v1")


async def test_no_initial_events_if_they_are_not_wanted() -> None:
    async with running() as rig:
        await create(rig, "a")
        query = "watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan"
        async with rig.http.watch(f"{ALL}?{query}") as events:
            await create(rig, "b")
            assert await take(events, 1) == [("ADDED", "b")]


async def test_bookmarks_tell_how_far_the_watch_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "BOOKMARK_SECONDS", 0.0)
    async with running() as rig, rig.http.watch(f"{ALL}?watch=1&allowWatchBookmarks=true&timeoutSeconds=60") as events:
        seen = 0
        pending = {f"w{number}" for number in range(5)}
        for name in sorted(pending):
            await create(rig, name)
        while pending:
            event = await events.next()
            version = int(event["object"]["metadata"]["resourceVersion"])
            assert version >= seen
            if event["type"] == "BOOKMARK":
                assert event["object"]["metadata"].keys() <= {"resourceVersion", "creationTimestamp"}
            else:
                assert version > seen, "a bookmark never runs ahead of an event"
                pending.discard(event["object"]["metadata"]["name"])
            seen = version


async def meddled(rig: Rig, query: str, meddle: Callable[[bytes], Awaitable[bool]]) -> list[bytes]:
    """Return the lines of a watch; ``meddle`` is called with each message's body while it is sent, and ends it."""
    sent: list[bytes] = []
    stop = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def meddling(message: Message) -> None:
            sent.append(message.get("body", b""))
            if await meddle(sent[-1]):
                stop.set()
            await send(message)

        async def until_stopped() -> Message:
            await stop.wait()
            return {"type": "http.disconnect"}

        await rig.app(scope, until_stopped, meddling)

    await AsgiClient(app).request("GET", f"{ALL}?watch=1&timeoutSeconds=60&{query}")
    return b"".join(sent).splitlines()


async def test_bookmarks_do_not_run_ahead_of_what_waits_to_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that come while earlier ones are being sent go before the next bookmark."""
    monkeypatch.setattr(watching, "BOOKMARK_SECONDS", 0.0)
    async with running() as rig:
        await create(rig, "a")

        async def write_while_sending(body: bytes) -> bool:
            if b'"name":"a"' in body:
                await create(rig, "b")
                await rig.store().cache.current()
            return b'"name":"b"' in body

        lines = await meddled(rig, "allowWatchBookmarks=true", write_while_sending)
        versions = [int(line.partition(b'"resourceVersion":"')[2].partition(b'"')[0]) for line in lines]
        assert versions == sorted(versions)
        event = next(number for number, line in enumerate(lines) if b'"name":"b"' in line)
        assert versions[event] > max(versions[:event])


async def test_what_happens_while_a_watch_begins_is_sent_once() -> None:
    async with running() as rig:
        await create(rig, "a")

        async def write_at_the_start(body: bytes) -> bool:
            if not body:
                await create(rig, "b")
                await paint(rig, "a", "blue")
                await rig.store().cache.current()
            return b"MODIFIED" in body

        lines = await meddled(rig, "", write_at_the_start)
        assert [short(json.loads(line)) for line in lines] == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a")]


async def test_a_watch_ends_when_its_time_is_up() -> None:
    async with running() as rig, rig.http.watch(f"{ALL}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true") as events:
        watching_since = asyncio.get_running_loop().time()
        assert await events.rest() == []
        assert 0.9 < asyncio.get_running_loop().time() - watching_since < 3


async def test_a_client_that_leaves_leaves_nothing_behind() -> None:
    async with running() as rig:
        async with rig.http.watch(f"{ALL}?watch=1"):
            await create(rig, "a")
        assert rig.store().cache.watchers == 0


async def test_a_server_that_stops_ends_its_watches() -> None:
    async with running() as rig, rig.http.watch(f"{ALL}?watch=1") as events:
        await create(rig, "a")
        assert await take(events, 1) == [("ADDED", "a")]
        rig.store().cache.end_watches()
        assert await events.rest() == []


async def test_a_client_that_cannot_keep_up_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchers, "QUEUE_EVENTS", 3)
    async with running() as rig, rig.http.watch(f"{ALL}?watch=1") as events:
        store = rig.store()
        await create(rig, "first")
        assert await take(events, 1) == [("ADDED", "first")]
        changes = [await rig.backend.create(store.key("ns", f"w{n}"), store.encode(whole(f"w{n}"))) for n in range(6)]
        found = await events.rest()
        assert [short(event)[1] for event in found] == [f"w{n}" for n in range(len(found))], "no gap"
        assert len(found) < len(changes)


async def test_a_client_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchers, "QUEUE_EVENTS", 3)
    monkeypatch.setattr(watching, "LAST_SECONDS", 0.01)

    async with running() as rig:

        async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
            async def full(message: Message) -> None:
                await (asyncio.Event().wait() if message["type"] == "http.response.body" else send(message))

            try:
                await rig.app(scope, receive, full)
            except asyncio.CancelledError:
                ended.set()

        ended = asyncio.Event()
        async with AsgiClient(deaf).watch(f"{ALL}?watch=1"):
            for number in range(6):
                await create(rig, f"w{number}")
            await asyncio.wait_for(ended.wait(), 5)
        assert rig.store().cache.watchers == 0


def whole(name: str) -> Object:
    return {"kind": "Widget", "apiVersion": f"{GROUP}/v1", **widget(name)}


async def test_metadata_and_tables() -> None:
    async with running() as rig:
        await create(rig, "a")
        partial = {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
        async with rig.http.watch(f"{ALL}?watch=1", partial) as events:
            assert (await events.next())["object"]["kind"] == "PartialObjectMetadata"
        table = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        async with rig.http.watch(f"{ALL}?watch=1", table) as events:
            await create(rig, "b")
            first, second = await events.next(), await events.next()
            assert first["object"]["columnDefinitions"]
            assert not second["object"]["columnDefinitions"]
            assert [one["object"]["rows"][0]["cells"][0] for one in (first, second)] == ["a", "b"]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (f"{ALL}?watch=1&resourceVersion=x", 500),
        (f"{ALL}?watch=1&fieldSelector=spec.nothing%3D1", 400),
        (f"{ALL}?watch=1&sendInitialEvents=true", 422),
        (f"{NS}/a/status?watch=1", 404),
        (f"{ROOT}/nothing?watch=1", 404),
    ],
)
async def test_watches_that_are_refused(target: str, code: int) -> None:
    async with running() as rig:
        reply = await rig.http.request("GET", target)
        assert reply.status == code, reply.body


async def test_a_patch_over_http_is_seen_by_a_watch_over_http() -> None:
    async with running() as rig, rig.http.watch(f"{NS}?watch=1") as events:
        await rig.http.request("POST", NS, {"metadata": {"name": "a"}})
        await events.next()
        patched = (await rig.http.request("PATCH", f"{NS}/a", {"spec": {"size": 1}}, MERGE)).json()
        assert await events.next() == {"type": "MODIFIED", "object": patched}
