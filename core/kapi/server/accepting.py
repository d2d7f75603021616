"""How the workers of a server share its connections out.

All workers listen on one socket. Whoever wakes up first would accept all that wait there, and one worker would have all
the work of a client with sixteen connections. So every worker tells the others how many connections it has, and
accepts one at a time; one that has more than the least busy worker holds back for a moment and lets that one have it.
A worker that is dead, stopped or busy is not waited for again for some time, unless it says something new.
"""

import asyncio
import logging
import mmap
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from kapi.server.protocol import KapiProtocol

HOLD = 0.001
"""Seconds that a worker holds back before it looks again."""
MOST_HOLDS = 20
"""How often it looks before it accepts all the same."""
PATIENCE_PAUSE = 0.1
"""Seconds for which a worker that has been waited for in vain is not waited for again."""
SILENT = 3.0
"""Seconds after which a worker that has not been heard of is not waited for."""
MOST_WORKERS = 1024
_ERROR_PAUSE = 1.0
_FILE = "connections"
_log = logging.getLogger("kapi.server")


class Load(NamedTuple):
    """What a worker says of itself: its connections, and when (``time.monotonic()``; 0: it does not accept)."""

    connections: float
    at: float


class SharedLoads:
    """The loads of all workers, in a file that each of them maps, at the place of its number."""

    def __init__(self, folder: Path, number: int) -> None:
        """Open or make the file. Raises OSError."""
        path = folder / _FILE
        size = MOST_WORKERS * 16
        with path.open("ab") as file:
            file.truncate(size)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)
        self._cells = memoryview(self._map).cast("d")
        self._own = number % MOST_WORKERS
        self._others = [place for place in range(MOST_WORKERS) if place != self._own]

    def tell(self, connections: int) -> None:
        """Say how many connections this worker has."""
        self._cells[2 * self._own] = connections
        self._cells[2 * self._own + 1] = time.monotonic()

    def leave(self) -> None:
        """Say that this worker accepts no more."""
        self._cells[2 * self._own + 1] = 0.0

    def others(self) -> list[Load]:
        """Return what the others have said lately."""
        cells, oldest = self._cells, time.monotonic() - SILENT
        found = []
        for place in self._others:
            if cells[2 * place + 1] > oldest:
                found.append(Load(cells[2 * place], cells[2 * place + 1]))
            elif not cells[2 * place + 1] and place > self._own:
                break  # numbers are given from below: nobody has ever been there
        return found

    def close(self) -> None:
        """Close the file."""
        self._cells.release()
        self._map.close()


def forget_loads(folder: Path) -> None:
    """Remove what an earlier run has left, before any worker starts. Raises OSError."""
    (folder / _FILE).unlink(missing_ok=True)


class BalancedListener:
    """Accepts the connections of one socket in turns with other workers. It belongs to the event loop's thread."""

    def __init__(
        self, sock: socket.socket, connection: Callable[[], KapiProtocol], context: Any, loads: SharedLoads
    ) -> None:
        """Take a listening socket, what makes a connection's protocol, the TLS context, and where loads are told."""
        self._socket = sock
        self._connection = connection
        self._context = context
        self._loads = loads
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._holds = 0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = select.poll()
        self._waiting.register(sock, select.POLLIN)
        self._in_vain: frozenset[Load] = frozenset()
        self._in_vain_until = 0.0
        self._beginning: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self) -> None:
        """Begin to accept."""
        self._socket.setblocking(False)
        self.beat()
        self._loop.add_reader(self._socket, self._readable)

    def beat(self) -> None:
        """Say that this worker is alive; called about every second."""
        if not self._closed:
            self._loads.tell(self._count)

    def close(self) -> None:
        """Accept no more; the socket is closed."""
        self._closed = True
        self._loads.leave()
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        """Accept a connection, unless it is another's turn."""
        if self._less_busy() - self._given_up():
            self._holds = 0
            self._pause(HOLD, self._look_again)
        else:
            self._accept()

    def _look_again(self) -> None:
        """Accept the connection after all if it is still there and those whose turn it is do not come."""
        self._holds += 1
        if self._waiting.poll(0):
            less_busy = self._less_busy()
            if less_busy - self._given_up() and self._holds < MOST_HOLDS:
                self._timer = self._loop.call_later(HOLD, self._look_again)
                return
            self._in_vain, self._in_vain_until = less_busy, self._loop.time() + PATIENCE_PAUSE
            if not self._accept():
                return
        self._go_on()

    def _less_busy(self) -> frozenset[Load]:
        """Return what the workers say that have fewer connections."""
        count = self._count
        return frozenset(load for load in self._loads.others() if load.connections < count)

    def _given_up(self) -> frozenset[Load]:
        """Return what those have said last that were waited for in vain a moment ago."""
        return self._in_vain if self._loop.time() < self._in_vain_until else frozenset()

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._socket)
        self._timer = self._loop.call_later(seconds, then)

    def _go_on(self) -> None:
        self._timer = None
        self._loop.add_reader(self._socket, self._readable)

    def _accept(self) -> bool:
        """Accept a connection if one is there; return False after an error, when accepting rests."""
        try:
            accepted, _ = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return True
        except OSError as error:  # too many open files, say: it would be readable again at once
            _log.error("cannot accept connections: %s", error)
            self._pause(_ERROR_PAUSE, self._go_on)
            return False
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._changed(1)
        task = self._loop.create_task(self._begin(accepted))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)
        return True

    async def _begin(self, accepted: socket.socket) -> None:
        """Shake hands; a client that cannot is forgotten."""
        ended = False

        def lost() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self._changed(-1)

        def connection() -> KapiProtocol:
            protocol = self._connection()
            protocol.on_lost = lost
            return protocol

        try:
            await self._loop.connect_accepted_socket(connection, accepted, ssl=self._context)
        except OSError as error:
            _log.debug("a connection has not come about: %s", error)
            lost()
        except BaseException:
            lost()
            raise

    def _changed(self, by: int) -> None:
        self._count += by
        self.beat()
