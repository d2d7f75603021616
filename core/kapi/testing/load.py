"""Clients that work on the same objects at once, over HTTP, and note what they did and saw.

::

    with deployed("sqlite", workers=2) as deployment:
        load = Load(deployment.servers, clients=8)
        watching = WatchClient(deployment.server, after=load.begin)
        load.start()
        load.wait(500)
        deployment.server.kill()
        deployment.server.start()
        load.wait(500)
        end = load.finish()
        history = load.check(deployment.server)
        watching.check(history, end)

The objects are ConfigMaps. What a client writes has a value of its own; every other value has the label ``half=1``, for
watches with a selector. Clients go on when the server dies, at the URL that it then has.
"""

import json
import random
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kapi.testing.histories import Kind, Operation, Outcome, check_linearizable, check_revisions
from kapi.testing.server import LocalServer
from kapi.testing.watch_histories import (
    SeenEvent,
    SeenList,
    StoredChange,
    check_fresh,
    check_history,
    check_list,
    check_watch,
)

MAPS = "/api/v1/namespaces/default/configmaps"
PATIENCE = 60.0
"""Seconds that waiting may take before the test fails."""

_BROKEN = (OSError, HTTPException)
_PAUSE = 0.02


class NotSent(Exception):
    """The server could not be reached: the request has certainly had no effect."""


class Unexpected(AssertionError):
    """An answer that no client should get here."""


class Reply(NamedTuple):
    """What the server answered."""

    status: int
    body: Any


class Client:
    """One connection to one server, opened anew when it breaks."""

    def __init__(self, server: LocalServer, timeout: float = 30.0) -> None:
        """Take a server that has been started once."""
        self.server = server
        self._context = ssl.create_default_context(cafile=server.authority)
        self._timeout = timeout
        self._connection: HTTPConnection | None = None

    def open(self) -> HTTPConnection:
        """Return the connection, open. Raises NotSent."""
        if self._connection is None:
            address = urlsplit(self.server.url).netloc
            connection = HTTPSConnection(address, context=self._context, timeout=self._timeout)
            try:
                connection.connect()
            except _BROKEN as error:
                raise NotSent(str(error)) from error
            self._connection = connection
        return self._connection

    @property
    def port(self) -> int:
        """The client's port of the connection; 0 if there is none."""
        sock = self._connection.sock if self._connection else None
        return int(sock.getsockname()[1]) if sock else 0

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, method: str, path: str, body: object = None) -> Any:
        """Send a request and return the answer, not yet read (http.client's).

        Raises NotSent, OSError, HTTPException.
        """
        connection = self.open()
        head = {"Authorization": f"Bearer {self.server.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), head)
            return connection.getresponse()
        except _BROKEN:
            self.close()
            raise

    def request(self, method: str, path: str, body: object = None) -> Reply:
        """Send a request and return the answer, parsed. Raises NotSent, OSError, HTTPException."""
        answer = self.send(method, path, body)
        try:
            content = answer.read()
        except _BROKEN:
            self.close()
            raise
        if answer.will_close:
            self.close()
        return Reply(answer.status, json.loads(content) if content else None)


def half(value: str) -> str:
    """Return the label ``half`` of an object with this value."""
    return value[-1:] if value[-1:] in "01" else "0"


def config_map(name: str, value: str, revision: int = 0) -> dict[str, Any]:
    """Return an object that holds a value."""
    metadata = {"name": name, "labels": {"half": half(value)}}
    metadata |= {"resourceVersion": str(revision)} if revision else {}
    return {"metadata": metadata, "data": {"value": value}}


def revision_of(obj: Any) -> int:
    """Return the resourceVersion of an object or list as a number."""
    return int(obj["metadata"]["resourceVersion"])


_REFUSALS: dict[tuple[int, str], Outcome] = {
    (404, "NotFound"): "missing",
    (409, "AlreadyExists"): "exists",
    (409, "Conflict"): "conflict",
}


class LoadClient:
    """One of the clients of a :class:`Load`; runs in a thread of its own."""

    def __init__(self, load: "Load", number: int, server: LocalServer) -> None:
        """Take whose client this is, its number, and the server that it talks to."""
        self.load = load
        self.number = number
        self.client = Client(server)
        self.random = random.Random(f"{load.seed}-{number}")
        self.known: dict[str, int] = {}
        self.values = (f"c{number}.{step}.{step % 2}" for step in count())
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name=f"client-{number}", daemon=True)

    def _run(self) -> None:
        try:
            while not self.load.enough.is_set():
                try:
                    self._step()
                except NotSent:
                    time.sleep(_PAUSE)
        except BaseException as error:  # shown by Load, in the thread of the test
            self.error = error
        finally:
            self.client.close()

    def _step(self) -> None:
        key = self.random.choice(self.load.keys)
        chance = self.random.random()
        if chance < 0.1:
            self._list()
        elif chance < 0.25:
            self._call("create", key, value=next(self.values))
        elif chance < 0.35:
            self._call("delete", key, expected=self.known.get(key, 0))
        else:
            if chance < 0.85:
                self._call("get", key)
            self._call("update", key, value=next(self.values), expected=self.known.get(key, 0))

    def _call(self, kind: Kind, key: str, value: str | None = None, expected: int = 0) -> None:
        """Do one operation and note it, unless it has certainly had no effect."""
        called = time.monotonic()
        try:
            reply = self._send(kind, key, value, expected)
        except _BROKEN:
            outcome: Outcome | None = None if kind == "get" else "unknown"
            reply = Reply(0, None)
        else:
            outcome = self._outcome(reply)
        returned = time.monotonic()
        if outcome is None:
            return
        revision = self._learn(kind, key, outcome, reply.body)
        if kind == "get" and outcome == "ok":
            value = reply.body["data"]["value"]
        end = {} if outcome == "unknown" else {"returned": returned}
        operation = Operation(self.number, key, kind, value, expected, outcome, revision, called, **end)
        self.load.operations.append(operation)

    def _send(self, kind: Kind, key: str, value: str | None, expected: int) -> Reply:
        request, path = self.client.request, f"{self.load.path}/{key}"
        match kind:
            case "create":
                return request("POST", self.load.path, config_map(key, value or ""))
            case "update":
                return request("PUT", path, config_map(key, value or "", expected))
            case "delete":
                conditions = {"preconditions": {"resourceVersion": str(expected)}} if expected else {}
                return request("DELETE", path, conditions)
        return request("GET", path)

    def _outcome(self, reply: Reply) -> Outcome | None:
        """Return the outcome of an operation; None if it has certainly had no effect."""
        if reply.status in (200, 201):
            return "ok"
        if reply.status == 429:
            return None
        if reply.status in (500, 503, 504):
            return "unknown"
        found = _REFUSALS.get((reply.status, reply.body["reason"]))
        if found is None:
            raise Unexpected(str(reply))
        return found

    def _learn(self, kind: Kind, key: str, outcome: Outcome, body: Any) -> int:
        """Remember the revision of a key for later updates; return it if the answer told it."""
        if outcome == "ok" and kind != "delete":
            self.known[key] = revision_of(body)
            return self.known[key]
        self.known.pop(key, None)
        return 0

    def _list(self) -> None:
        called = time.monotonic()
        try:
            reply = self.client.request("GET", self.load.path)
        except _BROKEN:
            return
        if reply.status == 200:
            items = {
                item["metadata"]["name"]: (item["data"]["value"], revision_of(item))
                for item in reply.body["items"]
                if self.load.owns(item["metadata"]["name"])
            }
            self.load.lists.append(SeenList(revision_of(reply.body), items, called, time.monotonic()))


