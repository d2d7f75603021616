"""The processes of a real server: its workers, who of them has a connection, and what they take."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from kapi.testing.deployments import Deployment
from kapi.testing.load import MAPS, Client
from kapi.testing.server import ServerProcess

TICKS = os.sysconf("SC_CLK_TCK")


def workers(server: ServerProcess) -> list[int]:
    """Return the pids of the workers that run, oldest first."""
    pid = server.process.pid
    children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return [child for child in children if alive(child)]


def processes(server: ServerProcess) -> list[int]:
    """Return the pids of the server and its workers."""
    return [server.process.pid, *workers(server)]


def kill_all(server: ServerProcess) -> None:
    """End the server and all its workers at once."""
    pids = processes(server)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    server.kill()
    eventually(lambda: not any(alive(pid) for pid in pids))


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and is not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """Freeze a process for the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGCONT)


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Return when a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)


def owner(server: ServerProcess, port: int) -> int | None:
    """Return the pid of the process that has the server's end of a connection from a local port, if one has it."""
    inode = _inode(urlsplit(server.url).port or 0, port)
    return next((pid for pid in processes(server) if f"socket:[{inode}]" in sockets(pid)), None)


def _inode(local: int, remote: int) -> str:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == local and int(fields[2].split(":")[1], 16) == remote:
            return fields[9]
    return ""


def sockets(pid: int) -> list[str]:
    """Return the names of the open files of a process."""
    found = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(str(path.readlink()))
        except OSError:
            continue
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has taken, its own and the system's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def one_client_for_each_process(deployment: Deployment) -> list[Client]:
    """Return clients whose connections are with different processes."""
    found: dict[int, Client] = {}
    for server in deployment.servers:
        deadline = time.monotonic() + 30
        while not set(workers(server) or [server.process.pid]) <= found.keys():
            assert time.monotonic() < deadline, f"{found.keys()} of {workers(server)}: {server.log.read_text()}"
            client = Client(server)
            client.request("GET", f"{MAPS}?limit=1")
            found.setdefault(owner(server, client.port) or 0, client)
    return [client for pid, client in found.items() if alive(pid)]
