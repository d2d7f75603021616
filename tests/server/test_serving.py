"""The HTTP server over a real socket: TLS, certificates in the scope, limits, and the end in order."""

import asyncio
import json
import socket
import ssl
import threading
from datetime import timedelta

import pytest
from fake_server import FakeServer, Running, config_for

from kapi.config.completed import CompletedConfig
from kapi.contracts.storage import Unavailable
from kapi.server.kubeconfig import kubeconfig
from kapi.server.listeners import BindError, bind
from kapi.server.pki import ensure, user_credentials
from kapi.server.protocol import MAX_HEAD, KapiProtocol
from kapi.server.serving import HTTPServer
from kapi.server.tls import TLSError, server_context

END_UNREAD = KapiProtocol._end_unread


@pytest.fixture
def config(tmp_path) -> CompletedConfig:
    return config_for(tmp_path / "data", "--shutdown-delay-duration=0s", "--request-timeout=5s")


@pytest.fixture
def running(config):
    server = Running(config)
    yield server
    server.stop()


def test_serves_tls_and_tells_that_there_is_no_client_certificate(running):
    answer = running.get("/echo")
    assert answer.status == 200
    assert answer.headers["date"]
    assert json.loads(answer.read()) == {"peer": 0, "http": "1.1"}


def test_puts_the_client_certificate_into_every_scope(running):
    connection = running.connect(running.client_context(with_certificate=True))
    der = ssl.PEM_cert_to_DER_cert((running.config.pki_dir / "admin.crt").read_text())
    for _ in range(2):
        connection.request("GET", "/echo")
        assert json.loads(connection.getresponse().read())["peer"] == len(der)


def test_refuses_a_certificate_of_another_authority(running, tmp_path):
    other = config_for(tmp_path / "other")
    ensure(other)
    context = running.client_context()
    context.load_cert_chain(other.pki_dir / "admin.crt", other.pki_dir / "admin.key")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        running.get("/echo", context)


def test_refuses_old_tls(running):
    context = running.client_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        running.get("/echo", context)


def test_minimum_version_13_refuses_12(tmp_path):
    running = Running(config_for(tmp_path, "--tls-min-version=VersionTLS13"))
    context = running.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        running.get("/echo", context)
    assert running.get("/echo").status == 200
    running.stop()


def open_raw(running: Running, data: bytes) -> ssl.SSLSocket:
    """Send bytes as they are on a new connection."""
    raw = socket.create_connection(("127.0.0.1", running.port), timeout=10)
    tls = running.client_context().wrap_socket(raw, server_hostname="localhost")
    tls.sendall(data)
    return tls


def send_raw(running: Running, data: bytes) -> bytes:
    """Send bytes as they are; return the beginning of the answer."""
    with open_raw(running, data) as connection:
        return connection.recv(100)


