"""Several processes under gunicorn: the worker class, and the application that ``kapi serve --workers`` runs."""

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from kapi.server.accepting import SharedLoads, forget_loads
from kapi.server.assembly import START_ERRORS, Assembly, complaint
from kapi.server.cells import SharedCells, forget_workers
from kapi.server.serving import STOP_TIMEOUT, HTTPServer, loop_factory, settle

RETRY_SECONDS = 1.0
"""How long a worker that cannot take the place of another waits before the next is tried."""

WORKER_CLASS = "kapi.server.worker.KapiWorker"


class KapiWorker(UvicornWorker):  # type: ignore[misc]  # uvicorn-worker has no types
    """A gunicorn worker that serves what the application returns: an :class:`Assembly`.

    Everything is built after the fork: event loops, database connections and threads do not survive one.
    """

    kapi_number = 0
    """The worker's place among the workers, reused when one dies: its metrics go on."""

    def run(self) -> None:
        """Serve until told to stop."""
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                code = runner.run(self._serve())
        except START_ERRORS as ex:
            for line in complaint(ex):
                sys.stderr.write(f"kapi: {line}\n")
            code = self._not_started()
        sys.exit(code)

    def _not_started(self) -> int:
        """Return the exit code of a worker that could not start.

        One of the first ends the server, which says why. One that takes the place of another must not: the others may
        serve on while the store cannot be reached, say. It is tried again, after a pause.
        """
        if self.age <= self.cfg.workers:
            return int(Arbiter.WORKER_BOOT_ERROR)
        time.sleep(RETRY_SECONDS)
        return 1

    async def _serve(self) -> int:
        assembly: Assembly = self.wsgi
        cells = SharedCells(assembly.config.run_dir, self.kapi_number)
        loads = SharedLoads(assembly.config.run_dir, self.kapi_number)
        server = HTTPServer(
            assembly(cells), assembly.config, on_ready=settle, on_tick=lambda: self._tick(server), loads=loads
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, self._quit, server)
        return await server.serve([listener.sock for listener in self.sockets])

    def _tick(self, server: HTTPServer) -> None:
        """Tell the arbiter that all is well; end in order if it has died: nobody else would end an orphan."""
        self.notify()
        if os.getppid() != self.ppid and not server.stopping:
            server.stop()

    @staticmethod
    def _quit(server: HTTPServer) -> None:
        """Leave at once: gunicorn's quick shutdown."""
        server.stop()
        server.stop()


def number_worker(arbiter: Any, worker: Any) -> None:
    """Give a new worker the lowest number that no living one has (gunicorn's ``pre_fork``)."""
    taken = {other.kapi_number for other in arbiter.WORKERS.values() if other is not worker}
    worker.kapi_number = min(set(range(len(taken) + 1)) - taken)


def settings(assembly: Assembly) -> dict[str, Any]:
    """Return gunicorn's settings for a configuration, but for where it listens."""
    config = assembly.config
    return {
        "workers": config.workers,
        "worker_class": WORKER_CLASS,
        "preload_app": False,
        "pre_fork": number_worker,
        "timeout": 30,
        "graceful_timeout": int(config.shutdown_delay + config.request_timeout + 2 * STOP_TIMEOUT),
        "control_socket_disable": True,
        "loglevel": "info" if config.verbosity >= 4 else "warning",
        "proc_name": "kapi",
    }


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Runs an assembly on a bound socket."""

    def __init__(self, assembly: Assembly, bound: socket.socket) -> None:
        self._assembly = assembly
        self._bind = f"fd://{bound.fileno()}"
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up; again on SIGHUP, when it replaces the workers."""
        for name, value in settings(self._assembly).items():
            self.cfg.set(name, value)
        self.cfg.set("bind", self._bind)

    def load(self) -> Assembly:
        """Return what the workers serve."""
        return self._assembly


def forget_earlier_workers(folder: Path) -> None:
    """Remove what the workers of an earlier run have left, before the first one starts. Raises OSError."""
    forget_workers(folder)
    forget_loads(folder)


def run_workers(assembly: Assembly, bound: socket.socket) -> int:
    """Serve with several processes until told to stop; return the exit code."""
    forget_earlier_workers(assembly.config.run_dir)
    duplicate = bound.dup()  # gunicorn closes the number that it is given
    duplicate.set_inheritable(True)
    bound.close()
    application = _Application(assembly, duplicate)
    duplicate.detach()
    try:
        Arbiter(application).run()
    except SystemExit as ex:
        return int(ex.code or 0)
    return 0
