"""How workers share connections out: two real processes, one of which is killed or stopped."""

import os
import signal
import socket
import ssl
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kapi.server import accepting
from kapi.server.accepting import SharedLoads, forget_loads
from kapi.testing.server import ServerProcess

MANY = 16


def awaited(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    """Return when something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


class Cluster:
    """A server with two workers, and connections to it."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.open: list[ssl.SSLSocket] = []
        self.context = ssl.create_default_context(cafile=server.authority)

    def connect(self, count: int) -> None:
        """Open connections that have been served once."""
        port = int(self.server.url.rpartition(":")[2])
        for _ in range(count):
            raw = socket.create_connection(("127.0.0.1", port), timeout=10)
            tls = self.context.wrap_socket(raw, server_hostname="localhost")
            tls.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
            assert tls.recv(1000).startswith(b"HTTP/1.1 200 ")
            self.open.append(tls)

    def close(self) -> None:
        for tls in self.open:
            tls.close()
        self.open.clear()
        awaited(lambda: sum(self.loads()) == 0)

    def told(self) -> list[tuple[float, float]]:
        """Return what the two workers have said: connections and when."""
        data = (self.server.data_dir / "run" / "connections").read_bytes()
        return list(struct.iter_unpack("dd", data[:32]))

    def loads(self) -> list[float]:
        return [connections for connections, _ in self.told()]

    def workers(self) -> list[int]:
        pid = self.server.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture(scope="module")
def running():
    with ServerProcess("--workers=2", "--controllers=") as server:
        yield server


@pytest.fixture
def cluster(running):
    cluster = Cluster(running)
    awaited(lambda: all(at for _, at in cluster.told()))
    cluster.close()
    yield cluster
    cluster.close()


def shared_evenly(cluster: Cluster) -> bool:
    """Connect until both workers have their share: one that gets no CPU for a while is not waited for."""
    for _ in range(5):
        cluster.close()
        cluster.connect(MANY)
        loads = cluster.loads()
        if max(loads) - min(loads) <= 2:
            return sum(loads) == MANY
    return False


def test_two_workers_share_connections_evenly(cluster):
    assert shared_evenly(cluster)


def test_all_connections_are_served_while_a_worker_is_stopped(cluster):
    workers = cluster.workers()
    os.kill(workers[0], signal.SIGSTOP)
    try:
        begun = time.monotonic()
        cluster.connect(MANY)
        assert time.monotonic() - begun < 5
        assert sorted(cluster.loads()) == [0, MANY]
    finally:
        os.kill(workers[0], signal.SIGCONT)


def test_the_successor_of_a_killed_worker_gets_its_share(cluster):
    assert shared_evenly(cluster)
    os.kill(cluster.workers()[0], signal.SIGKILL)
    awaited(lambda: min(cluster.loads()) == 0)
    assert shared_evenly(cluster)


def test_a_worker_tells_the_others_and_leaves(tmp_path):
    first, second = SharedLoads(tmp_path, 0), SharedLoads(tmp_path, 1)
    first.tell(3)
    second.tell(5)
    assert [load.connections for load in first.others()] == [5]
    assert [load.connections for load in second.others()] == [3]
    second.leave()
    assert first.others() == []
    forget_loads(tmp_path)
    assert SharedLoads(tmp_path, 2).others() == []


def test_who_has_not_been_heard_of_is_not_waited_for(tmp_path, monkeypatch):
    first, second = SharedLoads(tmp_path, 0), SharedLoads(tmp_path, 1)
    second.tell(0)
    assert first.others()
    monkeypatch.setattr(accepting, "SILENT", -1.0)
    assert first.others() == []
