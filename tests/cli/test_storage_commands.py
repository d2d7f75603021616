"""``kapi storage``, on real stores."""

import asyncio
import gzip
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from kapi.cli import main
from kapi.testing.etcd import EtcdServer
from kapi.testing.server import ServerThread
from kapi_storage import sqlite_care
from kapi_storage.sqlite_backend import SqliteBackend

SECRETS = "/api/v1/namespaces/default/secrets"
MAPS = "/api/v1/namespaces/default/configmaps"


class Program:
    """Runs commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str | Path, code: int = 0) -> str:
        """Run ``kapi storage``, expect an exit code, and return what was printed: for a failure, the complaint."""
        with pytest.raises(SystemExit) as end:
            main(["storage", *map(str, words)])
        out, err = self._capsys.readouterr()
        assert end.value.code == code, err
        if code:
            assert all(line.startswith("kapi: ") for line in err.splitlines()), err
            return err
        return out


@pytest.fixture
def storage(capsys):
    return Program(capsys)


def put(folder: Path, values: Mapping[str, bytes], *, ttl: Mapping[str, float] | None = None) -> None:
    """Create keys in the sqlite store of a data folder."""

    async def write() -> None:
        backend = SqliteBackend(folder / "kapi.db")
        await backend.start()
        for key, value in values.items():
            await backend.create(key, value, ttl=(ttl or {}).get(key))
        await backend.stop()

    asyncio.run(write())


def content(folder: Path) -> dict[str, bytes]:
    database = sqlite3.connect(folder / "kapi.db")
    rows = database.execute("SELECT current.key, value FROM current JOIN changes USING (revision)").fetchall()
    database.close()
    return dict(rows)


def revision_of(storage: Program, folder: Path) -> int:
    return int(json.loads(storage("check", f"--data-dir={folder}", "-o", "json"))["revision"])


VALUES = {f"/registry/pods/ns/{number}": b'{"number":%d}' % number for number in range(1200)} | {
    "/registry/services/specs/ns/a": b"{}",
    "/registry/example.com/widgets/ns/a": b"{}",
    "/registry/secrets/ns/a": b"k8s:enc:aesgcm:v1:key1:\x00\xff",
}


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("full")
    put(folder, VALUES)
    return folder


def test_check_counts_by_resource(storage, full):
    lines = storage("check", "--data-dir", full).splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["RESOURCE"] == ["KEYS", "BYTES", "ENCRYPTED"]
    assert rows["pods"][0] == "1200"
    assert rows["services/specs"] == ["1", "2", "0"]
    assert rows["example.com/widgets"] == ["1", "2", "0"]
    assert rows["secrets"] == ["1", "25", "1"]
    assert rows["total"] == ["1203", str(sum(map(len, VALUES.values()))), "1"]
    assert lines[-1] == "at revision 1204"


def test_check_finds_damage(storage, tmp_path):
    put(
        tmp_path, {"/registry/pods/ns/a": b"nonsense", "/registry/pods/ns/b": b"[]", "/registry/pods/ns/c": b"k8s\0..."}
    )
    assert storage("check", f"--data-dir={tmp_path}", code=1).splitlines() == [
        "kapi: the value of pods/ns/a is not a JSON object",
        "kapi: the value of pods/ns/b is not a JSON object",
    ]
    database = sqlite3.connect(tmp_path / "kapi.db")
    database.execute("UPDATE compaction SET compacted = 99")
    database.commit()
    database.close()
    assert storage("check", f"--data-dir={tmp_path}", code=1) == "kapi: more is compacted than there is\n"
    (tmp_path / "kapi.db").write_bytes(b"no database at all" * 500)
    for path in tmp_path.glob("kapi.db-*"):
        path.unlink()
    assert "not a database" in storage("check", f"--data-dir={tmp_path}", code=1)


@pytest.mark.parametrize("name", ["backup.jsonl", "backup.jsonl.gz", "backup.db"])
def test_what_is_backed_up_is_restored(storage, full, tmp_path, name):
    path = tmp_path / name
    storage("backup", "--data-dir", full, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert "1203 keys" in storage("restore", path, f"--data-dir={tmp_path}/new")
    assert content(tmp_path / "new") == VALUES
    assert revision_of(storage, tmp_path / "new") >= 1_001_204
    assert "not empty" in storage("restore", path, f"--data-dir={tmp_path}/new", code=1)
    assert "exists" in storage("backup", f"--data-dir={full}", path, code=1)
    storage("backup", f"--data-dir={full}", path, "--force")


def test_the_margin_can_be_chosen(storage, full, tmp_path):
    storage("backup", f"--data-dir={full}", tmp_path / "b.db")
    storage("restore", "--margin=5", tmp_path / "b.db", "--data-dir", tmp_path / "new")
    assert revision_of(storage, tmp_path / "new") == 1204 + 5


def test_keys_that_expire_still_do(storage, tmp_path):
    key = "/registry/events/ns/a"
    put(tmp_path / "old", {key: b"{}", "/registry/pods/ns/a": b"{}"}, ttl={key: 1000.0})
    storage("copy", f"--from-data-dir={tmp_path}/old", "--to-data-dir", tmp_path / "new")
    database = sqlite3.connect(tmp_path / "new" / "kapi.db")
    expires = dict(database.execute("SELECT key, expires IS NOT NULL FROM current").fetchall())
    database.close()
    assert expires == {key: 1, "/registry/pods/ns/a": 0}


def test_who_leads_is_not_copied(storage, tmp_path):
    put(tmp_path / "old", {"/registry/kapi/leader": b"{}", "/registry/pods/ns/a": b"{}"})
    storage("copy", f"--from-data-dir={tmp_path}/old", f"--to-data-dir={tmp_path}/new")
    assert list(content(tmp_path / "new")) == ["/registry/pods/ns/a"]


def test_a_copy_to_memory_and_under_another_prefix(storage, tmp_path, full):
    assert "1203 keys" in storage("copy", f"--data-dir={full}", "--to-storage-backend", "memory")
    put(tmp_path / "old", {"/registry/pods/ns/a": b"{}"})
    flags = (f"--from-data-dir={tmp_path}/old", f"--to-data-dir={tmp_path}/new")
    storage("copy", *flags, "--to-etcd-prefix=/elsewhere")
    assert list(content(tmp_path / "new")) == ["/elsewhere/pods/ns/a"]


def test_encrypted_values_stay_where_they_can_be_decrypted(storage, tmp_path, full):
    target = f"--to-data-dir={tmp_path}"
    complaint = storage("copy", f"--from-data-dir={full}", target, "--to-etcd-prefix=/elsewhere", code=1)
    assert "encrypted values must stay below the prefix /registry/" in complaint


def test_sqlite_to_etcd_and_back(storage, tmp_path, full):
    old = {f"/registry/pods/ns/{number}": b'{"number":%d}' % number for number in range(300)}
    short = {"/registry/events/ns/a": b"{}"}
    put(tmp_path / "old", old | short, ttl=dict.fromkeys(short, 1000.0))
    old |= short
    with EtcdServer() as etcd:
        flags = ("storage-backend=etcd3", f"etcd-servers={etcd.url}")
        storage("copy", f"--from-data-dir={tmp_path}/old", *(f"--to-{flag}" for flag in flags))
        found = json.loads(storage("check", *(f"--{flag}" for flag in flags), "--output=json"))
        assert (found["keys"], found["resources"]["pods"]["keys"]) == (301, 300)
        assert found["revision"] >= 600, "above 301, and then one for each key"
        storage("backup", *(f"--{flag}" for flag in flags), tmp_path / "etcd.jsonl.gz")
        storage("copy", *(f"--from-{flag}" for flag in flags), f"--to-data-dir={tmp_path}/back")
        assert content(tmp_path / "back") == old
        assert revision_of(storage, tmp_path / "back") > found["revision"]
        storage("compact", *(f"--{flag}" for flag in flags))
    storage("restore", tmp_path / "etcd.jsonl.gz", f"--data-dir={tmp_path}/restored")
    assert content(tmp_path / "restored") == old
    for folder in ("back", "restored"):
        [(key, left)] = sqlite_care.expiries(tmp_path / folder / "kapi.db", "/registry/").items()
        assert key in short
        assert 900 < left < 1060


def test_a_running_server_is_backed_up_and_clients_of_the_restored_one_begin_anew(storage, tmp_path):
    flags = ("--controllers=",)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}
    with ServerThread(*flags, folder=tmp_path / "one") as server:
        server.request("POST", MAPS, body)
        before = server.request("GET", f"{MAPS}/a").json()
        storage("backup", "--data-dir", server.data_dir, tmp_path / "backup.jsonl")
        storage("check", f"--data-dir={server.data_dir}")
        storage("compact", f"--data-dir={server.data_dir}")
        later = server.request("POST", MAPS, {**body, "metadata": {"name": "later"}}).json()
        assert "not empty" in storage("restore", tmp_path / "backup.jsonl", f"--data-dir={server.data_dir}", code=1)
    storage("restore", tmp_path / "backup.jsonl", f"--data-dir={tmp_path}/two/data")
    with ServerThread(*flags, folder=tmp_path / "two") as server:
        after = server.request("GET", f"{MAPS}/a").json()
        assert isinstance(before, dict)
        assert isinstance(later, dict)
        assert isinstance(after, dict)
        assert int(after["metadata"].pop("resourceVersion")) > int(later["metadata"]["resourceVersion"])
        del before["metadata"]["resourceVersion"]
        assert after == before
        assert server.request("GET", f"{MAPS}/later").status == 404
        watch = f"{MAPS}?watch=1&timeoutSeconds=1&resourceVersion={later['metadata']['resourceVersion']}"
        assert b"too old resource version" in server.request("GET", watch).body


def test_compact_shrinks_the_file(storage, tmp_path):
    async def write() -> None:
        backend = SqliteBackend(tmp_path / "kapi.db", compaction_interval=0)
        await backend.start()
        revision = await backend.create("/registry/pods/ns/a", b"{}")
        for _ in range(200):
            revision = await backend.update("/registry/pods/ns/a", b'"%b"' % (b"x" * 10_000), revision)
        await backend.stop()

    asyncio.run(write())
    before = (tmp_path / "kapi.db").stat().st_size
    assert storage("compact", "--data-dir", tmp_path) == "compacted at revision 202\n"
    assert (tmp_path / "kapi.db").stat().st_size < before // 5
    assert "in the future" in storage("compact", "--data-dir", tmp_path, "--revision=999", code=1)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def without_a_line(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[:5] + lines[6:])


def packed_and_cut(data: bytes) -> bytes:
    return cut(gzip.compress(data))


def with_a_flipped_bit(data: bytes) -> bytes:
    packed = bytearray(gzip.compress(data))
    packed[len(packed) // 2] ^= 64
    return bytes(packed)


def of_the_future(data: bytes) -> bytes:
    return data.replace(b'"version":1', b'"version":2', 1)


def with_an_odd_line(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([*lines[:5], b'{"key": 7}\n', *lines[6:]])


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (cut, "damaged"),
        (without_a_line, "checksum does not fit"),
        (packed_and_cut, "damaged"),
        (with_a_flipped_bit, "damaged"),
        (of_the_future, "a backup of version 2"),
        (with_an_odd_line, "a line is not that of a key"),
        (lambda data: b"", "not a backup"),
        (lambda data: b"[" * 100_000, "not a backup"),
        (lambda data: b"".join(data.splitlines(keepends=True)[:-1]), "its last line is missing"),
    ],
)
def test_a_damaged_backup_is_refused_before_anything_is_written(storage, full, tmp_path, damage, complaint):
    path = tmp_path / "backup"
    storage("backup", f"--data-dir={full}", path)
    path.write_bytes(damage(path.read_bytes()))
    assert complaint in storage("restore", path, f"--data-dir={tmp_path}/new", code=1)
    assert not (tmp_path / "new").exists()


def test_what_cannot_work_is_told_in_a_line(storage, tmp_path, full):
    nothing = f"--data-dir={tmp_path}/nothing"
    for command in (["check"], ["compact"], ["backup", "file"]):
        assert "there is no sqlite store" in storage(*command, nothing, code=1)
    assert not (tmp_path / "nothing").exists()
    assert "nothing below /other/" in storage(
        "backup", f"--data-dir={full}", "--etcd-prefix=/other", tmp_path / "f", code=1
    )
    assert list(tmp_path.iterdir()) == []
    assert "No such file" in storage("restore", tmp_path / "none", nothing, code=1)
    assert "no format of its own" in storage("backup", "--storage-backend=memory", "--format=native", "f", code=1)
    assert "expected the name of one file" in storage("backup", nothing, code=2)
    assert "unknown flag: --data-dri" in storage("check", "--data-dri", "x", code=2)
    assert "unknown flag: --to-data-dir" in storage("check", "--to-data-dir", "x", code=2)
    assert "'nope' is not among" in storage("copy", "--to-storage-backend=nope", nothing, code=2)
    assert "needs --etcd-servers" in storage("check", "--storage-backend=etcd3", code=1)
    assert "must be" in storage("check", "-o", "yaml", code=1)