def test_a_head_that_is_too_large_gets_431(running):
    filler = (b"x-filler: " + b"a" * 990 + b"\r\n") * (MAX_HEAD // 1000 + 10)
    assert send_raw(running, b"GET /echo HTTP/1.1\r\nhost: x\r\n" + filler).startswith(b"HTTP/1.1 431 ")


def test_nonsense_gets_400(running):
    assert send_raw(running, b"\x00\x01\x02 nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("body", [b"", b"12345"])
def test_a_connection_ends_when_the_rest_of_a_body_does_not_come(running, body):
    with open_raw(running, b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n" + body) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        while connection.recv(1000):
            pass


def test_a_connection_goes_on_when_the_rest_of_a_body_comes_late(running, monkeypatch):
    monkeypatch.setattr("kapi.server.protocol.UNREAD_SECONDS", 0.05)
    ended = threading.Event()
    monkeypatch.setattr(KapiProtocol, "_end_unread", lambda *args: (END_UNREAD(*args), ended.set()))
    with open_raw(running, b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n") as connection:
        received = connection.recv(1000)
        connection.sendall(b"1234567890")
        assert ended.wait(5)
        connection.sendall(b"GET /echo HTTP/1.1\r\nhost: x\r\n\r\n")
        while received.count(b"HTTP/1.1 200 ") < 2:
            received += connection.recv(1000) or pytest.fail("the connection has ended")


def test_stops_with_code_0_when_idle(running):
    running.get("/echo").read()
    assert running.stop() == 0
    assert running.fake.calls == ["start", "end_watches", "stop"]
    assert running.fake.lifecycle.drained.is_set()


def test_the_end_finishes_running_requests_and_watches(running):
    slow = running.connect()
    slow.request("GET", "/slow")
    assert running.fake.entered.wait(5)
    running.fake.entered.clear()
    watch = running.get("/watch")
    assert watch.readline() == b"begin\n"
    running.call(running.http.stop)
    assert watch.read() == b"end\n"
    assert not running.fake.lifecycle.drained.is_set()
    with pytest.raises((ConnectionError, ssl.SSLError)):
        running.get("/echo")
    running.call(running.fake.release.set)
    assert slow.getresponse().status == 200
    assert running.join() == 0
    assert running.fake.calls == ["start", "end_watches", "stop"]


def test_serves_on_while_the_delay_runs(tmp_path):
    running = Running(config_for(tmp_path, "--shutdown-delay-duration=300ms"))
    running.call(running.http.stop)
    assert running.get("/echo").status == 200
    assert running.fake.lifecycle.shutdown_initiated.is_set()
    assert not running.fake.lifecycle.not_accepting.is_set()
    assert running.join() == 0


def test_a_second_request_to_stop_is_quick(running):
    slow = running.connect()
    slow.request("GET", "/slow")
    assert running.fake.entered.wait(5)
    running.call(running.http.stop)
    running.call(running.http.stop)
    assert running.join() == 1
    assert "stop" in running.fake.calls


class FailingServer(FakeServer):
    async def start(self) -> None:
        raise OSError(28, "No space left on device", "/data/kapi.db")


def test_a_failing_start_stops_what_was_started_and_is_passed_on(config):
    running = Running(config, FailingServer)
    running.join()
    assert isinstance(running.error, OSError)
    assert running.fake.calls == ["stop"]


class HangingServer(FakeServer):
    async def start(self) -> None:
        self.entered.set()
        await asyncio.Event().wait()


async def serve(fake: FakeServer, config: CompletedConfig, meanwhile=lambda http: None) -> int:
    ensure(config)
    http = HTTPServer(fake, config)
    asyncio.get_running_loop().call_later(0.05, meanwhile, http)
    return await asyncio.wait_for(http.serve([bind(config)]), 5)


async def test_can_be_stopped_while_it_starts(config):
    fake = HangingServer()
    assert await serve(fake, config, lambda http: http.stop()) == 0
    assert fake.calls == ["end_watches", "stop"]


async def test_a_start_that_takes_too_long_is_given_up(tmp_path):
    fake = HangingServer()
    with pytest.raises(Unavailable, match="not ready after 0.1 s"):
        await serve(fake, config_for(tmp_path, "--storage-initialization-timeout=100ms"))
    assert fake.calls == ["stop"]


def test_a_port_in_use_is_told_in_a_line(config):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = config_for(config.data_dir, f"--secure-port={port}")
        with pytest.raises(BindError, match=f"^port {port} of 127.0.0.1 is in use: "):
            bind(other)


def test_an_address_of_another_machine_is_told(config):
    with pytest.raises(BindError, match="192.0.2.1 is not an address of this machine"):
        bind(config_for(config.data_dir, "--bind-address=192.0.2.1"))


def test_an_unreadable_certificate_is_told(tmp_path):
    config = config_for(tmp_path, "--tls-cert-file=/no/such.crt", "--tls-private-key-file=/no/such.key")
    with pytest.raises(TLSError, match="^cannot read /no/such.crt: No such file or directory$"):
        server_context(config)


def test_a_certificate_that_is_none_is_told(tmp_path):
    (tmp_path / "x.crt").write_text("nonsense")
    (tmp_path / "x.key").write_text("nonsense")
    config = config_for(tmp_path, f"--tls-cert-file={tmp_path}/x.crt", f"--tls-private-key-file={tmp_path}/x.key")
    with pytest.raises(TLSError, match="no usable certificate and key"):
        server_context(config)


def test_a_certificate_for_a_name_is_chosen_by_sni(running, tmp_path):
    other = config_for(tmp_path / "sni", "--external-hostname=kapi.example.com")
    ensure(other)
    pair = f"{other.pki_dir}/apiserver.crt,{other.pki_dir}/apiserver.key:kapi.example.com"
    named = Running(config_for(tmp_path / "main", f"--tls-sni-cert-key={pair}"))
    context = ssl.create_default_context(cafile=other.pki_dir / "ca.crt")
    with context.wrap_socket(
        socket.create_connection(("127.0.0.1", named.port)), server_hostname="kapi.example.com"
    ) as tls:
        assert ("DNS", "kapi.example.com") in tls.getpeercert()["subjectAltName"]
    assert named.get("/echo").status == 200
    named.stop()


def test_a_certificate_made_for_a_user_is_accepted(running, tmp_path):
    found = user_credentials(running.config, "https://x", "jane", ("dev",), timedelta(days=1))
    assert b'"jane"' in kubeconfig(found)
    (tmp_path / "jane.crt").write_bytes(found.certificate)
    (tmp_path / "jane.key").write_bytes(found.key)
    context = running.client_context()
    context.load_cert_chain(tmp_path / "jane.crt", tmp_path / "jane.key")
    assert json.loads(running.get("/echo", context).read())["peer"] > 0
