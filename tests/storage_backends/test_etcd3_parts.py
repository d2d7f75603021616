"""The etcd3 backend: connections, leases, compaction, progress and parts of answers."""

import asyncio
import subprocess
import sys
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from etcd3.etcdrpc import kv_pb2, rpc_pb2
from etcd3_gateway import post, put
from test_etcd3_faults import opened

from kapi.config.flags import FlagTable
from kapi.contracts.plugins import BuildContext, Options
from kapi.contracts.storage import Compacted, StorageError, Unavailable
from kapi.testing.etcd import EtcdFiles, EtcdServer
from kapi.testing.storage_scenario import next_batch, read_until
from kapi_storage import etcd3, etcd3_store, etcd3_stream, etcd3_watch
from kapi_storage.etcd3_compaction import KEY, Compaction
from kapi_storage.etcd3_servers import Server, parse_server
from kapi_storage.etcd3_wire import is_fragment


@pytest.fixture(scope="module")
def etcd():
    with EtcdServer() as server:
        yield server


@pytest.fixture
async def backend(etcd):
    async with opened(etcd.url) as backend:
        post(etcd, "kv/deleterange", key=b"\0", range_end=b"\0")
        yield backend


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("http://10.0.0.1:2379", Server("10.0.0.1", 2379, False)),
        ("https://etcd.example.com:1234/", Server("etcd.example.com", 1234, True)),
        ("etcd:99", Server("etcd", 99, False)),
        ("https://[fd00::1]", Server("fd00::1", 2379, True)),
    ],
)
def test_urls_of_servers(url, server):
    assert parse_server(url) == server


@pytest.mark.parametrize(
    "url",
    ["", "ftp://etcd", "http://", "http://etcd:port", "http://etcd/v3", "http://me@etcd", "http://etcd?x", "a:b:c"],
)
def test_what_is_no_url_of_a_server(url):
    with pytest.raises(ValueError, match="not the URL of an etcd server"):
        parse_server(url)
    [option] = [option for option in etcd3.OPTIONS if option.name == "etcd-servers"]
    assert "not the URL" in option.check((url,))


def test_flags_reach_the_settings(tmp_path):
    table = FlagTable(etcd3.OPTIONS)
    values = {name: option.default for name, option in table.items()}
    values |= {"etcd-servers": ("a:1", "https://b:2"), "etcd-cafile": tmp_path, "etcd-compaction-interval": 7.0}
    [plugin] = etcd3.kapi_register_storage_backends()
    settings = plugin.build(BuildContext(Options(values), tmp_path))._settings
    assert [server.tls for server in settings.servers] == [False, True]
    assert (settings.cafile, settings.compaction_interval, settings.lease_reuse) == (tmp_path, 7.0, 60)
    with pytest.raises(StorageError, match="--etcd-servers"):
        plugin.build(BuildContext(Options(values | {"etcd-servers": ()}), tmp_path))


