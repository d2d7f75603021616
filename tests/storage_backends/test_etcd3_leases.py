"""Keys of etcd that expire: how long they have left, and what another store makes of it."""

import pytest
from etcd3_gateway import post, put
from test_etcd3_faults import opened

from kapi.contracts.storage_care import Expiring
from kapi.storage.dump import DumpWriter, read_records
from kapi.storage.transfer import Contents, fill
from kapi.testing.etcd import EtcdServer
from kapi_storage import etcd3_store
from kapi_storage.etcd3_leases import _rounded
from kapi_storage.memory import MemoryBackend


@pytest.fixture(scope="module")
def etcd():
    with EtcdServer() as server:
        yield server


@pytest.fixture
async def backend(etcd):
    async with opened(etcd.url) as backend:
        post(etcd, "kv/deleterange", key=b"\0", range_end=b"\0")
        yield backend


async def test_keys_tell_how_long_they_have_left(backend, etcd, monkeypatch):
    monkeypatch.setattr(etcd3_store, "LARGEST_PAGE", 3)
    assert isinstance(backend, Expiring)
    for number in range(5):
        await backend.create(f"/k/hour/{number}", b"", ttl=3600)
        await backend.create(f"/k/stays/{number}", b"")
    await backend.create("/k/minute", b"", ttl=60)
    await backend.create("/other", b"", ttl=60)
    foreign = int(post(etcd, "lease/grant", TTL=1000)["ID"])
    post(etcd, "kv/put", key=b"/k/foreign", lease=foreign)
    put(etcd, b"/k/\xff")
    left = await backend.expiries("/k/")
    assert set(left) == {*(f"/k/hour/{number}" for number in range(5)), "/k/minute", "/k/foreign"}
    assert 3590 < left["/k/hour/0"] <= 3661
    assert 55 < left["/k/minute"] <= 64
    assert 990 < left["/k/foreign"] <= 1000
    assert await backend.expiries("/nothing/") == {}


async def test_what_is_left_goes_with_the_keys(backend, tmp_path):
    """To a file, to a store of another kind and back, where keys of about the same time share leases."""
    for number in range(20):
        await backend.create(f"/registry/events/{number:02}", b"{}", ttl=1800 + number * 0.1)
    await backend.create("/registry/pods/a", b"{}")
    contents = await Contents.of(backend, "/registry/")
    path = tmp_path / "dump"
    with path.open("wb") as file:
        writer = DumpWriter(file, contents.header)
        async for page in contents.pages():
            writer.add(page)
        writer.end()
    kept = {record.name: record.ttl for record in read_records(path)}
    assert kept.pop("pods/a") is None
    assert all(1700 < ttl <= 1900 for ttl in kept.values())
    between = MemoryBackend()
    await between.start()
    await fill(between, "/registry/", contents.header, contents.pages(), lambda done: None)
    await fill(
        backend, "/again/", contents.header, (await Contents.of(between, "/registry/")).pages(), lambda done: None
    )
    left = await backend.expiries("/again/")
    assert len(left) == 20
    assert all(1700 < ttl <= 1990 for ttl in left.values())
    await between.stop()


async def test_times_that_differ_a_little_share_a_lease(backend, etcd):
    for number in range(100):
        await backend.create(f"/k/{number:02}", b"", ttl=3000 + number / 10)
    leases = {kv["lease"] for kv in post(etcd, "kv/range", key=b"/k/", range_end=b"/k0")["kvs"]}
    assert len(leases) <= 2


@pytest.mark.parametrize(("ttl", "most"), [(3600.0, 30.0), (3541.3, 30.0), (0.5, 0.0125), (10.0, 0.25), (7.0, 0.0)])
def test_rounding_adds_little(ttl, most):
    assert ttl <= _rounded(ttl, most) <= ttl + most
    assert _rounded(_rounded(ttl, most), most) == _rounded(ttl, most)
