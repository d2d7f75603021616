from dataclasses import replace
from typing import Any

import pytest

from kapi.contracts.resources import APIGroup
from kapi.contracts.storage import Compacted
from kapi.meta.errors import StatusError
from kapi.server.bootstrap import bootstrap
from kapi_storage.memory import MemoryBackend
from widgets import GADGETS, PREFIX, WIDGETS, Rig, running, widget

Object = dict[str, Any]


def group_with(*objects: tuple[Any, Object]) -> APIGroup:
    return replace(APIGroup("example.com", ()), bootstrap=lambda client: objects)


async def boot(rig: Rig, *objects: tuple[Any, Object]) -> None:
    await bootstrap([APIGroup("other", ()), group_with(*objects)], rig.local, rig.backend, PREFIX)


async def test_what_is_missing_is_created_with_its_status() -> None:
    async with running() as rig:
        wanted = {**widget(size=1), "status": {"phase": "Done"}}
        await boot(rig, (WIDGETS, wanted), (GADGETS, {"metadata": {"name": "g"}, "data": {"a": "b"}}))
        made = await rig.local.get(WIDGETS, "a", "ns")
        assert (made["spec"]["size"], made["status"]) == (1, {"phase": "Done"})
        assert (await rig.local.get(GADGETS, "g"))["data"] == {"a": "b"}


async def test_what_is_there_is_left_alone() -> None:
    backend = MemoryBackend(compaction_interval=0)
    async with running(backend) as rig:
        made = await rig.local.create(GADGETS, {"metadata": {"name": "g"}, "data": {"own": "x"}})
        first = await rig.backend.current_revision()
        await boot(rig, (GADGETS, {"metadata": {"name": "g"}, "data": {"a": "b"}}))
        assert await rig.local.get(GADGETS, "g") == made
        assert await rig.backend.current_revision() == first
        await rig.backend.range(PREFIX, revision=first)


async def test_a_new_store_forgets_its_first_revisions() -> None:
    async with running() as rig:
        begin = await rig.backend.current_revision()
        await boot(rig, (GADGETS, {"metadata": {"name": "g"}}), (WIDGETS, widget()))
        with pytest.raises(Compacted):
            await rig.backend.range(PREFIX, revision=begin)


async def test_an_object_that_another_process_makes_meanwhile_is_fine() -> None:
    async with running() as rig:
        await boot(rig, *((GADGETS, {"metadata": {"name": "g"}}) for _ in range(3)))
        assert len(await rig.local.list(GADGETS)) == 1


async def test_an_object_may_be_refused_because_another_process_has_made_it() -> None:
    async with running() as rig:
        create = rig.local.create

        async def late(resource, obj, namespace=""):
            await create(resource, obj, namespace)
            raise StatusError(422, "Invalid", "its address is taken")

        rig.local.create = late  # type: ignore[method-assign]
        await boot(rig, (GADGETS, {"metadata": {"name": "g"}}))
        assert len(await rig.local.list(GADGETS)) == 1


async def test_an_object_that_is_refused_stops_the_start() -> None:
    async with running() as rig:
        with pytest.raises(StatusError, match="must be at most 1000"):
            await boot(rig, (WIDGETS, widget(size=2000)))
