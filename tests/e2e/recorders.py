"""Clients that follow ConfigMaps or a Deployment as programs of their own, and what they say they saw."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.informer import informer as python_informer
from urllib3.exceptions import HTTPError

PATIENCE = 30


class Seen(NamedTuple):
    """An event as a client tells it."""

    type: str
    name: str
    version: str


class Recorder:
    """What one client has seen, in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[object] = []
        self._news = threading.Condition()

    def tell(self, line: object) -> None:
        with self._news:
            self.lines.append(line)
            self._news.notify_all()

    def wait_until(self, reached: Callable[[list[object]], bool], patience: float = PATIENCE) -> None:
        with self._news:
            assert self._news.wait_for(lambda: reached(self.lines), patience), f"{self.name}: {self.last_words()}"

    def last_words(self) -> object:
        """What it said last, for those who look into a failure."""
        return self.lines[-3:]

    def wait_for(self, name: str) -> None:
        """Wait until an object of this name was seen."""
        self.wait_until(lambda lines: any(isinstance(line, Seen) and line.name == name for line in lines))

    def events(self) -> list[Seen]:
        return [line for line in self.lines if isinstance(line, Seen)]

    def stop(self) -> None:
        """End the client."""


class Program(Recorder):
    """A client in a process; what it prints is what it saw."""

    def __init__(self, name: str, command: Sequence[str], **environment: str) -> None:
        super().__init__(name)
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
        )
        self.complaints: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_complaints, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.tell(Seen(**json.loads(line)) if line.startswith("{") else line.strip())

    def _read_complaints(self) -> None:
        assert self._process.stderr
        self.complaints.extend(self._process.stderr)

    def last_words(self) -> object:
        return self.lines[-3:], "".join(self.complaints[-30:]), "running" if self.alive() else "ended"

    def ended(self) -> int:
        """Wait for the end of the program; return its code."""
        code = self._process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()


class PythonWatch(Recorder):
    """The Python client's watch, taken up again at the last resourceVersion, as its documentation says."""

    def __init__(self, kubeconfig: Path, namespace: str, version: str) -> None:
        super().__init__("python watch")
        self._core = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))
        self._watch, self._namespace, self._version = watch.Watch(), namespace, version
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped:
            try:
                self._follow()
            except ApiException as refused:
                self.tell(f"refused: {refused}")
                return
            except (HTTPError, OSError):
                time.sleep(0.1)  # the server is away

    def _follow(self) -> None:
        listing = self._core.list_namespaced_config_map
        for event in self._watch.stream(listing, self._namespace, resource_version=self._version):
            metadata = event["object"].metadata
            self._version = metadata.resource_version
            self.tell(Seen(event["type"], metadata.name, self._version))

    def stop(self) -> None:
        self._stopped = True
        self._watch.stop()
        self._thread.join(10)


class PythonInformer(Recorder):
    """The Python client's informer."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        super().__init__("python informer")
        core = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))
        self._informer = python_informer.SharedInformer(core.list_namespaced_config_map, namespace=namespace)
        for kind in ("ADDED", "MODIFIED", "DELETED"):
            self._informer.add_event_handler(kind, lambda obj, kind=kind: self._handle(kind, obj))
        self._informer.start()

    def _handle(self, kind: str, obj: client.V1ConfigMap) -> None:
        self.tell(Seen(kind, obj.metadata.name, obj.metadata.resource_version))

    def stop(self) -> None:
        with contextlib.suppress(Exception):
            self._informer.stop()


def javascript_informer(folder: Path, kubeconfig: Path, namespace: str) -> Program:
    """The informer of ``@kubernetes/client-node``."""
    return Program("client-node", ["node", str(folder / "informer.mjs"), str(kubeconfig), namespace])


def kopf_operator(script: Path, kubeconfig: Path, namespace: str) -> Program:
    """An operator that takes part in peering."""
    command = [sys.executable, "-m", "kopf", "run", "--namespace", namespace, str(script)]
    return Program("kopf", command, KUBECONFIG=str(kubeconfig))


def rollout_status(kubectl: Path, version: str, kubeconfig: Path, namespace: str, cache: Path) -> Program:
    """``kubectl rollout status``: client-go's informer."""
    flags = [f"--kubeconfig={kubeconfig}", f"--cache-dir={cache}", f"--namespace={namespace}"]
    return Program(f"kubectl {version}", [str(kubectl), *flags, "rollout", "status", "deployment/web"])
