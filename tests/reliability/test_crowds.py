"""Many connections, and such as misbehave: the server goes on serving the others, and gives back what they took."""

import asyncio
import resource
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest
from raw_clients import head, next_name, plain, secure, watches
from server_processes import cpu_seconds, eventually, memory, one_client_for_each_process, sockets, workers

from kapi.testing.deployments import deployed
from kapi.testing.load import MAPS, Client, WatchClient, config_map, revision_of
from kapi.testing.server import ServerProcess

soak = pytest.mark.soak
OWN_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


@pytest.fixture(scope="module")
def server():
    with ServerProcess("--controllers=") as running:
        yield running


def version(server) -> int:
    return revision_of(server.request("GET", f"{MAPS}?limit=1").json())


def create(server, name: str, value: str = "v") -> None:
    assert server.request("POST", MAPS, config_map(name, value)).status == 201


def answers_soon(server) -> None:
    began = time.monotonic()
    assert server.request("GET", f"{MAPS}?limit=1").status == 200
    assert time.monotonic() - began < 2.0


@pytest.mark.parametrize("number", [100, pytest.param(2000, marks=soak)])
async def test_idle_watches_cost_little_and_are_told_at_once(number, record_property):
    with ServerProcess("--controllers=") as server:
        answers_soon(server)
        target = f"{MAPS}?watch=1&resourceVersion={version(server)}"
        before = memory(server.process.pid)
        async with watches(server, number, target) as readers:
            each = (memory(server.process.pid) - before) / number
            worked = cpu_seconds(server.process.pid)
            await asyncio.sleep(number / 400)
            idle = (cpu_seconds(server.process.pid) - worked) / (number / 400)
            began = time.monotonic()
            await asyncio.to_thread(create, server, "told")
            names = await asyncio.wait_for(asyncio.gather(*map(next_name, readers)), 30)
            took = time.monotonic() - began
        record_property("kB_cpu_seconds", (each / 1024, idle, took))
        print(f"{number} watches: {each / 1024:.0f} kB each, {idle:.1%} CPU when idle, {took:.3f} s to tell all")
        assert names == ["told"] * number
        assert each < 150_000
        assert idle < 0.1
        await asyncio.to_thread(eventually, lambda: len(sockets(server.process.pid)) < number)


def test_the_limit_of_open_files_is_raised(tmp_path):
    """As hard as it may be: a soft limit of 1024 is usual, and a thousand watches are not much."""
    program = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(7)[1]))"
    script = f"{program}; from kapi.server.open_files import allow_many_files as allow; allow(); " + (
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert int(found) == min(OWN_FILES, 1 << 20)


def test_a_server_raises_its_limit(server):
    assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0] == min(OWN_FILES, 1 << 20)


@pytest.mark.parametrize("number", [200, pytest.param(5000, marks=soak)])
def test_connections_come_and_go(server, number):
    before = len(sockets(server.process.pid))
    for count in range(number):
        kind = count % 4
        connection = plain(server) if kind < 2 else secure(server)
        if kind == 1:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # the beginning of a handshake
        elif kind == 3:
            connection.sendall(head(server)[:40])
        connection.close()
    answers_soon(server)
    eventually(lambda: len(sockets(server.process.pid)) <= before + 1)


def test_clients_that_dawdle_hold_nobody_up(server):
    with ExitStack() as stack:
        for _ in range(100):
            half_open = stack.enter_context(plain(server))
            half_open.sendall(b"\x16\x03\x01")
        for _ in range(50):
            slow = stack.enter_context(secure(server))
            slow.sendall(head(server)[:60])
        answers_soon(server)
        create(server, "meanwhile")


@soak
def test_clients_that_dawdle_are_closed(server):
    """A head may take half a minute, however slowly it comes, and a handshake a minute."""
    with plain(server) as half_open, secure(server) as slow:
        began = time.monotonic()
        text = iter(head(server))
        ends: dict[str, float] = {}
        half_open.setblocking(False)
        while len(ends) < 2 and time.monotonic() - began < 80:
            time.sleep(1)
            with suppress(BlockingIOError):
                if "half open" not in ends and not half_open.recv(1):
                    ends["half open"] = time.monotonic() - began
            try:
                slow.sendall(bytes([next(text)]))
            except (OSError, StopIteration):
                ends.setdefault("slow", time.monotonic() - began)
        print(ends)
        assert ends["slow"] < 40
        assert ends["half open"] < 70


@contextmanager
def no_more_files(pids):
    """Let processes open twenty more files for the block; they are used up by connections."""
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(sockets(pid)) + 20, limits[pid][1]))
    try:
        yield
    finally:
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits[pid])


def full(pid) -> bool:
    return len(sockets(pid)) >= resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] - 1


@pytest.mark.parametrize(
    ("backend", "number"),
    [("sqlite", 1), *(pytest.param(backend, 2, marks=soak) for backend in ("sqlite", "etcd3"))],
)
def test_running_out_of_files_is_survived(backend, number):
    """New connections wait; those that there are go on, over all workers; afterwards all is as before."""
    with deployed(backend, "--controllers=", workers=number) as deployment:
        server = deployment.server
        clients = one_client_for_each_process(deployment)
        for count, client in enumerate(clients):  # the first write of a process reads its tables of types
            assert client.request("POST", MAPS, config_map(f"first-{count}", "v")).status == 201
        watch = WatchClient(server, after=version(server), name="need")
        eventually(lambda: watch.connections)
        pids = workers(server) or [server.process.pid]
        with no_more_files(pids):
            with ExitStack() as stack:
                for _ in range(60 * number):
                    stack.enter_context(plain(server))
                eventually(lambda: all(map(full, pids)))
                worked = sum(map(cpu_seconds, pids))
                time.sleep(0.5)
                assert sum(map(cpu_seconds, pids)) - worked < 0.3
                for count in range(10):
                    reply = clients[count % number].request("POST", MAPS, config_map(f"need-{count}", "v"))
                    assert reply.status == 201
                    assert clients[-1].request("GET", f"{MAPS}/need-{count}").status == 200
                watch.wait(revision_of(reply.body))
                assert watch.connections == 1
            eventually(lambda: _answers(server))
        answers_soon(server)


def _answers(server) -> bool:
    try:
        return server.request("GET", f"{MAPS}/need-0", timeout=2.0).status == 200
    except OSError:
        return False


@soak
def test_watchers_that_read_nothing_are_cut_off():
    """They cost a bounded amount of memory, for a while; writers and other watchers do not notice."""
    with deployed("sqlite", "--controllers=") as deployment, ExitStack() as stack:
        server = deployment.server
        create(server, "changing")
        connections = [stack.enter_context(secure(server, receive_buffer=4096)) for _ in range(50)]
        for connection in connections:
            connection.sendall(head(server))
        eventually(lambda: len(sockets(server.process.pid)) > 50)
        client, before, most = Client(server), memory(server.process.pid), 0
        for number in range(9000):
            reply = client.request("PUT", f"{MAPS}/changing", config_map("changing", f"{number}." + "x" * 8000))
            assert reply.status == 200
            most = max(most, memory(server.process.pid) - before)
        print(f"{most / 1e6:.0f} MB more at most")
        assert most < 300e6
        eventually(lambda: len(sockets(server.process.pid)) < 40, 60)
        answers_soon(server)
