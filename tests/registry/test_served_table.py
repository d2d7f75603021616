"""Groups that come and go while the server runs."""

from contextlib import asynccontextmanager
from dataclasses import replace

from kapi.admission.chain import AdmissionChain
from kapi.contracts.resources import APIGroup, APIVersion
from kapi.meta.gvk import GroupVersionResource
from kapi.registry.client import LocalClient
from kapi.registry.table import ServedTable
from widgets import GROUP, PREFIX, WIDGETS, running, widget

OTHERS = GroupVersionResource("other.io", "v1", "widgets")


@asynccontextmanager
async def served():
    """Yield a table without fixed groups, two resources to install, and a client of what is served."""
    async with running() as rig:
        table = ServedTable((), rig.backend, rig.feed, PREFIX, AdmissionChain(()))
        mine = rig.table.resource(WIDGETS)
        other = replace(mine, gvr=OTHERS, kind=mine.kind._replace(group="other.io"), storage_prefix="other.io/widgets",
                        storage_kind=mine.kind._replace(group="other.io"))  # fmt: skip
        yield table, mine, other, LocalClient(lambda: table.table)


def group(*resources):
    return APIGroup(resources[0].gvr.group, (APIVersion("v1", resources),))


async def test_what_an_owner_installs_replaces_what_it_had_installed():
    async with served() as (table, mine, other, _):
        table.install("a", [group(mine)])
        table.install("b", [group(other)])
        assert table.table.group_names == {GROUP, "other.io"}
        table.install("a", [])
        assert table.table.group_names == {"other.io"}
        assert table.table.store(WIDGETS) is None


async def test_resources_that_stay_keep_their_stores_and_watches():
    async with served() as (table, mine, other, client):
        table.install("a", [group(mine)])
        await client.create(WIDGETS, widget("a"))
        store = table.table.store(WIDGETS)
        watcher, _ = store.cache.watch(lambda entry: True, store.cache.revision)
        table.install("a", [group(mine), group(other)])
        assert table.table.store(WIDGETS) is store
        assert not watcher.closed


async def test_a_resource_that_changes_is_served_from_a_new_cache():
    async with served() as (table, mine, _, client):
        table.install("a", [group(mine)])
        await client.create(WIDGETS, widget("a"))
        old = table.table.store(WIDGETS)
        watcher, _ = old.cache.watch(lambda entry: True, old.cache.revision)
        table.install("a", [group(replace(mine, singular="thing"))])
        new = table.table.store(WIDGETS)
        assert new.cache is not old.cache
        assert watcher.closed
        await client.create(WIDGETS, widget("b"))
        assert [obj["metadata"]["name"] for obj in await client.list(WIDGETS)] == ["a", "b"]


async def test_requests_under_way_see_the_latest_state_through_the_old_cache():
    async with served() as (table, mine, _, client):
        table.install("a", [group(mine)])
        await client.create(WIDGETS, widget("a"))
        old = table.table.store(WIDGETS)
        table.install("a", [])
        table.install("a", [group(replace(mine, singular="thing"))])
        await client.create(WIDGETS, widget("b"))
        assert await old.current("ns", "b") is not None
        old.cache.retire()


async def test_what_is_fixed_wins_over_what_is_installed():
    async with running() as rig:
        mine = rig.table.resource(WIDGETS)
        table = ServedTable([group(mine)], rig.backend, rig.feed, PREFIX, AdmissionChain(()))
        other = replace(mine, gvr=WIDGETS._replace(resource="things"), storage_prefix="things")
        table.install("a", [APIGroup(GROUP, (APIVersion("v1", (replace(mine, singular="x"), other)),), priority=1)])
        assert table.table.resource(WIDGETS) is mine
        assert table.table.resource(other.gvr) is other
