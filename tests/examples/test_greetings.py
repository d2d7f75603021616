"""The example distribution as a user would have it: a wheel, installed beside kapi, used with kubectl."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PASSPHRASE = "opensesame"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Build the wheel without any network, and install it into a folder of its own."""
    folder = tmp_path_factory.mktemp("greetings")
    source = shutil.copytree(ROOT / "examples" / "kapi-greetings", folder / "source")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-deps", "--no-index"]
    subprocess.run(
        [*pip, "wheel", *offline, "--no-build-isolation", "--wheel-dir", folder, source], check=True, timeout=60
    )
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", *offline, "--target", folder / "site", wheel], check=True, timeout=60)
    return folder / "site"


def environment(site: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(site)}


class Server:
    """A running server with all five plugins."""

    def __init__(self, site: Path, folder: Path) -> None:
        (folder / "passphrase").write_text(PASSPHRASE + "\n")
        self.data = folder / "data"
        self.log = folder / "log"
        flags = [
            f"--data-dir={self.data}", "--secure-port=0", "--storage-backend=journal", "--controllers=",
            "--authorization-mode=RBAC,Greeters", f"--greetings-passphrase-file={folder}/passphrase",
        ]  # fmt: skip
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [BIN / "kapi", "serve", *flags],
                stdout=subprocess.PIPE, stderr=log, text=True, env=environment(site),
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"https://\S+", line)
        assert found, self.log.read_text()
        self.url = found[0]

    def kubectl(self, *words: str, token: str = "", stdin: str = "") -> subprocess.CompletedProcess[str]:
        if token:
            ca = self.data / "pki" / "ca.crt"
            access = [
                f"--server={self.url}",
                f"--certificate-authority={ca}",
                f"--token={token}",
                "--kubeconfig=/dev/null",
            ]
        else:
            access = [f"--kubeconfig={self.data}/admin.kubeconfig"]
        cache = f"--cache-dir={self.data}/cache"
        return subprocess.run(
            [BIN / "kubectl", cache, *access, *words], input=stdin, capture_output=True, text=True, timeout=30
        )

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(15)


@pytest.fixture(scope="module")
def server(site, tmp_path_factory) -> Iterator[Server]:
    running = Server(site, tmp_path_factory.mktemp("data"))
    yield running
    assert running.stop() == 0


def greeting(name: str, message: str) -> str:
    return (
        "apiVersion: greetings.example.com/v1\nkind: Greeting\n"
        f"metadata: {{name: {name}, namespace: default}}\nspec: {{message: '{message}'}}\n"
    )


def test_all_five_are_listed(site):
    command = [BIN / "kapi", "plugins", "--storage-backend=journal", "--authorization-mode=RBAC,Greeters"]
    text = subprocess.run(command, capture_output=True, text=True, env=environment(site), timeout=30).stdout
    lines = [line.split() for line in text.splitlines() if "kapi-greetings" in line]
    assert {(line[0], line[1], line[2]) for line in lines} == {
        ("storage", "journal", "yes"), ("authenticator", "badge", "yes"), ("authorizer", "Greeters", "yes"),
        ("admission", "GoodManners", "yes"), ("apigroup", "greetings.example.com", "yes"),
    }  # fmt: skip


def test_the_api_group_is_served(server):
    text = server.kubectl("api-resources", "--api-group=greetings.example.com").stdout
    assert text.splitlines()[1].split() == ["greetings", "hi", "greetings.example.com/v1", "true", "Greeting"]


def test_a_greeter_greets_with_a_badge_and_no_role(server):
    answer = server.kubectl("apply", "-f", "-", token=f"ann:{PASSPHRASE}", stdin=greeting("hello", "  Good   morning "))
    assert answer.stdout == "greeting.greetings.example.com/hello created\n", answer.stderr
    again = server.kubectl("apply", "-f", "-", token=f"ann:{PASSPHRASE}", stdin=greeting("hello", "Good morning"))
    assert "greeting.greetings.example.com/hello" in again.stdout, again.stderr
    table = server.kubectl("get", "hi", token=f"ann:{PASSPHRASE}").stdout.splitlines()
    assert table[0].split() == ["NAME", "TO", "MESSAGE", "AGE"]
    assert table[1].split()[:4] == ["hello", "world", "Good", "morning"]


def test_the_badge_is_checked_and_good_for_greetings_only(server):
    assert "You must be logged in" in server.kubectl("get", "hi", token="ann:wrong").stderr
    assert "cannot list resource" in server.kubectl("get", "secrets", token=f"ann:{PASSPHRASE}").stderr
    assert "ann" in server.kubectl("auth", "whoami", token=f"ann:{PASSPHRASE}").stdout


def test_manners_and_schema_are_checked(server):
    rude = server.kubectl("create", "-f", "-", stdin=greeting("rude", "grmpf you"))
    assert "'grmpf' is not what one says to people" in rude.stderr
    empty = server.kubectl("create", "-f", "-", stdin=greeting("empty", " "))
    assert "spec.message: Invalid value" in empty.stderr


def test_explain_knows_the_kind(server):
    text = server.kubectl("explain", "greeting.spec").stdout
    assert "message" in text
    assert "-required-" in text
    assert "What to say." in text


def test_the_journal_keeps_what_was_written(site, tmp_path):
    first = Server(site, tmp_path)
    assert first.kubectl("create", "-f", "-", stdin=greeting("kept", "See you")).returncode == 0
    assert first.stop() == 0
    second = Server(site, tmp_path)
    assert second.kubectl("get", "hi", "kept", "-o", "jsonpath={.spec.message}").stdout == "See you"
    assert second.kubectl("delete", "hi", "kept").returncode == 0
    assert second.stop() == 0
