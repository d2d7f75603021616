import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interleaving import Interleaved
from kapi.contracts.resources import RequestContext
from kapi.meta.errors import StatusError
from kapi.meta.options import DeleteOptions
from kapi.registry.deletion import Deleted, delete, deleted_status
from widgets import GADGETS, WIDGETS, Rig, context, running, widget

Object = dict[str, Any]
ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"


def held(*finalizers: str) -> Object:
    obj = widget()
    obj["metadata"]["finalizers"] = list(finalizers or ("example.com/x",))
    return obj


async def remove(rig: Rig, ctx: RequestContext | None = None, **options: Any) -> Deleted:
    return await delete(rig.store(), ctx or context(verb="delete"), DeleteOptions(**options))


async def remove_gadget(rig: Rig, **options: Any) -> Deleted:
    return await delete(rig.store(GADGETS), context("g", "", verb="delete"), DeleteOptions(**options))


async def exists(rig: Rig) -> bool:
    return await rig.store().current("ns", "a") is not None


def from_now(timestamp: str) -> float:
    return (datetime.fromisoformat(timestamp) - datetime.now(UTC)).total_seconds()


async def test_an_object_that_nothing_keeps_goes_at_once() -> None:
    async with running() as rig:
        made = await rig.local.create(WIDGETS, widget())
        deleted = await remove(rig)
        assert deleted.gone
        assert deleted.object["metadata"]["uid"] == made["metadata"]["uid"]
        assert not await exists(rig)
        assert rig.strategy.ledger == ["take a", "free a"]


async def test_what_is_not_there_cannot_be_deleted() -> None:
    async with running() as rig:
        with pytest.raises(StatusError) as caught:
            await remove(rig)
        assert (caught.value.code, caught.value.message) == (404, 'widgets.example.com "a" not found')


async def test_finalizers_keep_an_object_until_the_last_is_gone() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, held("example.com/x", "example.com/y"))
        deleted = await remove(rig)
        meta = deleted.object["metadata"]
        assert not deleted.gone
        assert (meta["deletionGracePeriodSeconds"], meta["generation"]) == (0, 2)
        assert -5 < from_now(meta["deletionTimestamp"]) <= 0

        def without(name: str) -> Any:
            def change(live: Object) -> Object:
                live["metadata"]["finalizers"].remove(name)
                return live

            return change

        await rig.local.update(WIDGETS, "a", without("example.com/x"), "ns")
        assert await exists(rig)
        assert rig.strategy.ledger == ["take a"]
        await rig.local.update(WIDGETS, "a", without("example.com/y"), "ns")
        assert not await exists(rig)
        assert rig.strategy.ledger == ["take a", "free a"]


async def test_deleting_again_changes_nothing() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, held())
        first = await remove(rig)
        before = await rig.backend.current_revision()
        again = await remove(rig)
        assert again.object == first.object
        assert await rig.backend.current_revision() == before


async def test_no_finalizer_can_be_added_to_an_object_on_its_way_out() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, held())
        await remove(rig)

        def add(live: Object) -> Object:
            live["metadata"]["finalizers"].append("example.com/new")
            return live

        with pytest.raises(StatusError) as caught:
            await rig.local.update(WIDGETS, "a", add, "ns")
        assert caught.value.reason == "Invalid"


@pytest.mark.parametrize(
    ("options", "finalizers"),
    [
        ({"propagation_policy": "Orphan"}, [ORPHAN]),
        ({"propagation_policy": "Foreground"}, [FOREGROUND]),
        ({"orphan_dependents": True}, [ORPHAN]),
    ],
)
async def test_a_propagation_policy_keeps_the_object_for_the_garbage_collector(
    options: Object, finalizers: list[str]
) -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget())
        deleted = await remove(rig, **options)
        assert not deleted.gone
        assert deleted.object["metadata"]["finalizers"] == finalizers


@pytest.mark.parametrize("options", [{}, {"propagation_policy": "Background"}, {"orphan_dependents": False}])
async def test_in_the_background_nothing_waits(options: Object) -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, widget())
        assert (await remove(rig, **options)).gone


