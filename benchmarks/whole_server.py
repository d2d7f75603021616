"""How fast a whole server is: starts one, puts load on it, and prints a row for each kind of request.

    .venv/bin/python benchmarks/whole_server.py [--workers 2] [--only get,list_page] [-- FLAGS OF kapi serve]

Each row has the rate, the CPU time that all processes of the server took for one request (user and system), and the
99th percentile of the time to the answer. Rates depend on who else uses the machine, CPU times much less: compare
those. GETs and lists are asked by ``wrk`` if it is installed; it takes less CPU than a client in Python, and rates are
higher then.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPSConnection
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from kapi.testing.server import ServerProcess

MAPS = "/api/v1/namespaces/default/configmaps"
JSON = "application/json"
WATCH_SETTLES = 0.5
_LATENCY = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Row(NamedTuple):
    """A measurement: requests (or events) a second, CPU microseconds for each, and the 99th percentile in ms."""

    name: str
    rate: float
    cpu: float
    p99: float

    def __str__(self) -> str:
        """Return the line that is printed."""
        return f"{self.name:12} {self.rate:10.0f} /s {self.cpu:10.1f} us CPU {self.p99:9.1f} ms p99"


class Load(NamedTuple):
    """What a client sends over and over: ``request(n)`` gives method, path, content type and body of the n-th."""

    connections: int
    request: Callable[[int], tuple[str, str, str, str]]


def reading(path: str, connections: int) -> Load:
    """Return a load of GETs."""
    return Load(connections, lambda n: ("GET", path, "", ""))


def writing(objects: int, method: str, path: str, content_type: str, body: str) -> Load:
    """Return a load of writes; ``<object>`` in path and body becomes one of the objects, ``<n>`` a new number."""

    def request(n: int) -> tuple[str, str, str, str]:
        name = f"cm-{n % min(objects, 1000)}"
        return (
            method,
            path.replace("<object>", name),
            content_type,
            body.replace("<object>", name).replace("<n>", str(n)),
        )

    return Load(8, request)


def loads(objects: int) -> dict[str, Load]:
    """Return the loads by their names."""
    one = f"{MAPS}/<object>"
    new = json.dumps({"metadata": {"generateName": "new-"}, "data": {"k": "v" * 1000}})
    meta = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "<object>"}}
    put, applied = json.dumps({**meta, "data": {"k": "<n>"}}), json.dumps({**meta, "data": {"a": "<n>"}})
    merged = json.dumps({"data": {"p": "<n>"}})
    return {
        "get": reading(f"{MAPS}/cm-1", 16),
        "get_rv0": reading(f"{MAPS}/cm-1?resourceVersion=0", 16),
        "list_page": reading(f"{MAPS}?limit=500", 4),
        "list_all": reading(MAPS, 4),
        "list_label": reading(f"{MAPS}?labelSelector=tenth%3D3", 4),
        "create": writing(objects, "POST", MAPS.replace("default", "kube-public"), JSON, new),
        "update": writing(objects, "PUT", one, JSON, put),
        "patch": writing(objects, "PATCH", one, "application/merge-patch+json", merged),
        "apply": writing(
            objects, "PATCH", f"{one}?fieldManager=bench&force=true", "application/apply-patch+yaml", applied
        ),
    }


@dataclass
class Bench:
    """A running server, and how long each row is measured."""

    server: ServerProcess
    seconds: float
    objects: int
    watchers: int

    def fill(self) -> None:
        """Create the objects that are read."""
        connection = self.server.connect()
        for number in range(self.objects):
            body = {
                "metadata": {"name": f"cm-{number}", "labels": {"app": "bench", "tenth": str(number % 10)}},
                "data": {"k": "v" * 1000},
            }
            self.ask(connection, "POST", MAPS, JSON, json.dumps(body))
        connection.close()

    def ask(self, connection: HTTPSConnection, method: str, path: str, content_type: str, body: str) -> None:
        """Send a request over an open connection; ends the program if it is refused."""
        head = {"Authorization": f"Bearer {self.server.token}"}
        if content_type:
            head["Content-Type"] = content_type
        connection.request(method, path, body or None, head)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 400:
            sys.exit(f"{method} {path} answered {answer.status}: {data[:200]!r}")

    @contextmanager
    def measured(self) -> Iterator[list[float]]:
        """Collect the times of answers (in ms) in a list, which ends with the CPU time (in microseconds) afterwards."""
        times: list[float] = []
        before = cpu_microseconds(self.server.process.pid)
        yield times
        times.append(cpu_microseconds(self.server.process.pid) - before)

    def row(self, name: str, load: Load) -> Row:
        """Measure one kind of request."""
        if load.request(0)[0] == "GET" and self.seconds >= 1 and shutil.which("wrk"):
            return self._by_wrk(name, load)
        with self.measured() as times:
            begun = time.perf_counter()
            self._work(load, begun + self.seconds, times)
            took = time.perf_counter() - begun
        cpu, answers = times.pop(), len(times)
        return Row(name, answers / took, cpu / answers, percentile(times))

    def _work(self, load: Load, end: float, times: list[float]) -> None:
        numbers = count()

        def client() -> None:
            connection = self.server.connect()
            now = time.perf_counter()
            while True:
                begun = now
                self.ask(connection, *load.request(next(numbers)))
                now = time.perf_counter()
                times.append((now - begun) * 1000)
                if now >= end:
                    break
            connection.close()

        together([client] * load.connections)

    def _by_wrk(self, name: str, load: Load) -> Row:
        path = load.request(0)[1]
        command = ["wrk", "-t1", f"-c{load.connections}", f"-d{round(self.seconds)}s", "--latency", "--timeout", "30s"]
        command += ["-H", f"Authorization: Bearer {self.server.token}", self.server.url + path]
        with self.measured() as times:
            text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in text:
            sys.exit(f"GET {path} was refused: {text}")
        answers = int(re.search(r"(\d+) requests in", text)[1])  # type: ignore[index]  # wrk always says so
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])  # type: ignore[index]
        value, unit = _LATENCY.search(text).groups()  # type: ignore[union-attr]
        return Row(name, rate, times[-1] / answers, float(value) * _UNITS[unit])

    def watch_row(self) -> Row:
        """Measure how many events watchers get while four clients patch; CPU is for an event at a watcher."""
        return asyncio.run(self._watch())

    async def _watch(self) -> Row:
        seen = Seen()
        version = self.server.request("GET", f"{MAPS}?limit=1").json()["metadata"]["resourceVersion"]  # type: ignore[index]
        watching = [asyncio.create_task(self._watcher(version, seen, n == 0)) for n in range(self.watchers)]
        await until(lambda: seen.open == self.watchers)
        await asyncio.sleep(WATCH_SETTLES)
        with self.measured() as times:
            begun = time.perf_counter()
            patches = await asyncio.to_thread(self._patch, begun + self.seconds, seen)
            await until(lambda: seen.events >= patches * self.watchers)
            took = time.perf_counter() - begun
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        return Row("watch", seen.events / took, times[-1] / seen.events, percentile(seen.delays))

    async def _watcher(self, version: str, seen: "Seen", timed: bool) -> None:
        address, context = urlsplit(self.server.url), ssl.create_default_context(cafile=self.server.authority)
        reader, writer = await asyncio.open_connection(address.hostname, address.port, ssl=context, limit=1 << 24)
        head = f"GET {MAPS}?watch=1&resourceVersion={version} HTTP/1.1\r\nHost: x\r\n"
        writer.write(f"{head}Authorization: Bearer {self.server.token}\r\n\r\n".encode())
        try:
            await reader.readuntil(b"\r\n\r\n")
            seen.open += 1
            while chunk := await reader.read(1 << 18):
                seen.take(chunk, timed)
        finally:
            writer.close()

    def _patch(self, end: float, seen: "Seen") -> int:
        """Patch until ``end``; return how often."""
        numbers = count()

        def client() -> None:
            connection = self.server.connect()
            while True:
                number = next(numbers)
                body = json.dumps({"data": {"w": f"t{number}"}})
                seen.sent[number] = time.perf_counter()
                path = f"{MAPS}/cm-{number % min(1000, self.objects)}"
                self.ask(connection, "PATCH", path, "application/merge-patch+json", body)
                if time.perf_counter() >= end:
                    break
            connection.close()

        together([client] * 4)
        return len(seen.sent)


class Seen:
    """What watchers have seen; ``delays`` is from the request to the event, in ms."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.open = 0
        self.events = 0
        self.sent: dict[int, float] = {}
        self.delays: list[float] = []

    def take(self, chunk: bytes, timed: bool) -> None:
        """Take what has come to one watcher."""
        self.events += chunk.count(b'{"type":"')
        if timed:
            now = time.perf_counter()
            found = re.findall(rb'"w":"t(\d+)"', chunk)
            self.delays += [(now - self.sent[int(number)]) * 1000 for number in found]


