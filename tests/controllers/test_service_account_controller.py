from typing import Any

import pytest
from controller_runs import eventually, idle, running

from kapi.contracts.client import Object
from kapi.meta.errors import StatusError, not_found
from kapi.meta.gvk import GroupVersionResource
from kapi.testing.memory_client import MemoryClient
from kapi_controllers.service_account import NAMESPACES, SERVICE_ACCOUNTS, ServiceAccountController


def named(name: str, **metadata: Any) -> Object:
    return {"metadata": {"name": name, **metadata}}


async def test_every_namespace_has_its_account() -> None:
    client = MemoryClient()
    accounts = client.informer(SERVICE_ACCOUNTS).objects
    await client.create(NAMESPACES, named("before"))
    async with running(ServiceAccountController(client)):
        await client.create(NAMESPACES, named("after"))
        await eventually(lambda: accounts.keys() == {("before", "default"), ("after", "default")})


async def test_a_deleted_account_comes_back() -> None:
    client = MemoryClient()
    await client.create(NAMESPACES, named("ns"))
    accounts = client.informer(SERVICE_ACCOUNTS).objects
    async with running(ServiceAccountController(client)):
        await eventually(lambda: accounts)
        before = accounts["ns", "default"]["metadata"]["uid"]
        await client.delete(SERVICE_ACCOUNTS, "default", "ns")
        await eventually(lambda: accounts and accounts["ns", "default"]["metadata"]["uid"] != before)


async def test_other_accounts_do_not() -> None:
    client = MemoryClient()
    await client.create(NAMESPACES, named("ns"))
    accounts = client.informer(SERVICE_ACCOUNTS).objects
    async with running(ServiceAccountController(client)):
        await client.create(SERVICE_ACCOUNTS, named("own"), "ns")
        await client.delete(SERVICE_ACCOUNTS, "own", "ns")
        await idle()
        assert list(accounts) == [("ns", "default")]


async def test_a_namespace_on_its_way_out_gets_none() -> None:
    client = MemoryClient()
    await client.create(NAMESPACES, named("ns", deletionTimestamp="2026-01-01T00:00:00Z"))
    assert await ServiceAccountController(client).reconcile("ns")
    assert await ServiceAccountController(client).reconcile("unknown")
    assert await client.list(SERVICE_ACCOUNTS) == []


@pytest.mark.parametrize(
    ("error", "done"),
    [
        (not_found(NAMESPACES.group_resource, "ns"), True),
        (StatusError(409, "AlreadyExists", "exists"), True),
        (StatusError(503, "ServiceUnavailable", "later"), False),
    ],
)
async def test_failures_are_tried_again_if_that_may_help(error: StatusError, done: bool) -> None:
    class Failing(MemoryClient):
        async def create(self, resource: GroupVersionResource, obj: Object, *args: Any, **options: Any) -> Object:
            if resource == SERVICE_ACCOUNTS:
                raise error
            return await super().create(resource, obj, *args, **options)

    client = Failing()
    await client.create(NAMESPACES, named("ns"))
    assert await ServiceAccountController(client).reconcile("ns") is done
