"""Real kapi servers for tests: over HTTPS, on a free port, in a process or in a thread, thrown away afterwards.

::

    with ServerProcess() as server:
        subprocess.run(["kubectl", f"--kubeconfig={server.kubeconfig}", "get", "namespaces"], check=True)

    with ServerThread("--storage-backend=memory", users={"jane": ["dev"]}) as server:
        client = make_client(server.url, ca=server.authority, token=server.tokens["jane"])

Both take the flags of ``kapi serve``. :mod:`kapi.testing.fixtures` has a pytest fixture.
"""

import asyncio
import csv
import json
import re
import secrets
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from kapi.server.assembly import Assembly
    from kapi.server.serving import HTTPServer

ADMIN = "admin"
"""The user whose token is :attr:`LocalServer.token`; of the group ``system:masters``, so that everything is allowed."""

_URL = re.compile(r"https://\S+")


class StartFailed(Exception):
    """The server did not start, or did not become ready in time; the message has what it said."""


class Answer(NamedTuple):
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> "object":
        """Return the body, parsed. Raises ValueError if it is no JSON."""
        return json.loads(self.body)


class LocalServer(ABC):
    """A server that has a folder, users with tokens, and a life: see :class:`ServerProcess`, :class:`ServerThread`.

    Usable as a context manager; or call :meth:`start` and :meth:`stop`, also more than once: the folder and with it
    the data stay until :meth:`remove` (or the end of the ``with``).
    """

    url: str
    """Where the server is, such as ``https://127.0.0.1:40123``; a new port after each start."""

    def __init__(
        self,
        *flags: str,
        folder: Path | None = None,
        users: Mapping[str, Sequence[str]] | None = None,
        patience: float = 30.0,
    ) -> None:
        """Prepare a server; nothing is started yet.

        ``flags`` are those of ``kapi serve`` and win over what this class sets. ``folder`` takes all that the server
        writes, and is kept; without it there is a temporary one. ``users`` are names and the groups that each is of:
        :attr:`tokens` has a token for each of them. ``patience`` is how many seconds start and stop may take.
        """
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="kapi-test-"))
        self.patience = patience
        self.tokens = {name: secrets.token_urlsafe(16) for name in (ADMIN, *(users or {}))}
        self._write_tokens({ADMIN: ["system:masters"], **(users or {})})
        own = (f"--data-dir={self.data_dir}", "--secure-port=0", f"--token-auth-file={self.folder / 'tokens.csv'}")
        self.flags = (*own, *flags)

    @property
    def data_dir(self) -> Path:
        """The server's ``--data-dir``."""
        return self.folder / "data"

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of the administrator, with a client certificate; written by the server."""
        return self.data_dir / "admin.kubeconfig"

    @property
    def authority(self) -> Path:
        """The certificate (PEM) that clients must trust."""
        return self.data_dir / "pki" / "ca.crt"

    @property
    def token(self) -> str:
        """The administrator's bearer token."""
        return self.tokens[ADMIN]

    def kubeconfig_of(self, user: str) -> Path:
        """Write a kubeconfig with the token of one of the users, and return its path."""
        path = self.folder / f"{user}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.authority)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "kapi", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "kapi", "context": {"cluster": "kapi", "user": user}}],
            "current-context": "kapi",
        }
        path.write_text(json.dumps(content, indent=1))
        return path

    def connect(self, timeout: float = 30.0) -> HTTPSConnection:
        """Return a connection, not yet open, that trusts the server; close it after use."""
        context = ssl.create_default_context(cafile=self.authority)
        return HTTPSConnection(urlsplit(self.url).netloc, context=context, timeout=timeout)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        user: str | None = ADMIN,
        timeout: float = 30.0,
    ) -> Answer:
        """Send one request and return the answer; ``user`` None is nobody.

        ``body`` is sent as it is if it is bytes, and as JSON otherwise. Raises OSError and HTTPException.
        """
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        head = {"Content-Type": "application/json"} if content is not None else {}
        head |= {"Authorization": f"Bearer {self.tokens[user]}"} if user else {}
        connection = self.connect(timeout)
        try:
            connection.request(method, path, content, {**head, **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    @abstractmethod
    def start(self) -> None:
        """Start, and return when ``/readyz`` says ok. Raises StartFailed."""

    @abstractmethod
    def stop(self) -> int:
        """Stop as SIGTERM does, wait for the end, and return the exit code; 0 if it had stopped before."""

    def remove(self) -> None:
        """Remove the folder, unless it was given."""
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        """Start."""
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop, and remove the folder."""
        try:
            self.stop()
        finally:
            self.remove()

    def _write_tokens(self, users: Mapping[str, Sequence[str]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "tokens.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerows([self.tokens[name], name, f"uid-{name}", ",".join(groups)] for name, groups in users.items())

    def _wait_until_ready(self, deadline: float) -> None:
        """Ask until ``/readyz`` says ok; a server that starts answers when it can, so this does not spin."""
        said = "nothing"
        while (left := deadline - time.monotonic()) > 0:
            try:
                answer = self.request("GET", "/readyz?verbose", timeout=left)
            except (OSError, HTTPException) as ex:
                said = str(ex)
            else:
                if answer.status == 200:
                    return
                said = answer.body.decode(errors="replace")
            if not self._alive():
                break
            time.sleep(0.005)
        raise StartFailed(f"not ready: {said}")

    @abstractmethod
    def _alive(self) -> bool:
        """Tell whether it runs."""


class ServerProcess(LocalServer):
    """``kapi serve`` in a process of its own: nothing of it is shared with the test."""

    process: "subprocess.Popen[str]"

    @property
    def log(self) -> Path:
        """What the server wrote to its error output, over all starts."""
        return self.folder / "log"

    def start(self) -> None:
        """Start the process, and return when ``/readyz`` says ok. Raises StartFailed."""
        deadline = time.monotonic() + self.patience
        command = [sys.executable, "-c", "from kapi.cli import main; main()", "serve", *self.flags]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )
        try:
            self.url = self._announced()
            self._wait_until_ready(deadline)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> int:
        """Send SIGTERM and return the exit code; kills what has not ended after ``patience`` seconds."""
        if self._alive():
            self.process.terminate()
        try:
            return self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self._close()

    def kill(self) -> None:
        """End the process at once (SIGKILL)."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        if self.process.stdout:
            self.process.stdout.close()

    def _announced(self) -> str:
        """Wait for the line that names the URL, and return that."""
        line = self.process.stdout.readline() if self.process.stdout else ""
        found = _URL.search(line)
        if not found:
            raise StartFailed(f"kapi serve did not start: {self.log.read_text(errors='replace').strip()}")
        return found[0]

    def _alive(self) -> bool:
        return self.process.poll() is None


class ServerThread(LocalServer):
    """A server in a thread of this process: starts faster, and can be stepped into with a debugger.

    A test that computes without a pause slows it down. ``--workers`` is of no effect.
    """

    _thread: threading.Thread
    _loop: asyncio.AbstractEventLoop
    _http: "HTTPServer | None"
    _error: Exception | None
    _code: int

    def start(self) -> None:
        """Start the thread, and return when ``/readyz`` says ok. Raises StartFailed."""
        deadline = time.monotonic() + self.patience
        self._code, self._error, self._http = 1, None, None
        self._reached = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kapi", daemon=True)
        self._thread.start()
        self._reached.wait(self.patience)
        if self._error is not None or not self._alive():
            raise StartFailed(f"kapi did not start: {self._error}") from self._error
        self._wait_until_ready(deadline)

    def stop(self) -> int:
        """Stop, wait for the end, and return the exit code. Raises TimeoutError after ``patience`` seconds."""
        if self._http is not None and self._alive():
            self._loop.call_soon_threadsafe(self._http.stop)
        self._thread.join(self.patience)
        if self._alive():
            raise TimeoutError(f"kapi has not stopped within {self.patience:g} s")
        return self._code

    def _alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        from kapi.server.assembly import START_ERRORS, assemble

        try:
            self._serve(assemble(self.flags))
        except START_ERRORS as ex:
            self._error = ex
        finally:
            self._reached.set()

    def _serve(self, assembly: "Assembly") -> None:
        from kapi.server.assembly import prepare
        from kapi.server.kubeconfig import server_url
        from kapi.server.listeners import bind
        from kapi.server.pki import write_admin_kubeconfig
        from kapi.server.serving import HTTPServer, loop_factory

        prepare(assembly)
        with bind(assembly.config) as bound:
            self.url = server_url(assembly.config.bind_address, bound.getsockname()[1])
            write_admin_kubeconfig(assembly.config, self.url)

            async def run() -> int:
                self._loop = asyncio.get_running_loop()
                self._http = HTTPServer(assembly(), assembly.config, on_ready=self._reached.set)
                return await self._http.serve([bound])

            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                self._code = runner.run(run())