def test_only_who_starts_loads_grpc():
    """The parent of several workers builds the backend, too, and forks afterwards."""
    code = """
import sys
from kapi.contracts.plugins import BuildContext, Options
from kapi_storage import etcd3
values = {option.name: option.default for option in etcd3.OPTIONS} | {"etcd-compaction-interval": 1.0}
[plugin] = etcd3.kapi_register_storage_backends()
assert plugin.build(BuildContext(Options(values | {"etcd-servers": ("a",)}), None)).capabilities.multi_process
assert not {"grpc", "google.protobuf", "etcd3"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)


async def test_what_is_missing_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "kapi_storage.etcd3_store", None)
    with pytest.raises(StorageError, match=r"pip install kapi\[etcd3\]"):
        async with opened("http://127.0.0.1"):
            pass


@pytest.mark.parametrize(
    ("version", "exact"),
    [
        ("3.3.99", False), ("3.4.30", False), ("3.4.31", True), ("3.5.1", False), ("3.5.13", True),
        ("3.6.0-rc.1", True), ("4.0.0", True), ("", False), ("not a version", False),
    ],
)  # fmt: skip
def test_which_servers_tell_their_progress_in_order(version, exact):
    assert etcd3_stream.progress_is_exact(version) == exact


async def test_watches_hear_of_revisions_that_others_move(backend, etcd):
    watch = backend.watch("/k/", await backend.current_revision())
    await next_batch(watch)
    revision = put(etcd, b"elsewhere")
    batch = await next_batch(watch, 1.0)
    assert (list(batch.changes), batch.revision) == ([], revision)


async def test_watches_of_newer_servers_ask_for_progress(backend, etcd, monkeypatch):
    monkeypatch.setattr(etcd3_stream, "progress_is_exact", lambda version: True)
    watch = backend.watch("/k/", await backend.current_revision())
    await next_batch(watch)
    revision = put(etcd, b"elsewhere")
    waiting = asyncio.create_task(next_batch(watch, 0.5))
    assert await backend.current_revision() == revision
    batch = await waiting
    assert (list(batch.changes), batch.revision) == ([], revision)
    created = await backend.create("/k/a", b"")
    assert [change.revision for change in (await next_batch(watch)).changes] == [created]


async def test_watches_of_newer_servers_hear_without_being_asked(backend, etcd, monkeypatch):
    monkeypatch.setattr(etcd3_stream, "progress_is_exact", lambda version: True)
    watch = backend.watch("/k/", await backend.current_revision())
    await next_batch(watch)
    revision = put(etcd, b"elsewhere")
    assert (await next_batch(watch, 3.0)).revision == revision


async def test_calls_share_a_revision_but_not_one_from_before(backend, etcd):
    for _ in range(20):
        early = [asyncio.create_task(backend.current_revision()) for _ in range(5)]
        await asyncio.sleep(0.0005)
        revision = put(etcd, b"elsewhere")
        late = await asyncio.gather(*(backend.current_revision() for _ in range(5)))
        assert set(late) == {revision}
        await asyncio.gather(*early)


async def test_keys_share_a_lease(backend, etcd):
    await asyncio.gather(*(backend.create(f"/k/{number}", b"", ttl=3600) for number in range(50)))
    leases = {kv["lease"] for kv in keys(etcd, b"/k/", b"/k0")}
    assert len(leases) == 1
    [granted] = [post(etcd, "lease/timetolive", ID=lease)["grantedTTL"] for lease in leases]
    assert 3600 < int(granted) <= 3660
    await backend.create("/k/short", b"", ttl=10)
    assert len({kv["lease"] for kv in keys(etcd, b"/k/", b"/k0")}) == 2


async def test_a_lease_that_was_revoked_is_granted_anew(backend, etcd):
    revision = await backend.create("/k/kept", b"", ttl=600)
    [key] = keys(etcd, b"/k/kept")
    await backend.update("/k/kept", b"", revision)
    post(etcd, "lease/revoke", ID=key["lease"])
    await backend.create("/k/new", b"", ttl=600)
    assert "lease" not in keys(etcd, b"/k/kept")[0]
    assert keys(etcd, b"/k/new")[0]["lease"] != key["lease"]


def keys(etcd, first, end=b""):
    return post(etcd, "kv/range", key=first, range_end=end).get("kvs", [])


async def test_one_of_several_servers_compacts(backend, etcd):
    client = backend._store.client
    replicas = [Compaction(client) for _ in range(3)]
    for replica in replicas:
        await replica.step()
    first = await backend.create("/k/a", b"")
    for _ in range(2):
        for replica in replicas:
            await replica.step()
    with pytest.raises(Compacted) as caught:
        await backend.range("/k/", revision=1)
    assert first <= caught.value.compact_revision < await backend.current_revision()
    [key] = keys(etcd, KEY)
    assert int(key["version"]) == 3
    assert int(b64decode(key["value"])) == caught.value.compact_revision


async def test_history_that_was_compacted_meanwhile_is_not_made_up(backend):
    """A change whose value before is gone must not look like a creation."""
    watch = backend.watch("/k/", await backend.current_revision())
    await next_batch(watch)
    await backend.compact(await backend.current_revision())
    kv = kv_pb2.KeyValue(key=b"/k/a", value=b"2", create_revision=1, mod_revision=watch.revision + 1)
    with pytest.raises(Compacted):
        await watch._deliver(rpc_pb2.WatchResponse(events=[kv_pb2.Event(kv=kv)]))
    await watch.aclose()


async def test_who_follows_costs_etcd_no_reading_of_values_before(backend):
    """And so goes on where a watch could not."""
    begin = await backend.current_revision()
    revision = await backend.create("/k/a", b"1")
    following = backend.follow("/k/", begin)
    for number in range(3):
        revision = await backend.update("/k/a", b"%d" % number, revision)
    changes = await read_until(following, revision)
    assert [change.value for change in changes] == [b"1", b"0", b"1", b"2"]
    assert {(change.previous, change.previous_revision) for change in changes} == {(None, 0)}


async def test_parts_of_an_answer_are_put_together(backend):
    """Changes of one revision stay in one batch, wherever the server has cut."""
    watch = backend.watch("/k/", 10)
    one, two, three = (part(*revisions) for revisions in ((11, 12, 12), (12, 12), (12, 13)))
    for fragment in (one, two):
        fragment.MergeFromString(b"\x38\x01")
        assert is_fragment(fragment)
    assert not is_fragment(three)
    first, none, last = [await watch._deliver(answer) for answer in (one, two, three)]
    assert none is None
    assert ([change.revision for change in first.changes], first.revision) == ([11], 11)
    assert ([change.revision for change in last.changes], last.revision) == ([12] * 5 + [13], 13)


def part(*revisions):
    events = [
        kv_pb2.Event(kv=kv_pb2.KeyValue(key=b"/k/%d" % n, create_revision=revision, mod_revision=revision))
        for n, revision in enumerate(revisions)
    ]
    return rpc_pb2.WatchResponse(events=events)


async def test_large_histories_come_in_parts(backend, monkeypatch):
    parts = []
    monkeypatch.setattr(etcd3_watch, "is_fragment", lambda answer: parts.append(is_fragment(answer)) or parts[-1])
    begin = revision = await backend.create("/k/a", b"")
    for number in range(6):
        revision = await backend.update("/k/a", b"%d" % number * 900_000, revision)
    changes = await read_until(backend.watch("/k/", begin), revision, begin)
    assert [change.value[:1] for change in changes] == [b"%d" % number for number in range(6)]
    assert any(parts)


async def test_keys_that_are_no_text_do_no_harm(backend, etcd):
    begin = await backend.current_revision()
    revision = put(etcd, b"/k/\xff\xfe", b"value")
    assert [item.value for item in (await backend.range("/k/")).items] == [b"value"]
    assert len(await read_until(backend.watch("/k/", begin), revision, begin)) == 1


async def test_pages_beyond_the_size_of_one_answer(backend, monkeypatch):
    monkeypatch.setattr(etcd3_store, "FIRST_PAGE", 3)
    monkeypatch.setattr(etcd3_store, "PAGE_BYTES", 4000)
    names = [f"/k/{number:02}" for number in range(25)]
    await asyncio.gather(*(backend.create(name, b"x" * 1000) for name in names))
    for limit in (0, 7, 25, 99):
        page = await backend.range("/k/", limit=limit)
        count = min(limit or 25, 25)
        assert [item.key for item in page.items] == names[:count]
        assert (page.more, page.remaining) == (count < 25, 25 - count)


async def test_an_abandoned_consumer_can_go_on(backend):
    """A task that is cancelled while it waits ends the stream, which the next one opens again."""
    watch = backend.watch("/k/", await backend.current_revision())
    await next_batch(watch)
    with pytest.raises(TimeoutError):
        await next_batch(watch, 0.02)
    revision = await backend.create("/k/a", b"")
    assert [change.revision for change in (await next_batch(watch)).changes] == [revision]


class Certificates:
    """An authority, and certificates of 127.0.0.1 that it has signed, for servers and clients."""

    def __init__(self, folder: Path) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec

        self.folder, self.x509, self.ec = folder, x509, ec
        self.authority_key = ec.generate_private_key(ec.SECP256R1())
        self.authority = self.make("authority", self.authority_key.public_key(), authority=True)
        self.files = EtcdFiles(self.write("ca.crt", self.authority), *self.pair("server"))

    def pair(self, name: str) -> tuple[Path, Path]:
        key = self.ec.generate_private_key(self.ec.SECP256R1())
        return self.write(f"{name}.crt", self.make(name, key.public_key())), self.write_key(f"{name}.key", key)

    def make(self, name, public_key, *, authority=False):
        x509, now = self.x509, datetime.now(UTC)
        from cryptography.hazmat.primitives import hashes

        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer = subject if authority else self.authority.subject
        builder = x509.CertificateBuilder(issuer, subject, public_key, x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        return builder.add_extension(names, critical=False).sign(self.authority_key, hashes.SHA256())

    def write(self, name, certificate) -> Path:
        from cryptography.hazmat.primitives.serialization import Encoding

        path = self.folder / name
        path.write_bytes(certificate.public_bytes(Encoding.PEM))
        return path

    def write_key(self, name, key) -> Path:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        path = self.folder / name
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("etcd-certificates"))


@pytest.fixture(scope="module")
def guarded(certificates):
    with EtcdServer(tls=certificates.files) as server:
        yield server


async def test_certificates_open_a_guarded_server(certificates, guarded):
    certificate, key = certificates.pair("client")
    trusted = {"cafile": certificates.files.authority, "certfile": certificate, "keyfile": key}
    async with opened(guarded.url, **trusted) as backend:
        begin = await backend.current_revision()
        revision = await backend.create("/k/a", b"value")
        assert (await backend.get("/k/a")).value == b"value"
        assert len(await read_until(backend.watch("/k/", begin), revision, begin)) == 1
        await backend.ready()


async def test_renewed_certificates_are_used_for_the_next_connection(tmp_path):
    """As kube-apiserver does: of both sides and the authority here, while kapi runs."""
    files = Certificates(tmp_path).files
    with EtcdServer(tls=files) as etcd:
        trusted = {"cafile": files.authority, "certfile": files.certificate, "keyfile": files.key}
        async with opened(etcd.url, **trusted) as backend:
            await backend.create("/k/a", b"")
            etcd.kill()
            Certificates(tmp_path)
            etcd.start()
            await asyncio.to_thread(etcd.wait)
            assert (await backend.get("/k/a")).value == b""


@pytest.mark.parametrize(
    "mistake", ["another authority", "no certificate", "no TLS", "no such file", "no PEM", "a passphrase"]
)
async def test_wrong_certificates_are_told(certificates, guarded, monkeypatch, tmp_path, mistake):
    monkeypatch.setattr(etcd3_store, "START_SECONDS", 0.1)
    certificate, key = certificates.pair("client")
    settings = {"cafile": certificates.files.authority, "certfile": certificate, "keyfile": key}
    url = guarded.url
    if mistake == "another authority":
        settings["cafile"] = Certificates(tmp_path).files.authority
    elif mistake == "no certificate":
        settings = {"cafile": settings["cafile"]}
    elif mistake == "no TLS":
        url = url.replace("https", "http")
    elif mistake == "a passphrase":
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        guard = serialization.BestAvailableEncryption(b"secret")
        pem = serialization.Encoding.PEM
        key.write_bytes(loaded.private_bytes(pem, serialization.PrivateFormat.PKCS8, guard))
    elif mistake == "no such file":
        settings["keyfile"] = tmp_path / "missing"
    else:
        settings["keyfile"] = tmp_path / "rubbish"
        settings["keyfile"].write_text("rubbish")
    with pytest.raises(Unavailable):
        async with opened(url, request_timeout=0.3, **settings):
            pass
