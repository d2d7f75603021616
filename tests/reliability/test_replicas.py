"""Several workers and several servers on one store are as one: what one has acknowledged, all show at once."""

import json
import os
import re
import signal
import time
from http.client import HTTPConnection

import apsw
import pytest
from server_processes import alive, eventually, one_client_for_each_process, owner, paused, processes, workers

from kapi.testing.deployments import Deployment, deployed
from kapi.testing.load import MAPS, Client, config_map, revision_of

soak = pytest.mark.soak
SEVERAL = [
    pytest.param("sqlite", 1, 2, 100, id="sqlite-workers"),
    pytest.param("etcd3", 2, 1, 100, id="etcd3-servers"),
    pytest.param("sqlite", 2, 2, 5000, id="sqlite-servers-long", marks=soak),
    pytest.param("etcd3", 2, 2, 5000, id="etcd3-servers-long", marks=soak),
]
LEADER = "/registry/kapi/leader"


@pytest.mark.parametrize(("backend", "processes", "workers", "rounds"), SEVERAL)
def test_what_one_has_written_all_can_read_at_once(backend, processes, workers, rounds):
    """By get, list, watch without a version, and by compare-and-swap: the read comes right behind the answer."""
    with deployed(backend, "--controllers=", processes=processes, workers=workers) as deployment:
        clients = one_client_for_each_process(deployment)
        assert len(clients) == processes * workers
        made = clients[0].request("POST", MAPS, config_map("shared", "0")).body
        seen = {}
        for number in range(rounds):
            writer, reader = clients[number % len(clients)], clients[(number + 1) % len(clients)]
            reply = writer.request("PUT", f"{MAPS}/shared", config_map("shared", str(number), revision_of(made)))
            assert reply.status == 200, reply
            made = reply.body
            found = reader.request("GET", f"{MAPS}/shared").body
            assert found == made, f"round {number}: stale"
            selected = reader.request("GET", f"{MAPS}?fieldSelector=metadata.name%3Dshared").body
            assert [item["data"] for item in selected["items"]] == [made["data"]], f"round {number}: stale list"
            assert revision_of(selected) >= revision_of(made)
            cached = reader.request("GET", f"{MAPS}?resourceVersion={revision_of(made)}").body
            assert revision_of(cached) >= revision_of(made), "not older than"
            old = revision_of(reader.request("GET", f"{MAPS}?resourceVersion=0&limit=1").body)
            assert old >= seen.get(reader, 0), "time goes backwards on a connection"
            seen[reader] = old
        gone = clients[0].request("DELETE", f"{MAPS}/shared")
        assert gone.status == 200
        assert all(client.request("GET", f"{MAPS}/shared").status == 404 for client in clients)


def test_rights_are_those_of_the_moment_in_every_worker():
    """A role binding that is gone counts at once, also for whoever asks another worker."""
    binding = {
        "metadata": {"name": "jane"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}],
    }
    bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    with deployed("sqlite", "--controllers=", workers=2) as deployment:
        one, other = one_client_for_each_process(deployment)
        review = {
            "spec": {"user": "jane", "resourceAttributes": {"verb": "get", "resource": "configmaps", "namespace": "x"}}
        }
        reviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        for _ in range(20):
            assert one.request("POST", bindings, binding).status == 201
            eventually(lambda: other.request("POST", reviews, review).body["status"]["allowed"], 0.5)
            assert one.request("DELETE", f"{bindings}/jane").status == 200
            eventually(lambda: not other.request("POST", reviews, review).body["status"]["allowed"], 0.5)


def counted(client: Client) -> float:
    """Return how many configmaps have been created, as the metrics say."""
    text = client.send("GET", "/metrics").read().decode()
    lines = re.findall(r"^apiserver_request_total\{(.*)\} (\S+)$", text, re.MULTILINE)
    return sum(float(n) for labels, n in lines if 'resource="configmaps"' in labels and 'verb="POST"' in labels)