async def test_the_policy_can_be_changed_on_the_way() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, held("example.com/x", ORPHAN))
        assert (await remove(rig)).object["metadata"]["finalizers"] == ["example.com/x", ORPHAN]
        changed = await remove(rig, propagation_policy="Foreground")
        assert changed.object["metadata"]["finalizers"] == ["example.com/x", FOREGROUND]
        background = await remove(rig, propagation_policy="Background")
        assert background.object["metadata"]["finalizers"] == ["example.com/x"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"uid": "other"}, "the UID in the precondition (other) does not match the UID in record ("),
        ({"resource_version": "1"}, "the ResourceVersion in the precondition (1) does not match"),
    ],
)
async def test_preconditions(options: Object, message: str) -> None:
    async with running() as rig:
        made = await rig.local.create(WIDGETS, widget())
        with pytest.raises(StatusError) as caught:
            await remove(rig, **options)
        assert (caught.value.code, caught.value.reason) == (409, "Conflict")
        assert message in caught.value.message
        assert await exists(rig)
        meta = made["metadata"]
        assert (await remove(rig, uid=meta["uid"], resource_version=meta["resourceVersion"])).gone


async def test_a_dry_run_deletes_nothing() -> None:
    async with running() as rig:
        await rig.local.create(WIDGETS, held())
        before = await rig.backend.range("/")
        deleted = await remove(rig, context(verb="delete", dry_run=True))
        assert "deletionTimestamp" in deleted.object["metadata"]
        assert await rig.backend.range("/") == before
        await rig.local.create(GADGETS, {"metadata": {"name": "g"}})
        assert (await delete(rig.store(GADGETS), context("g", "", dry_run=True), DeleteOptions())).gone is False
        assert rig.strategy.ledger == ["take a"]


async def test_grace_leaves_an_object_its_time() -> None:
    async with running() as rig:
        await rig.local.create(GADGETS, {"metadata": {"name": "g"}})
        deleted = await remove_gadget(rig)
        meta = deleted.object["metadata"]
        assert not deleted.gone
        assert meta["deletionGracePeriodSeconds"] == 30
        assert 25 < from_now(meta["deletionTimestamp"]) <= 30
        assert (await remove_gadget(rig)).object == deleted.object


async def test_grace_can_be_shortened_but_not_lengthened() -> None:
    async with running() as rig:
        await rig.local.create(GADGETS, {"metadata": {"name": "g"}})
        first = (await remove_gadget(rig, grace_period_seconds=60)).object["metadata"]
        longer = (await remove_gadget(rig, grace_period_seconds=90)).object["metadata"]
        shorter = (await remove_gadget(rig, grace_period_seconds=10)).object["metadata"]
        assert longer == first
        assert shorter["deletionGracePeriodSeconds"] == 10
        begun = datetime.fromisoformat(first["deletionTimestamp"]) - timedelta(seconds=60)
        assert datetime.fromisoformat(shorter["deletionTimestamp"]) == begun + timedelta(seconds=10)


async def test_without_grace_watchers_see_the_mark_and_then_the_end() -> None:
    async with running() as rig:
        await rig.local.create(GADGETS, {"metadata": {"name": "g"}})
        cache = rig.store(GADGETS).cache
        await cache.current()
        watcher, _ = cache.watch(lambda entry: True, cache.revision)
        assert (await remove_gadget(rig, grace_period_seconds=0)).gone
        await cache.current()
        assert [kind for kind, _ in watcher.take()] == ["MODIFIED", "DELETED"]


async def test_when_its_grace_is_over_it_is_deleted_by_asking_again() -> None:
    async with running() as rig:
        await rig.local.create(GADGETS, {"metadata": {"name": "g"}})
        await remove_gadget(rig)
        assert (await remove_gadget(rig, grace_period_seconds=0)).gone


async def test_of_concurrent_deletions_one_wins_and_frees_once() -> None:
    async with running(Interleaved()) as rig:
        await rig.local.create(WIDGETS, widget())
        results = await asyncio.gather(*(remove(rig) for _ in range(5)), return_exceptions=True)
        assert [isinstance(one, Deleted) for one in results].count(True) == 1
        assert all(one.code == 404 for one in results if isinstance(one, StatusError))
        assert rig.strategy.ledger == ["take a", "free a"]


async def test_a_deletion_and_updates_do_not_lose_each_other() -> None:
    async with running(Interleaved()) as rig:
        await rig.local.create(WIDGETS, held())

        def grow(live: Object) -> Object:
            live["spec"]["size"] = live["spec"].get("size", 0) + 1
            return live

        updates = [rig.local.update(WIDGETS, "a", grow, "ns") for _ in range(6)]
        await asyncio.gather(*updates, remove(rig))
        found = await rig.local.get(WIDGETS, "a", "ns")
        assert found["spec"]["size"] == 6
        assert "deletionTimestamp" in found["metadata"]


async def test_the_answer_names_what_is_gone() -> None:
    async with running() as rig:
        status = deleted_status(rig.store(), "a", {"metadata": {"uid": "u"}})
        assert status["status"] == "Success"
        assert status["details"] == {"name": "a", "group": "example.com", "kind": "widgets", "uid": "u"}
