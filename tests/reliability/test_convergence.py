"""Controllers finish what others have begun: whoever leads is killed while namespaces and owned objects go away."""

import os
import random
import signal
import time

import pytest
from server_processes import eventually, workers

from kapi.testing.deployments import deployed
from kapi.testing.load import Client, NotSent

OWNED = 5


def insist(client, method, path, body=None):
    """Send a request until it is answered; returns status and body of the answer."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            reply = client.request(method, path, body)
        except (NotSent, OSError):
            time.sleep(0.02)
            continue
        if reply.status not in (429, 500, 503, 504):
            return reply
    raise AssertionError(f"no answer to {method} {path}")


def begin(client, name, seen):
    """Make a namespace with an owner and what it owns, one of them with a finalizer; notes the uids."""
    maps = f"/api/v1/namespaces/{name}/configmaps"
    insist(client, "POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    insist(client, "POST", maps, {"metadata": {"name": "owner"}})
    owner = insist(client, "GET", f"{maps}/owner").body["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner}
    for number in range(OWNED):
        held = ["example.com/hold"] if number == 0 else []
        metadata = {"name": f"owned-{number}", "ownerReferences": [reference], "finalizers": held}
        insist(client, "POST", maps, {"metadata": metadata})
        seen.append(insist(client, "GET", f"{maps}/owned-{number}").body["metadata"]["uid"])
    seen.append(owner)


@pytest.mark.parametrize(
    ("backend", "rounds"),
    [
        pytest.param("sqlite", 20, id="sqlite", marks=pytest.mark.soak),
        pytest.param("etcd3", 20, id="etcd3", marks=pytest.mark.soak),
    ],
)
def test_what_was_begun_is_finished(backend, rounds):
    uids: list[str] = []
    with deployed(backend, workers=2) as deployment:
        client, dice = Client(deployment.server, timeout=5), random.Random(5)
        for number in range(rounds):
            name = f"n{number}"
            maps = f"/api/v1/namespaces/{name}/configmaps"
            begin(client, name, uids)
            insist(client, "DELETE", f"{maps}/owner")
            time.sleep(dice.uniform(0, 0.3))
            os.kill(dice.choice(workers(deployment.server)), signal.SIGKILL)
            eventually(lambda path=maps: names(client, path) <= {"owned-0", "kube-root-ca.crt"})
            insist(client, "DELETE", f"/api/v1/namespaces/{name}")
            time.sleep(dice.uniform(0, 0.3))
            os.kill(dice.choice(workers(deployment.server)), signal.SIGKILL)
            eventually(lambda path=maps: insist(client, "GET", f"{path}/owned-0").body["metadata"]["deletionTimestamp"])
            assert insist(client, "GET", f"/api/v1/namespaces/{name}").status == 200, "the finalizer holds it"
            let_go(client, f"{maps}/owned-0")
            eventually(lambda path=f"/api/v1/namespaces/{name}": insist(client, "GET", path).status == 404)
        assert len(set(uids)) == len(uids) == rounds * (OWNED + 1)


def names(client, maps) -> set[str]:
    return {item["metadata"]["name"] for item in insist(client, "GET", maps).body["items"]}


def let_go(client, path):
    """Remove the finalizer of an object."""
    for _ in range(20):
        found = insist(client, "GET", path)
        if found.status == 404:
            return
        found.body["metadata"].pop("finalizers", None)
        if insist(client, "PUT", path, found.body).status == 200:
            return
    raise AssertionError(f"{path} changes all the time")
