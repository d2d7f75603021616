"""A stand-in for the API server, and a runner that serves it over a real socket."""

import asyncio
import http.client
import json
import ssl
import threading
from pathlib import Path

from kapi.config.completed import CompletedConfig, Installed, complete
from kapi.config.flags import core_table
from kapi.config.parse import parse_flags
from kapi.server.lifecycle import Lifecycle
from kapi.server.listeners import bind
from kapi.server.pki import ensure
from kapi.server.serving import HTTPServer

INSTALLED = Installed(["sqlite", "memory"], ["RBAC", "AlwaysAllow"], ["NamespaceLifecycle"], ["namespace"])


def config_for(data_dir: Path, *flags: str) -> CompletedConfig:
    options, _ = parse_flags([f"--data-dir={data_dir}", "--secure-port=0", *flags], core_table())
    return complete(options, INSTALLED)


class FakeServer:
    """Answers /echo at once, /slow when released, /watch until watches end."""

    def __init__(self) -> None:
        self.lifecycle = Lifecycle()
        self.calls: list[str] = []
        self.watches_end = asyncio.Event()
        self.release = asyncio.Event()
        self.entered = threading.Event()

    async def start(self) -> None:
        self.calls.append("start")

    def end_watches(self) -> None:
        self.calls.append("end_watches")
        self.watches_end.set()

    async def stop(self) -> None:
        self.calls.append("stop")

    async def app(self, scope, receive, send) -> None:
        path = scope["path"]
        if path == "/slow":
            self.entered.set()
            await self.release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        if path == "/watch":
            await send({"type": "http.response.body", "body": b"begin\n", "more_body": True})
            self.entered.set()
            await self.watches_end.wait()
            await send({"type": "http.response.body", "body": b"end\n"})
            return
        tls = scope.get("extensions", {}).get("tls", {})
        body = {"peer": len(tls.get("client_cert_der") or b""), "http": scope["http_version"]}
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


class Running:
    """An HTTPServer in a thread of its own."""

    def __init__(self, config: CompletedConfig, server_class: type[FakeServer] = FakeServer) -> None:
        ensure(config)
        self.config = config
        self.socket = bind(config)
        self.port = self.socket.getsockname()[1]
        self.code: int | None = None
        self.error: BaseException | None = None
        self._server_class = server_class
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as ex:
            self.error = ex
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.fake = self._server_class()
        self.http = HTTPServer(self.fake, self.config, on_ready=self._ready.set)
        self.code = await self.http.serve([self.socket])

    def call(self, function) -> None:
        self.loop.call_soon_threadsafe(function)

    def stop(self) -> int | None:
        if self._thread.is_alive():
            self.call(self.http.stop)
        return self.join()

    def join(self) -> int | None:
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.code

    def client_context(self, *, with_certificate: bool = False) -> ssl.SSLContext:
        pki = self.config.pki_dir
        context = ssl.create_default_context(cafile=self.config.pki_dir / "ca.crt")
        if with_certificate:
            context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        return context

    def connect(self, context: ssl.SSLContext | None = None) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context or self.client_context(), timeout=10)

    def get(self, path: str, context: ssl.SSLContext | None = None) -> http.client.HTTPResponse:
        connection = self.connect(context)
        connection.request("GET", path)
        return connection.getresponse()
