"""Informers for code inside the server: handlers that do not hurt each other, resync, indexes."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.contracts.client import Event, Object
from kapi.registry.delivery import TaskDelivery
from widgets import WIDGETS, Rig, running, widget


async def until(condition: Callable[[], Any]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition did not come true")


async def paint(rig: Rig, color: str, name: str = "a") -> Object:
    def change(live: Object) -> Object:
        live["spec"]["color"] = color
        return live

    return await rig.local.update(WIDGETS, name, change, "ns")


def brief(event: Event) -> tuple[str, str, str | None]:
    return event.type, event.object["spec"]["color"], event.old and event.old["spec"]["color"]


async def test_a_handler_that_raises_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def bad(event: Event) -> None:
        raise ValueError(event.type)

    async def as_bad(event: Event) -> None:
        raise KeyError(event.type)

    seen: list[Event] = []
    async with running() as rig:
        informer = rig.local.informer(WIDGETS)
        await informer.synced()
        for handler in (bad, as_bad, seen.append):
            informer.add_handler(handler)
        await rig.local.create(WIDGETS, widget())
        await until(lambda: seen)
        await paint(rig, "blue")
        await until(lambda: len(seen) == 2)
        await until(lambda: len(caplog.records) == 4)
    assert [record.name for record in caplog.records] == ["kapi.informers"] * 4
    assert all(record.levelno == logging.ERROR and "bad" in record.message for record in caplog.records)


async def test_a_slow_handler_holds_up_only_itself_and_hears_the_end_of_each_story() -> None:
    begun, go, slow, quick = asyncio.Event(), asyncio.Event(), [], []

    async def handler(event: Event) -> None:
        begun.set()
        await go.wait()
        slow.append(brief(event))

    async with running() as rig:
        informer = rig.local.informer(WIDGETS)
        await informer.synced()
        await rig.local.create(WIDGETS, widget("a", color="red"))
        informer.add_handler(handler)
        await begun.wait()
        informer.add_handler(lambda event: quick.append(brief(event)))
        for name in ("b", "c"):
            await rig.local.create(WIDGETS, widget(name, color="red"))
        for color in ("green", "blue"):
            await paint(rig, color)
            await paint(rig, color, "b")
        await rig.local.delete(WIDGETS, "c", "ns")
        await until(lambda: len(quick) == 8)
        assert slow == []
        go.set()
        await until(lambda: len(slow) == 3)
        assert slow == [("ADDED", "red", None), ("ADDED", "blue", None), ("MODIFIED", "blue", "red")]


async def test_a_handler_that_was_stopped_hears_no_more() -> None:
    seen: list[str] = []

    async def late(event: Event) -> None:
        seen.append("late")

    async with running() as rig:
        informer = rig.local.informer(WIDGETS)
        await informer.synced()
        stops = [informer.add_handler(late), informer.add_handler(lambda event: seen.append("now"))]
        stops.append(informer.add_handler(lambda event: stops[1]()))
        await rig.local.create(WIDGETS, widget())
        await until(lambda: len(seen) == 2)
        for stop in (*stops, *stops):
            stop()
        await paint(rig, "blue")
        await informer.synced()
        await asyncio.sleep(0.01)
        assert sorted(seen) == ["late", "now"]


async def test_everything_is_told_again_when_asked_for() -> None:
    async with running() as rig:
        informer = rig.local.informer(WIDGETS)
        await informer.synced()
        for name in ("a", "b"):
            await rig.local.create(WIDGETS, widget(name))
        once, again, enough = [], [], asyncio.Event()

        def note(event: Event) -> None:
            again.append(event)
            if len(again) == 6:
                enough.set()

        informer.add_handler(once.append)
        stop = informer.add_handler(note, resync=0.01)
        await asyncio.wait_for(enough.wait(), 5)
        stop()
        assert [(event.type, event.object["metadata"]["name"]) for event in again[2:4]] == [
            ("MODIFIED", "a"), ("MODIFIED", "b"),
        ]  # fmt: skip
        assert all(event.object is event.old for event in again[2:])
        assert len(once) == 2


def by_color(obj: Object) -> Iterable[str]:
    return (obj["spec"]["color"],)


async def test_an_index_is_as_current_as_its_informer() -> None:
    async with running() as rig:
        informer = rig.local.informer(WIDGETS)
        await informer.synced()
        await rig.local.create(WIDGETS, widget("a", color="red"))
        index = informer.index(by_color)
        assert informer.index(by_color) is index
        await rig.local.create(WIDGETS, widget("b", color="red"))
        await informer.synced()
        assert [obj["metadata"]["name"] for obj in index.get("red")] == ["a", "b"]
        await paint(rig, "blue")
        await informer.synced()
        assert index.get("blue") == [informer.get("a", "ns")]
        assert [obj["metadata"]["name"] for obj in index.get("red")] == ["b"]
        await rig.local.delete(WIDGETS, "b", "ns")
        await informer.synced()
        assert list(index.keys()) == ["blue"]
        assert index.get("red") == []


async def test_an_index_function_that_raises_leaves_the_object_out(caplog: pytest.LogCaptureFixture) -> None:
    def by_size(obj: Object) -> Iterable[str]:
        return (str(obj["spec"]["size"]),)

    async with running() as rig:
        informer = rig.local.informer(WIDGETS)
        await informer.synced()
        index = informer.index(by_size)
        await rig.local.create(WIDGETS, widget("without"))
        await rig.local.create(WIDGETS, widget("with", size=3))
        await informer.synced()
        assert list(index.keys()) == ["3"]
    assert "by_size" in caplog.text


CHANGES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["write", "delete", "let go"])), max_size=40)


@given(CHANGES)
def test_a_slow_handler_ends_up_with_the_truth(steps: list[tuple[str, str]]) -> None:
    """Whatever happens while it is busy: what it was told, put together, is what there is, without contradiction."""

    async def run() -> None:
        truth: dict[str, Object] = {}
        mirror: dict[str, Object] = {}
        gate = asyncio.Event()

        async def handler(event: Event) -> None:
            await gate.wait()
            name = event.object["metadata"]["name"]
            if event.type == "DELETED":
                assert mirror.pop(name)["metadata"]["uid"] == event.object["metadata"]["uid"]
                return
            assert (name in mirror) == (event.type == "MODIFIED")
            if event.type == "MODIFIED":
                assert mirror[name] == event.old
            mirror[name] = event.object

        delivery = TaskDelivery(handler)
        for count, (name, what) in enumerate(steps):
            old = truth.get(name)
            if what == "let go":
                gate.set()
                await asyncio.sleep(0)
                gate.clear()
            elif what == "delete" and old is not None:
                del truth[name]
                delivery.tell(Event("DELETED", old, old))
            elif what == "write":
                uid = old["metadata"]["uid"] if old else str(count)
                truth[name] = {"metadata": {"name": name, "uid": uid}, "count": count}
                delivery.tell(Event("MODIFIED" if old else "ADDED", truth[name], old))
        gate.set()
        for _ in range(20 + 4 * len(steps)):
            await asyncio.sleep(0)
        delivery.stop()
        assert mirror == truth

    asyncio.run(run())