def test_metrics_add_up_over_workers_also_of_those_that_died():
    with deployed("sqlite", "--controllers=", workers=2) as deployment:
        clients = one_client_for_each_process(deployment)
        for number in range(21):
            client = clients[0 if number % 3 else 1]
            assert client.request("POST", MAPS, config_map(f"m{number}", "")).status == 201
        assert [counted(client) for client in clients] == [21, 21]
        first = owner(deployment.server, clients[0].port)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: len(workers(deployment.server)) == 2 and not alive(first))
        clients = one_client_for_each_process(deployment)
        assert clients[1].request("POST", MAPS, config_map("after", "")).status == 201
        assert [counted(client) for client in clients] == [22, 22]


def leader(deployment: Deployment) -> int:
    """Return the process that runs the controllers, as the store says; 0 if there is none."""
    if deployment.etcd is None:
        connection = apsw.Connection(str(deployment.server.data_dir / "kapi.db"), flags=apsw.SQLITE_OPEN_READONLY)
        query = "SELECT value FROM current JOIN changes USING (revision) WHERE current.key = ?"
        found = connection.execute(query, (LEADER,)).get
        connection.close()
    else:
        found = _from_etcd(deployment)
    return int(json.loads(found)["pid"]) if found else 0


def _from_etcd(deployment: Deployment) -> bytes:
    from base64 import b64decode, b64encode

    connection = HTTPConnection("127.0.0.1", deployment.etcd.port)
    connection.request("POST", "/v3/kv/range", json.dumps({"key": b64encode(LEADER.encode()).decode()}))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return b64decode(answer["kvs"][0]["value"]) if answer.get("kvs") else b""


def controllers_work(client: Client, namespace: str) -> None:
    """Check that a new namespace gets its service account, within a short time."""
    assert client.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}).status == 201
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    eventually(lambda: client.request("GET", path).status == 200, 5)


@pytest.mark.parametrize(
    ("backend", "processes", "rounds"),
    [
        pytest.param("sqlite", 1, 1, id="sqlite"),
        pytest.param("etcd3", 2, 10, id="etcd3-long", marks=soak),
        pytest.param("sqlite", 2, 10, id="sqlite-long", marks=soak),
    ],
)
def test_another_leads_when_the_leader_is_killed(backend, processes, rounds):
    """On one machine the others see that the process has gone, and need not wait for the end of its lease."""
    with deployed(backend, processes=processes, workers=2) as deployment:
        eventually(lambda: leader(deployment))
        for number in range(rounds):
            before = leader(deployment)
            os.kill(before, signal.SIGKILL)
            began = time.monotonic()
            eventually(lambda gone=before: leader(deployment) not in (0, gone))
            took = time.monotonic() - began
            assert took < 8
            client = Client(deployment.server)
            eventually(lambda: len(workers(deployment.server)) == 2)
            controllers_work(client, f"after-{number}")


@soak
@pytest.mark.parametrize("backend", ["sqlite", "etcd3"])
def test_another_leads_when_the_leader_is_frozen(backend):
    """The lease ends after 15 s; a leader that wakes up later learns that it is none, and leads no more."""
    with deployed(backend, workers=2) as deployment:
        eventually(lambda: leader(deployment))
        for client in one_client_for_each_process(deployment):
            controllers_work(client, f"before-{client.port}")  # a start is over that would hold the lock of SQLite
        before = leader(deployment)
        [other] = [pid for pid in workers(deployment.server) if pid != before]
        with paused(before):
            began = time.monotonic()
            eventually(lambda: leader(deployment) == other, 25)
            print(f"another leads after {time.monotonic() - began:.1f} s")
        client = next(c for c in one_client_for_each_process(deployment) if owner(deployment.server, c.port) == other)
        controllers_work(client, "after")
        time.sleep(6)
        assert leader(deployment) == other
        assert before in processes(deployment.server)
        assert "leadership lost" in deployment.server.log.read_text()
