"""Serves an API server over HTTPS in this process, from start to clean end."""

import asyncio
import gc
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any, Protocol

from kapi.config.completed import CompletedConfig
from kapi.contracts.server import ASGIApp
from kapi.contracts.storage import Unavailable
from kapi.server.accepting import BalancedListener, SharedLoads
from kapi.server.lifecycle import Lifecycle
from kapi.server.protocol import Connections, KapiProtocol
from kapi.server.tls import server_context

IDLE_TIMEOUT = 90
"""Seconds after which an idle connection is closed."""

HEAD_TIMEOUT = 32.0
"""Seconds that a client may take to send the head of a request."""

STOP_TIMEOUT = 10.0
"""Seconds that parts of the server may take to stop, beyond the time that requests have."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_log = logging.getLogger(__name__)


class Servable(Protocol):
    """What is served: :class:`kapi.server.apiserver.APIServer`.

    ``end_watches`` ends all watches cleanly, and those that begin later at once. ``stop`` is called when no request is
    under way any more, also after a ``start`` that failed or was cancelled.
    """

    @property
    def app(self) -> ASGIApp:
        """Answers requests (ASGI scopes of the type http)."""

    @property
    def lifecycle(self) -> Lifecycle:
        """The events that tell how far the server is; set by who serves it."""

    async def start(self) -> None:
        """Return when requests can be served."""

    def end_watches(self) -> None:
        """End all watches."""

    async def stop(self) -> None:
        """Stop hooks and storage."""


class Listening(Protocol):
    """Something that accepts connections."""

    def close(self) -> None:
        """Accept no more."""


class HTTPServer:
    """Listens, hands connections to :class:`KapiProtocol`, and ends in order when told to."""

    def __init__(
        self,
        server: Servable,
        config: CompletedConfig,
        *,
        on_ready: Callable[[], None] | None = None,
        on_tick: Callable[[], None] | None = None,
        loads: SharedLoads | None = None,
    ) -> None:
        """Take what to serve; ``on_ready`` is called once it can be reached, ``on_tick`` about every second.

        With ``loads`` connections are shared out among those who listen on the same sockets.
        """
        self._server = server
        self._config = config
        self._on_ready = on_ready
        self._on_tick = on_tick
        self._connections = Connections(server.app, asyncio.get_running_loop())
        self._loads = loads
        self._balanced: list[BalancedListener] = []
        self._asked_to_stop = asyncio.Event()
        self._forced = asyncio.Event()

    @property
    def stopping(self) -> bool:
        """Whether the end has begun."""
        return self._asked_to_stop.is_set()

    def stop(self) -> None:
        """Begin the end; a second call hurries it."""
        (self._forced if self._asked_to_stop.is_set() else self._asked_to_stop).set()

    async def serve(self, sockets: Sequence[socket.socket]) -> int:
        """Serve on bound sockets until a signal or :meth:`stop`; return the exit code: 0, or 1 when hurried.

        Raises what the server's ``start`` raises, Unavailable when it takes too long, and TLSError.
        """
        self._install_signal_handlers()
        ticking = asyncio.create_task(self._tick())
        try:
            context = server_context(self._config)
            listening = await self._begin(sockets, context)
            if listening:
                await self._asked_to_stop.wait()
            return await self._hurried_or_done(asyncio.create_task(self._end(listening)))
        finally:
            ticking.cancel()

    async def _begin(self, sockets: Sequence[socket.socket], context: Any) -> list[Listening]:
        """Start the server and listen; return nothing if the end was asked for meanwhile."""
        try:
            started = await self._start()
        except BaseException:
            await self._server.stop()
            raise
        if not started:
            return []
        listening = await self._listen(sockets, context)
        self._server.lifecycle.started.set()
        if self._on_ready:
            self._on_ready()
        return listening

    async def _start(self) -> bool:
        """Start the server; return False if the end was asked for meanwhile. Raises Unavailable after too long."""
        start = asyncio.create_task(self._server.start())
        asked = asyncio.create_task(self._asked_to_stop.wait())
        patience = self._config.storage_timeout
        await asyncio.wait((start, asked), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if start.done():
            start.result()
            return True
        start.cancel()
        await asyncio.wait((start,))
        if not self._asked_to_stop.is_set():
            raise Unavailable(f"not ready after {patience:g} s (--storage-initialization-timeout)")
        return False

    async def _listen(self, sockets: Sequence[socket.socket], context: Any) -> list[Listening]:
        loop = asyncio.get_running_loop()
        shared = self._connections

        def connection() -> KapiProtocol:
            return KapiProtocol(shared)

        if self._loads is None:
            return [await loop.create_server(connection, sock=item, ssl=context, backlog=2048) for item in sockets]
        self._balanced = [BalancedListener(item, connection, context, self._loads) for item in sockets]
        for listener in self._balanced:
            listener.start()
        return [*self._balanced]

    async def _end(self, listening: Sequence[Listening]) -> None:
        """Go through the end in order; requests have their timeout to finish."""
        lifecycle = self._server.lifecycle
        lifecycle.shutdown_initiated.set()
        _log.info("shutting down")
        if listening and self._config.shutdown_delay:
            await asyncio.sleep(self._config.shutdown_delay)
        for item in listening:
            item.close()
        lifecycle.not_accepting.set()
        self._server.end_watches()
        for connection in list(self._connections.open):
            connection.shut_down()
        await self._drain(self._config.request_timeout + STOP_TIMEOUT)
        lifecycle.drained.set()
        await self._server.stop()

    async def _drain(self, seconds: float) -> None:
        """Wait until every request has been answered and its answer sent; cancel what is left after ``seconds``."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self._connections.tasks and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(set(self._connections.tasks), timeout=left)
        for task in list(self._connections.tasks):
            task.cancel("the server has stopped")
        await self._close_connections()

    async def _close_connections(self) -> None:
        """Let what has been answered reach the clients; do not wait for those that only stay connected."""
        for _ in range(100):
            await asyncio.sleep(0.02)
            if not any(item.transport.get_write_buffer_size() for item in self._connections.open):
                break
        for connection in list(self._connections.open):
            connection.transport.abort()

    async def _hurried_or_done(self, end: "asyncio.Task[None]") -> int:
        forced = asyncio.create_task(self._forced.wait())
        await asyncio.wait((end, forced), return_when=asyncio.FIRST_COMPLETED)
        forced.cancel()
        if end.done():
            end.result()
            return 0
        _log.warning("asked to stop twice: requests under way are abandoned")
        end.cancel()
        await asyncio.wait((end, asyncio.create_task(self._server.stop())), timeout=2)
        return 1

    async def _tick(self) -> None:
        """Keep the Date header current, and close connections that dawdle over a request's head."""
        shared = self._connections
        while True:
            shared.date = b"date: %b\r\n" % formatdate(time.time(), usegmt=True).encode()
            shared.now = shared.loop.time()
            for connection in list(shared.open):
                if 0 < connection.head_since < shared.now - HEAD_TIMEOUT:
                    connection.transport.abort()  # an orderly end of TLS would wait for the client once more
                elif 0 < connection.idle_since < shared.now - IDLE_TIMEOUT:
                    connection.transport.close()
            for listener in self._balanced:
                listener.beat()
            if self._on_tick:
                self._on_tick()
            await asyncio.sleep(1)

    def _install_signal_handlers(self) -> None:
        """Stop on SIGTERM and SIGINT."""
        if threading.current_thread() is not threading.main_thread():
            return  # as in tests: somebody calls stop()
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            try:
                loop.add_signal_handler(number, self.stop)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self.stop))


def run(server: Servable, config: CompletedConfig, sockets: Sequence[socket.socket], **hooks: Any) -> int:
    """Serve on an event loop of its own until told to stop; return the exit code. Raises what ``serve`` raises."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(server, config, sockets, hooks))


async def _serve(server: Servable, config: CompletedConfig, sockets: Sequence[socket.socket], hooks: Any) -> int:
    return await HTTPServer(server, config, **hooks).serve(sockets)


def settle() -> None:
    """Tune the garbage collector for a long life: what the start has made stays, and need not be looked at again."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory where there is uvloop, else None (the standard loop)."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
