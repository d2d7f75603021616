"""kapi as an ASGI application, for any ASGI server and for tests; TLS and sockets are then that server's."""

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kapi.contracts.server import Receive, Scope, Send
from kapi.server.assembly import Assembly, assemble, prepare

if TYPE_CHECKING:
    from kapi.server.serving import Servable

FLAGS_VARIABLE = "KAPI_FLAGS"
"""The environment variable with the flags of ``kapi serve``, for servers that have a command line of their own."""


class LifespanApp:
    """Starts and stops an API server by the lifespan messages of the ASGI server, and passes requests on."""

    def __init__(self, server: "Servable") -> None:
        """Take the server, not started."""
        self._server = server
        self._app = server.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope; only ``http`` and ``lifespan`` are known."""
        if scope["type"] == "http":
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._server.start()
        self._server.lifecycle.started.set()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        lifecycle = self._server.lifecycle
        lifecycle.shutdown_initiated.set()
        lifecycle.not_accepting.set()
        self._server.end_watches()
        lifecycle.drained.set()
        await self._server.stop()
        await send({"type": "lifespan.shutdown.complete"})


def flags_from_environment() -> list[str]:
    """Return the flags in ``KAPI_FLAGS``, split as a shell does."""
    return shlex.split(os.environ.get(FLAGS_VARIABLE, ""))


def assembly_from_environment() -> Assembly:
    """Return the assembly that ``KAPI_FLAGS`` describes (what gunicorn loads in each worker)."""
    return assemble(flags_from_environment())


def create_app(argv: Sequence[str] | None = None) -> LifespanApp:
    """Return kapi as an ASGI application, for flags or for ``KAPI_FLAGS``. Raises START_ERRORS.

    ``uvicorn --factory kapi.server.asgi:create_app`` runs it, without TLS and without client certificates.
    """
    assembly = assemble(flags_from_environment() if argv is None else argv)
    prepare(assembly)
    return LifespanApp(assembly())
