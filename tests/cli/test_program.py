"""The program as users run it, in processes of its own."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import kapi
from kapi.cli.flaghelp import flag_help
from kapi.config.flags import core_table

KAPI = Path(sys.executable).parent / "kapi"


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([KAPI, *words], capture_output=True, text=True, timeout=30, env={**os.environ, **environment})


def refused(code: int, *words: str) -> list[str]:
    """Run a command that must fail in lines of its own, without a traceback."""
    found = run(*words)
    assert found.returncode == code, found.stderr
    lines = found.stderr.splitlines()
    assert lines
    assert all(line.startswith("kapi: ") for line in lines), found.stderr
    return lines


@pytest.mark.parametrize("words", [["version"], ["--version"]])
def test_version(words):
    assert run(*words).stdout == f"kapi {kapi.__version__} (Kubernetes 1.36)\n"


def test_help_lists_the_commands():
    text = run("--help").stdout
    for command in ("serve", "plugins", "kubeconfig", "version"):
        assert f"  {command} " in text


def test_serve_help_lists_every_flag_by_group():
    text = run("serve", "--help").stdout
    for option in core_table().values():
        if not option.deprecated:
            assert f"--{option.name}" in text
    assert text.index("Generic flags:") < text.index("Etcd flags:") < text.index("Misc flags:")
    assert "--token-auth-file" in text


def test_who_reads_help_may_stop_reading():
    with subprocess.Popen(
        [KAPI, "serve", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert (process.stderr.read(), process.wait(10)) == ("", 0)


def test_help_marks_planned_and_deprecated_flags():
    text = flag_help(core_table(), 100)
    assert "(no effect yet)" in text
    assert "Deprecated: use --enable-admission-plugins" in text
    assert max(map(len, text.splitlines())) <= 120


def test_unknown_flags_are_refused_with_the_nearest_match():
    assert refused(2, "serve", "--secure-prot=1", "--request-timeout=x") == [
        "kapi: unknown flag: --secure-prot (did you mean --secure-port?)",
        "kapi: invalid value \"x\" for --request-timeout: invalid duration 'x': write it like 1m30s or 500ms",
    ]


@pytest.mark.parametrize(
    ("code", "flags", "text"),
    [
        (2, ["--plugins=nope"], "--plugins: no plugin 'nope' is installed"),
        (2, ["--storage-backend=nope"], "--storage-backend: 'nope' is not among the installed plugins"),
        (2, ["--tls-cert-file=/no/x.crt"], "--tls-cert-file and --tls-private-key-file go together"),
        (1, ["--tls-cert-file=/no/x.crt", "--tls-private-key-file=/no/x.key"], "cannot read /no/x.crt"),
        (1, ["--client-ca-file=/no/ca.crt"], "cannot read /no/ca.crt"),
        (1, ["--token-auth-file=/no/tokens"], "/no/tokens: No such file or directory"),
        (1, ["--bind-address=192.0.2.1"], "192.0.2.1 is not an address of this machine"),
        (1, ["--workers=2", "--storage-backend=memory"], "only one process can use the storage backend 'memory'"),
    ],
)
def test_what_cannot_work_is_told_in_a_line(tmp_path, code, flags, text):
    (line,) = refused(code, "serve", f"--data-dir={tmp_path}", "--secure-port=0", *flags)
    assert text in line


def test_a_port_in_use_is_told_in_a_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (line,) = refused(1, "serve", f"--data-dir={tmp_path}", f"--secure-port={port}")
    assert f"port {port} of 127.0.0.1 is in use" in line


def test_a_folder_that_cannot_be_written_is_told_in_a_line(tmp_path):
    (tmp_path / "file").write_text("")
    (line,) = refused(1, "serve", f"--data-dir={tmp_path}/file/data", "--secure-port=0")
    assert line == f"kapi: {tmp_path}/file/data: Not a directory"


def test_plugins_are_listed_as_a_table():
    lines = run("plugins").stdout.splitlines()
    head = ["FAMILY", "NAME", "ACTIVE", "ORDER", "DETAILS", "PLUGIN", "DISTRIBUTION", "VERSION", "SUMMARY"]
    assert lines[0].split() == head
    rows = {(line.split()[0], line.split()[1]): line.split() for line in lines[1:]}
    assert rows["storage", "sqlite"][2:8] == ["yes", "1", "-", "kapi.storage:sqlite", "kapi", kapi.__version__]
    assert rows["storage", "memory"][2] == "no"


def test_plugins_are_listed_as_json_under_the_flags_of_a_server():
    flags = ["--authorization-mode=AlwaysAllow,RBAC", "--disable-plugins=token_file", "--controllers="]
    rows = json.loads(run("plugins", "--output=json", *flags).stdout)
    authorizers = [(row["name"], row["active"], row["order"]) for row in rows if row["family"] == "authorizer"]
    assert authorizers[:3] == [("AlwaysAllow", True, 1), ("RBAC", True, 2), ("AlwaysDeny", False, 0)]
    assert not any(active for _, active, _ in authorizers[2:])
    assert [row["active"] for row in rows if row["plugin"] == "kapi.authn:token_file"] == [False]
    assert not any(row["active"] for row in rows if row["family"] == "controller")


def test_calls_of_hooks_can_be_traced():
    found = run("serve", "--storage-backend=nope", KAPI_TRACE_PLUGINS="1")
    assert "kapi plugin trace: kapi_register_storage_backends of kapi.storage:sqlite in " in found.stderr


def test_kubeconfig_before_the_first_start_says_what_to_do(tmp_path):
    (line,) = refused(1, "kubeconfig", f"--data-dir={tmp_path}")
    assert "start kapi serve once with this --data-dir" in line


class Server:
    """``kapi serve`` on a free port."""

    def __init__(self, data: Path, *flags: str, announced: str = "try:") -> None:
        self.data = data
        self.process = subprocess.Popen(
            [KAPI, "serve", f"--data-dir={data}", "--secure-port=0", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if announced in line:
                break
        found = re.search(r"https://\S+", self.lines[0]) if self.lines else None
        assert found, self.process.stderr and self.process.stderr.read()
        self.url = found[0]

    def get(self, path: str) -> tuple[int, str]:
        pki = self.data / "pki"
        context = ssl.create_default_context(cafile=pki / "ca.crt")
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        with urllib.request.urlopen(self.url + path, context=context, timeout=10) as answer:
            return answer.status, answer.read().decode()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


def test_serve_says_how_to_reach_it_and_ends_with_code_0(tmp_path):
    server = Server(tmp_path / "data")
    kubeconfig = tmp_path / "data" / "admin.kubeconfig"
    assert server.lines[0] == f"kapi {kapi.__version__} serves {server.url}"
    assert server.lines[-1].endswith(f"kubectl --kubeconfig {kubeconfig} get ns")
    assert kubeconfig.stat().st_mode & 0o777 == 0o600
    assert server.get("/livez/ping") == (200, "ok")
    shown = run("kubeconfig", f"--data-dir={tmp_path}/data")
    assert shown.stdout == kubeconfig.read_text()
    code, errors = server.stop()
    assert code == 0, errors
    assert "Traceback" not in errors


def test_interrupt_ends_it_too(tmp_path):
    server = Server(tmp_path, "--storage-backend=memory")
    code, errors = server.stop(signal.SIGINT)
    assert (code, "Traceback" in errors) == (0, False), errors


def test_warnings_are_printed_and_old_flags_do_not_hurt(tmp_path):
    server = Server(tmp_path, "--storage-backend=memory", "--insecure-port=8080", "--profiling=false", "-v1")
    assert any("kapi.storage:memory" in line for line in server.lines)
    code, errors = server.stop()
    assert code == 0
    assert "kapi: warning: --insecure-port is deprecated" in errors
    assert "kapi: warning: --profiling has no effect yet" in errors


def test_a_kubeconfig_for_a_user_is_good_for_that_user(tmp_path):
    server = Server(tmp_path, "--storage-backend=memory")
    target = tmp_path / "jane.kubeconfig"
    made = run("kubeconfig", f"--data-dir={tmp_path}", "--user=jane", "--group=dev", "--days=1", f"--write={target}")
    assert made.returncode == 0, made.stderr
    assert target.stat().st_mode & 0o777 == 0o600
    kubectl = [KAPI.parent / "kubectl", f"--kubeconfig={target}", f"--cache-dir={tmp_path}/cache"]
    answer = subprocess.run([*kubectl, "get", "ns"], capture_output=True, text=True, timeout=20)
    server.stop()
    assert 'User "jane" cannot list resource' in answer.stderr


def test_workers_count_together_and_end_together(tmp_path):
    server = Server(tmp_path, "--workers=2", "--controllers=")
    for _ in range(8):
        server.get("/livez/ping")
    _, text = server.get("/metrics")
    counted = re.search(r'^apiserver_request_total\{.*subresource="/livez".*\} (\S+)$', text, re.MULTILINE)
    assert counted
    assert float(counted[1]) == 8
    code, errors = server.stop()
    assert code == 0, errors
    assert "Traceback" not in errors


def test_gunicorn_runs_the_same_with_its_own_command(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    flags = f"--data-dir={tmp_path} --secure-port={port} --workers=2 --controllers="
    process = subprocess.Popen(
        [KAPI.parent / "gunicorn", "-c", "python:kapi.server.gunicorn_conf"],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "KAPI_FLAGS": flags},
    )  # fmt: skip
    try:
        assert _answers(tmp_path, port, process)
    finally:
        process.terminate()
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def _answers(data: Path, port: int, process: subprocess.Popen[str]) -> bool:
    """Ask until there is an answer, or the process has ended."""
    while process.poll() is None:
        try:
            context = ssl.create_default_context(cafile=data / "pki" / "ca.crt")
            with urllib.request.urlopen(f"https://127.0.0.1:{port}/version", context=context, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            continue
    return False
