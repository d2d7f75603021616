"""Encryption in a whole server: what is on the disk, what a client sees, rotation, and what is told without a key."""

import base64
import logging
from pathlib import Path

import pytest

from kapi.server.encryption_at_rest import Reload
from kapi.storage.encryption import Encryption
from kapi.testing.server import Answer, ServerProcess, ServerThread, StartFailed

HIDDEN = b"a very private text"
SECRETS = "/api/v1/namespaces/default/secrets"
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "a"},
    "data": {"text": base64.b64encode(HIDDEN).decode()},
}


def provider(kind: str, *names: str) -> str:
    keys = ", ".join(f"{{name: {name}, secret: {base64.b64encode(name[:1].encode() * 32).decode()}}}" for name in names)
    return f"{{{kind}: {{keys: [{keys}]}}}}"


def write(path: Path, *providers: str, resources: str = "secrets") -> Path:
    path.write_text(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n"
        f"  - resources: ['{resources}']\n    providers: [{', '.join(providers)}]\n"
    )
    return path


def on_disk(folder: Path) -> bytes:
    files = [path for path in folder.rglob("kapi.db*") if path.suffix != ".db-shm"]
    assert {path.name for path in files} >= {"kapi.db"}
    return b"".join(path.read_bytes() for path in files)


def message(answer: Answer) -> str:
    status = answer.json()
    assert isinstance(status, dict)
    assert (answer.status, status["reason"]) == (500, "InternalError")
    return str(status["message"])


def test_a_secret_cannot_be_found_in_the_database(tmp_path):
    config = write(tmp_path / "encryption.yaml", provider("secretbox", "key1"), "identity: {}")
    flags = (f"--encryption-provider-config={config}", "--controllers=")
    encoded = SECRET["data"]["text"].encode()  # type: ignore[index]  # the data of the Secret above
    with ServerProcess(*flags, folder=tmp_path) as server:
        assert server.request("POST", SECRETS, SECRET).status == 201
        open_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"seen": "plainly"}}
        assert server.request("POST", SECRETS.replace("secrets", "configmaps"), open_map).status == 201
        while_running = on_disk(server.data_dir)
        assert encoded in server.request("GET", f"{SECRETS}/a").body
        assert encoded in server.request("GET", SECRETS).body
        server.stop()
        for content in (while_running, on_disk(server.data_dir)):
            assert encoded not in content
            assert HIDDEN not in content
            assert b"k8s:enc:secretbox:v1:key1:" in content
            assert b"plainly" in content


def test_rotation_and_loss_of_keys(tmp_path):
    config = tmp_path / "encryption.yaml"
    server = ServerThread(f"--encryption-provider-config={config}", "--controllers=", folder=tmp_path)

    def served(*providers: str) -> ServerThread:
        server.stop()
        write(config, *providers)
        server.start()
        return server

    write(config, "identity: {}")
    server.start()
    try:
        assert server.request("POST", SECRETS, SECRET).status == 201
        assert b"k8s:enc:" not in on_disk(tmp_path)
        before = served(provider("aescbc", "one"), "identity: {}").request("GET", f"{SECRETS}/a").json()
        written = server.request("PUT", f"{SECRETS}/a", before).json()
        assert isinstance(before, dict)
        assert isinstance(written, dict)
        assert before["metadata"].pop("resourceVersion") != written["metadata"].pop("resourceVersion")
        assert before == written
        assert b"k8s:enc:aescbc:v1:one:" in on_disk(tmp_path)
        again = server.request("PUT", f"{SECRETS}/a", written).json()
        third = server.request("PUT", f"{SECRETS}/a", again).json()
        assert again == third, "what is up to date is not written again"

        served(provider("aesgcm", "two"), provider("aescbc", "one")).request("PUT", f"{SECRETS}/a", third)
        assert served(provider("aesgcm", "two")).request("GET", f"{SECRETS}/a").status == 200

        served(provider("aesgcm", "three"))
        for path in (f"{SECRETS}/a", SECRETS):
            text = message(server.request("GET", path))
            assert 'unable to transform key "/registry/secrets/default/a"' in text
            assert "no matching key was found for the provided AES transformer" in text
        assert server.request("GET", SECRETS.replace("secrets", "configmaps")).status == 200
        assert server.request("GET", "/readyz").status == 200
    finally:
        server.stop()


def test_a_server_that_knows_nothing_of_encryption_does_not_hide_what_is_encrypted(tmp_path):
    config = write(tmp_path / "encryption.yaml", provider("aesgcm", "one"))
    with ServerThread(f"--encryption-provider-config={config}", "--controllers=", folder=tmp_path) as server:
        assert server.request("POST", SECRETS, SECRET).status == 201
    with ServerThread("--controllers=", folder=tmp_path) as server:
        for method, path, body in (
            ("GET", f"{SECRETS}/a", None),
            ("GET", SECRETS, None),
            ("PUT", f"{SECRETS}/a", SECRET),
        ):
            assert "identity transformer tried to read encrypted data" in message(server.request(method, path, body))
        assert server.request("GET", "/readyz").status == 200


def test_a_server_without_any_key_for_what_it_needs_does_not_start(tmp_path):
    config = write(tmp_path / "encryption.yaml", provider("aesgcm", "one"), resources="*.*")
    server = ServerProcess(f"--encryption-provider-config={config}", "--controllers=", folder=tmp_path)
    server.start()
    assert server.stop() == 0
    write(config, provider("aesgcm", "two"), resources="*.*")
    with pytest.raises(StartFailed) as failure:
        server.start()
    assert 'unable to transform key "/registry/' in str(failure.value)
    assert "Traceback" not in str(failure.value)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_file_is_told_in_lines(tmp_path, workers):
    config = write(tmp_path / "encryption.yaml", "aesgcm: {keys: [{name: a, secret: c2hvcnQ=}]}", "kms: {}")
    flags = (f"--encryption-provider-config={config}", f"--workers={workers}")
    with pytest.raises(StartFailed) as failure, ServerProcess(*flags, folder=tmp_path):
        pass
    assert "kapi has no kms provider" in str(failure.value)
    assert "Traceback" not in str(failure.value)


def test_a_changed_file_is_taken_over_and_a_broken_one_is_not(tmp_path, caplog):
    path = write(tmp_path / "encryption.yaml", provider("aesgcm", "one"))
    key = "/registry/secrets/a/b"
    encryption = Encryption({}, "/registry/", lambda: [])
    reload = Reload(encryption, path, 60.0)
    reload.look()
    assert encryption.of(key).to_storage(b"x", key) == b"x", "nothing changed, nothing is read"
    write(path, provider("aesgcm", "two"), resources="*.*")
    reload.look()
    key = "/registry/example.com/widgets/a"
    assert encryption.of(key).to_storage(b"x", key).startswith(b"k8s:enc:aesgcm:v1:two:")
    path.write_text("nonsense")
    reload.look()
    path.unlink()
    reload.look()
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert [text.count("stays as it was") for text in errors] == [1, 1]
    assert encryption.of(key).to_storage(b"x", key).startswith(b"k8s:enc:aesgcm:v1:two:")
