"""Real clients that go on while the server is restarted under them: none misses an event, none sees one twice.

All run side by side against one server. It is stopped in an orderly way once, and killed once, among writes. In the
end, what each client saw is compared with the history that the server tells.
"""

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPException
from itertools import count, groupby
from pathlib import Path

import pytest
import real_clients
from recorders import (
    Program,
    PythonInformer,
    PythonWatch,
    Recorder,
    Seen,
    javascript_informer,
    kopf_operator,
    rollout_status,
)

from kapi.testing.server import ServerProcess

HERE = Path(__file__).parent
NAMESPACE = "default"
MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
PEERINGS = f"/apis/kopf.dev/v1/namespaces/{NAMESPACE}/kopfpeerings"
MERGE = {"Content-Type": "application/merge-patch+json"}
REPLICAS = 5
FIRST = "first"


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[ServerProcess]:
    """A server that keeps its port, with a plugin that serves kopf's peerings."""
    site = tmp_path / "site"
    (site / "kopf_peerings-1.dist-info").mkdir(parents=True)
    shutil.copy(HERE / "kopf_peerings.py", site)
    (site / "kopf_peerings-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: kopf-peerings\nVersion: 1\n"
    )
    (site / "kopf_peerings-1.dist-info" / "entry_points.txt").write_text("[kapi.apigroups]\npeerings = kopf_peerings\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ServerProcess(f"--secure-port={port}", "--controllers=", folder=tmp_path / "server") as running:
        yield running


class Writer:
    """Makes changes, and knows which of them were acknowledged."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._numbers = count(1)
        self.acknowledged: list[Seen] = []
        self.handled: list[str] = []

    def _write(self, kind: str, method: str, path: str, body: object = None, **headers: str) -> bool:
        try:
            answer = self._server.request(method, path, body, headers=headers)
        except (OSError, HTTPException):
            return False
        assert answer.status in (200, 201), answer.body
        metadata = answer.json()["metadata"]  # that of a Status has no resourceVersion
        if "resourceVersion" in metadata:
            self.acknowledged.append(Seen(kind, metadata["name"], metadata["resourceVersion"]))
        return True

    def create(self, name: str, **labels: str) -> bool:
        content = {"metadata": {"name": name, "labels": labels}, "data": {"step": "0"}}
        return self._write("ADDED", "POST", MAPS, content)

    def change(self, name: str, step: int) -> bool:
        return self._write("MODIFIED", "PATCH", f"{MAPS}/{name}", {"data": {"step": str(step)}}, **MERGE)

    def delete(self, name: str) -> bool:
        """Delete; what is answered with an object is only marked, and waits for its finalizers."""
        return self._write("MODIFIED", "DELETE", f"{MAPS}/{name}")

    def life(self) -> bool:
        """One object comes, changes and goes, another one stays; tells whether all was acknowledged."""
        number = next(self._numbers)
        gone, stays = f"gone-{number}", f"stays-{number}"
        return (
            self.create(gone)
            and self.create(stays)
            and self.change(gone, 1)
            and self.change(stays, 1)
            and self.delete(gone)
            and self.change(stays, 2)
        )

    def until_it_ends(self, enough: threading.Event) -> None:
        """Write until the server does not answer any more."""
        lives = 0
        while self.life():
            lives += 1
            if lives == 3:
                enough.set()

    def history(self, version: str) -> list[Seen]:
        """What the server says has happened since."""
        told = self._server.request("GET", f"{MAPS}?watch=1&resourceVersion={version}&timeoutSeconds=1").body
        events = [json.loads(line) for line in told.splitlines()]
        metadata = [(event["type"], event["object"]["metadata"]) for event in events]
        return [Seen(kind, each["name"], each["resourceVersion"]) for kind, each in metadata]


def seed(server: ServerProcess) -> str:
    """Create what the clients look at; return the resourceVersion before."""
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": pod}
    assert server.request("POST", DEPLOYMENTS, {"metadata": {"name": "web"}, "spec": spec}).status == 201
    assert server.request("POST", PEERINGS, {"metadata": {"name": "default"}}).status == 201
    return server.request("GET", MAPS).json()["metadata"]["resourceVersion"]


def roll_out(server: ServerProcess, updated: int, available: int) -> None:
    """Say in the status of the Deployment how far it is."""
    status = {
        "observedGeneration": 1, "replicas": REPLICAS, "updatedReplicas": updated, "readyReplicas": available,
        "availableReplicas": available,
    }  # fmt: skip
    answer = server.request("PATCH", f"{DEPLOYMENTS}/web/status", {"status": status}, headers=MERGE)
    assert answer.status == 200, answer.body


def wait_for_line(client: Recorder, part: str) -> None:
    client.wait_until(lambda lines: any(part in str(line) for line in lines))


def assert_takes_part_in_peering(server: ServerProcess) -> None:
    """Wait until the operator says again that it is alive."""
    path = f"{PEERINGS}?watch=1&resourceVersion={server.request('GET', PEERINGS).json()['metadata']['resourceVersion']}"
    connection = server.connect()
    connection.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
    event = json.loads(connection.getresponse().readline())
    connection.close()
    assert [peer["priority"] for peer in event["object"]["status"].values()] == [0]


def kill_among_writes(server: ServerProcess, writer: Writer) -> None:
    enough = threading.Event()
    writing = threading.Thread(target=writer.until_it_ends, args=(enough,))
    writing.start()
    assert enough.wait(30)
    server.kill()
    writing.join(30)
    server.start()


def unwatched(events: list[Seen]) -> list[Seen]:
    """Without the object that is there before some clients, and not before others."""
    return [event for event in events if event.name not in (FIRST, "kube-root-ca.crt")]


def assert_saw(follower: Recorder, history: list[Seen]) -> None:
    """The follower has seen each event of the history once, in order; kopf keeps the order of each object only."""
    seen, expected = unwatched(follower.events()), unwatched(history)
    if follower.name == "kopf":
        seen.sort(key=lambda event: event.name)
        expected.sort(key=lambda event: event.name)
    assert seen == expected, follower.name


def test_clients_resume_where_they_were(server, tmp_path):
    programs = {version: real_clients.kubectl(version) for version in (real_clients.NEWEST, *real_clients.OLDER)}
    node = real_clients.client_node()
    version = seed(server)
    config, writer = server.kubeconfig, Writer(server)
    followers: list[Recorder] = [
        PythonWatch(config, NAMESPACE, version),
        PythonInformer(config, NAMESPACE),
        javascript_informer(node, config, NAMESPACE),
    ]
    operator = kopf_operator(HERE / "peered_operator_for_kopf.py", config, NAMESPACE)
    kubectls = [
        rollout_status(path, version, config, NAMESPACE, tmp_path / version) for version, path in programs.items()
    ]
    try:
        everybody: list[Recorder] = [*followers, operator]
        writer.create(FIRST, watched="yes")
        for follower in everybody:
            follower.wait_for(FIRST)
        wait_for_line(operator, "create first 0")
        for kubectl in kubectls:
            kubectl.wait_until(bool)
        roll_out(server, 1, 0)
        assert writer.life()

        assert server.stop() == 0
        server.start()
        writer.life()
        writer.change(FIRST, 1)
        roll_out(server, 3, 1)
        for kubectl in kubectls:
            wait_for_line(kubectl, "3 out of")
        wait_for_line(operator, "update first 1")

        kill_among_writes(server, writer)
        writer.delete(FIRST)
        roll_out(server, REPLICAS, 2)
        for kubectl in kubectls:
            wait_for_line(kubectl, "2 of 5")
        roll_out(server, REPLICAS, REPLICAS)
        writer.create("last")
        for follower in everybody:
            follower.wait_for("last")
        wait_for_line(operator, "delete first 1")

        history = writer.history(version)
        assert set(writer.acknowledged) <= set(history)
        for follower in everybody:
            assert_saw(follower, history)
        assert [line for line in operator.lines if isinstance(line, str)] == [
            "create first 0", "update first 1", "delete first 1",
        ]  # fmt: skip
        assert_takes_part_in_peering(server)
        for kubectl in kubectls:
            assert_rolled_out(kubectl)
    finally:
        for client in [*followers, operator, *kubectls]:
            client.stop()


def assert_rolled_out(kubectl: Program) -> None:
    """kubectl has told each step, in order. client-go lists anew when a connection is reset at a bad moment (of any
    server); then it tells the state that it has told already."""
    assert kubectl.ended() == 0, kubectl.complaints
    told = [str(line) for line in kubectl.lines]
    steps = ("1 out of", "3 out of", "2 of 5", "successfully")
    seen = [step for line in told for step in steps if step in line]
    assert [step for step, _ in groupby(seen)] == list(steps), (kubectl.name, told)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_clients_resume_each_of_many_times(server):
    """The server comes and goes, in good order and not, with writes before, during and right after."""
    node = real_clients.client_node()
    version = seed(server)
    config, writer = server.kubeconfig, Writer(server)
    followers: list[Recorder] = [
        PythonWatch(config, NAMESPACE, version),
        PythonInformer(config, NAMESPACE),
        javascript_informer(node, config, NAMESPACE),
        kopf_operator(HERE / "peered_operator_for_kopf.py", config, NAMESPACE),
    ]
    try:
        writer.create(FIRST)
        for follower in followers:
            follower.wait_for(FIRST)
        for turn in range(20):
            if turn % 2:
                kill_among_writes(server, writer)
            else:
                assert server.stop() == 0
                server.start()
            for _ in range(5):
                assert writer.life()
            writer.create(f"turn-{turn}")
            if turn % 5 == 0:
                for follower in followers:
                    follower.wait_for(f"turn-{turn}")
        writer.create("last")
        for follower in followers:
            follower.wait_for("last")
        history = writer.history(version)
        assert set(writer.acknowledged) <= set(history)
        for follower in followers:
            assert_saw(follower, history)
    finally:
        for follower in followers:
            follower.stop()