async def until(holds: Callable[[], bool]) -> None:
    """Return when something holds."""
    while not holds():  # noqa: ASYNC110  # an Event would cost each of a hundred thousand events something
        await asyncio.sleep(0.005)


def together(clients: list[Callable[[], None]]) -> None:
    """Run clients in threads until all have ended."""
    with ThreadPoolExecutor(len(clients)) as pool:
        for done in [pool.submit(client) for client in clients]:
            done.result()


def percentile(times: list[float]) -> float:
    """Return the 99th percentile."""
    return statistics.quantiles(times, n=100)[98] if len(times) > 1 else 0.0


def cpu_microseconds(pid: int) -> float:
    """Return the CPU time that a process and its children have taken so far (Linux)."""
    ticks = 0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (str(pid), *children):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1e6 / os.sysconf("SC_CLK_TCK")


def rows(bench: Bench, only: set[str]) -> Iterator[Row]:
    """Measure what is asked for, one row after the other."""
    for name, load in loads(bench.objects).items():
        if not only or name in only:
            yield bench.row(name, load)
    if not only or "watch" in only:
        yield bench.watch_row()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--objects", type=int, default=8000, help="ConfigMaps of 1 kB that are there")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each row is measured")
    parser.add_argument("--watchers", type=int, default=100)
    parser.add_argument("--only", default="", help="rows to measure, comma separated")
    parser.add_argument("flags", nargs="*", help="flags of kapi serve, after --")
    given = parser.parse_args()
    with ServerProcess(f"--workers={given.workers}", *given.flags) as server:
        bench = Bench(server, given.seconds, given.objects, given.watchers)
        bench.fill()
        for row in rows(bench, set(filter(None, given.only.split(",")))):
            print(row, flush=True)


if __name__ == "__main__":
    main()
