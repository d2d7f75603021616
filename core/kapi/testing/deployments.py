"""Several kapi servers on one store, as real processes.

::

    with deployed("etcd3", processes=2) as deployment:
        first, second = deployment.servers
        first.kill()
        first.start()
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kapi.testing.etcd import EtcdServer
from kapi.testing.server import ServerProcess


class Replica(ServerProcess):
    """One of several processes that keep their data in one folder."""

    def __init__(self, *flags: str, shared: Path) -> None:
        """Take further flags, and the data folder that all of them use."""
        self._shared = shared
        super().__init__(*flags)

    @property
    def data_dir(self) -> Path:
        """The folder that all replicas share."""
        return self._shared


@dataclass(frozen=True)
class Deployment:
    """Servers that run, and the etcd that they use, if any."""

    servers: Sequence[ServerProcess]
    etcd: EtcdServer | None

    @property
    def server(self) -> ServerProcess:
        """The first server."""
        return self.servers[0]


@contextmanager
def deployed(
    backend: Literal["sqlite", "etcd3"], *flags: str, processes: int = 1, workers: int = 1
) -> Iterator[Deployment]:
    """Run so many ``kapi serve``, each with so many workers, on one SQLite file or one etcd; all ends with the block.

    ``flags`` are further ones of ``kapi serve``. Raises StartFailed, EtcdMissing, EtcdFailed.
    """
    with ExitStack() as stack:
        etcd = stack.enter_context(EtcdServer()) if backend == "etcd3" else None
        own = [f"--storage-backend={backend}", f"--workers={workers}"]
        own += [f"--etcd-servers={etcd.url}"] if etcd else []
        first = stack.enter_context(ServerProcess(*own, *flags))
        others = [stack.enter_context(Replica(*own, *flags, shared=first.data_dir)) for _ in range(processes - 1)]
        yield Deployment([first, *others], etcd)