class Load:
    """Clients at work on a few keys; they are spread over the servers."""

    def __init__(
        self, servers: Sequence[LocalServer], *, clients: int = 8, keys: int = 8, seed: int = 0, name: str = "load"
    ) -> None:
        """Take running servers, numbers of clients and keys, and a name (a DNS label) that the keys begin with."""
        self.path, self.name, self.seed = MAPS, name, seed
        self.keys = [f"{name}-{number}" for number in range(keys)]
        self.operations: list[Operation] = []
        self.lists: list[SeenList] = []
        self.enough = threading.Event()
        self.servers = servers
        self.begin = revision_of(Client(servers[0]).request("GET", f"{MAPS}?limit=1").body)
        """The revision of the store before the first operation."""
        self._ends = [f"{name}-end-0", f"{name}-end-1"]
        self.clients = [LoadClient(self, number, servers[number % len(servers)]) for number in range(clients)]

    def owns(self, key: str) -> bool:
        """Tell whether an object is one of this load."""
        return key.startswith(f"{self.name}-")

    def start(self) -> None:
        """Let the clients begin."""
        for client in self.clients:
            client.thread.start()

    @property
    def acknowledged(self) -> int:
        """How many writes have been acknowledged so far."""
        return sum(operation.acknowledged for operation in list(self.operations))

    def wait(self, count: int) -> None:
        """Return when that many more writes have been acknowledged. Raises what a client has stumbled over."""
        wanted = self.acknowledged + count
        self._until(lambda: self.acknowledged >= wanted, f"{count} more writes")

    def _until(self, reached: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not reached():
            self._raise_errors()
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {what} within {PATIENCE:g} s")
            time.sleep(_PAUSE)

    def _raise_errors(self) -> None:
        for client in self.clients:
            if client.error is not None:
                raise client.error

    def finish(self) -> int:
        """Let the clients end, write the last objects, one for each half; return the revision of the very last."""
        self.enough.set()
        for one in self.clients:
            one.thread.join(PATIENCE)
        self._raise_errors()
        client = Client(self.servers[0])
        for number, key in enumerate(self._ends):
            called = time.monotonic()
            reply = client.request("POST", self.path, config_map(key, f"end.{number}"))
            if reply.status != 201:
                raise Unexpected(str(reply))
            operation = Operation(
                -1, key, "create", f"end.{number}", 0, "ok", revision_of(reply.body), called, time.monotonic()
            )
            self.operations.append(operation)
        client.close()
        return self.operations[-1].revision

    def history(self, server: LocalServer) -> list[StoredChange]:
        """Return everything that has happened to the objects, as a new watch replays it, after :meth:`finish`."""
        watching = WatchClient(server, after=self.begin, name=self.name)
        watching.wait(self.operations[-1].revision)
        return [
            StoredChange(event.revision, event.key, None if event.kind == "DELETED" else event.value)
            for event in watching.events
            if event.kind != "BOOKMARK"
        ]

    def check(self, server: LocalServer) -> list[StoredChange]:
        """Check all that the clients noted; returns the history of the store, for watches. Raises Violation."""
        history = self.history(server)
        check_history(history, self.operations)
        check_revisions(self.operations)
        check_linearizable(self.operations)
        check_fresh(self.lists, self.operations)
        for seen in self.lists:
            check_list(seen, history)
        return history


class WatchClient:
    """Watches a :class:`Load` from a revision on, over as many connections as it takes; in a thread of its own."""

    def __init__(self, *servers: LocalServer, after: int, name: str = "load", query: str = "", half: str = "") -> None:
        """Take where to watch (one server after the other when connections end), and after which revision.

        ``name`` is that of the load, ``query`` is added to the request, ``half`` selects one half of the values.
        """
        self.after, self.half = after, half
        self.events: list[SeenEvent] = []
        self.connections = 0
        """How often it has begun to watch."""
        self.port = 0
        """The client's port of the latest connection."""
        self.error: BaseException | None = None
        self._servers, self._name = servers, name
        self._query = f"watch=1&allowWatchBookmarks=true{query}" + (f"&labelSelector=half%3D{half}" if half else "")
        self._last = after
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for number in count():
                client = Client(self._servers[number % len(self._servers)])
                try:
                    self._follow(client)
                except NotSent:
                    time.sleep(_PAUSE)
                except _BROKEN:
                    continue
                finally:
                    client.close()
                if self._enough.is_set():
                    return
        except BaseException as error:  # shown by wait, in the thread of the test
            self.error = error

    def _follow(self, client: Client) -> None:
        """Watch over one connection until it ends."""
        answer = client.send("GET", f"{MAPS}?{self._query}&resourceVersion={self._last}")
        if answer.status in (429, 500, 503, 504):
            time.sleep(_PAUSE)
            return
        if answer.status != 200:
            raise Unexpected(f"{answer.status} {answer.read()!r}")
        self.port = client.port
        self.connections += 1
        for line in iter(answer.readline, b""):
            self._note(json.loads(line))
            if self._enough.is_set():
                return

    def _note(self, event: Any) -> None:
        kind, obj = event["type"], event["object"]
        if kind == "ERROR":
            raise Unexpected(str(event))
        revision, name = revision_of(obj), obj["metadata"].get("name", "")
        self._last = revision
        if kind == "BOOKMARK":
            self.events.append(SeenEvent(kind, revision))
        elif name.startswith(f"{self._name}-"):
            self.events.append(SeenEvent(kind, revision, name, obj["data"]["value"]))

    def wait(self, revision: int) -> None:
        """Return when everything up to a revision has been seen, and end. Raises what has gone wrong."""
        deadline = time.monotonic() + PATIENCE
        while self._last < revision and self.error is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the watch has got to {self._last}, not to {revision}")
            time.sleep(_PAUSE)
        self._enough.set()
        if self.error is not None:
            raise self.error

    def check(self, history: Sequence[StoredChange], until: int) -> None:
        """Wait for everything up to a revision, then check what was seen. Raises Violation."""
        self.wait(until)
        matches = (lambda _key, value: half(value) == self.half) if self.half else (lambda _key, _value: True)
        check_watch(self.events, history, after=self.after, until=until, matches=matches)
