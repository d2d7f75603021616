"""Servers on etcd: one with two workers under kubectl, a second one, and what kube-apiserver has left there."""

import json
from base64 import b64decode, b64encode
from http.client import HTTPConnection

import pytest
from kubectl_runner import Kubectl

from kapi.testing.etcd import EtcdServer
from kapi.testing.server import ServerProcess, ServerThread, StartFailed

ROUNDS = 50


@pytest.fixture(scope="module")
def etcd():
    with EtcdServer() as server:
        yield server


@pytest.fixture(scope="module")
def flags(etcd):
    return ("--storage-backend=etcd3", f"--etcd-servers={etcd.url}", "--etcd-healthcheck-timeout=200ms")


@pytest.fixture(scope="module")
def server(flags):
    with ServerProcess(*flags, "--workers=2") as server:
        yield server


@pytest.fixture(scope="module")
def other(flags, server):
    with ServerThread(*flags, "--controllers=") as other:
        yield other


@pytest.fixture
def kubectl(server, tmp_path):
    return Kubectl(server, tmp_path)


def stored(etcd, method, **body):
    """Call etcd itself."""
    connection = HTTPConnection("127.0.0.1", etcd.port)
    connection.request(
        "POST", f"/v3/kv/{method}", json.dumps({name: b64encode(v).decode() for name, v in body.items()})
    )
    answer = connection.getresponse()
    assert answer.status == 200
    found = json.loads(answer.read())
    connection.close()
    return found


def test_kubectl_creates_gets_and_watches(kubectl):
    kubectl("create", "configmap", "first")
    with kubectl.running("get", "configmaps", "--watch", "-o", "name") as lines:
        while next(lines) != "configmap/first":
            pass
        for name in ("one", "two", "three"):
            assert kubectl("create", "configmap", name, "--from-literal=k=v") == f"configmap/{name} created\n"
            assert next(lines) == f"configmap/{name}"
            assert kubectl.field(f"configmap/{name}", ".data.k") == "v"
    kubectl("delete", "configmap", "two")
    assert "configmap/two" not in kubectl.lines("get", "configmaps", "-o", "name")


def test_readiness_asks_etcd(server):
    answer = server.request("GET", "/readyz?verbose")
    assert answer.status == 200
    assert b"[+]etcd ok" in answer.body
    assert b"[+]etcd-readiness ok" in answer.body


def test_objects_lie_where_kube_apiserver_puts_them(server, etcd):
    made = server.request(
        "POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "s"}, "stringData": {"a": "b"}}
    ).json()
    [found] = stored(etcd, "range", key=b"/registry/secrets/default/s")["kvs"]
    kept = json.loads(b64decode(found["value"]))
    assert made["metadata"].pop("resourceVersion") == found["mod_revision"]
    assert kept == made


def test_objects_of_kube_apiserver_are_served(server, other, etcd):
    theirs = {
        "kind": "ConfigMap", "apiVersion": "v1",
        "metadata": {"name": "theirs", "namespace": "default", "uid": "a7a15be9-3a4d-4b5e-9d5d-0e7a1f3e9f00",
                     "creationTimestamp": "2024-05-06T07:08:09Z"},
        "data": {"from": "kube-apiserver"},
    }  # fmt: skip
    put = stored(etcd, "put", key=b"/registry/configmaps/default/theirs", value=json.dumps(theirs).encode())
    for one in (server, other):
        seen = one.request("GET", "/api/v1/namespaces/default/configmaps/theirs").json()
        assert seen["metadata"].pop("resourceVersion") == put["header"]["revision"]
        assert seen == theirs


def test_servers_read_each_others_writes(server, other):
    path = "/api/v1/namespaces/default/configmaps"
    for number in range(ROUNDS):
        writer, reader = (server, other) if number % 2 else (other, server)
        assert writer.request("POST", path, {"metadata": {"name": f"n{number}"}}).status == 201
        assert reader.request("GET", f"{path}/n{number}").status == 200


def test_a_read_does_not_wait_for_keys_of_others(server, etcd):
    for number in range(5):
        stored(etcd, "put", key=b"elsewhere", value=b"%d" % number)
        assert server.request("GET", "/api/v1/namespaces/default", timeout=0.5).status == 200


def test_the_server_outlives_etcd(server, etcd):
    path = "/api/v1/namespaces/default/configmaps"
    etcd.kill()
    refused = server.request("POST", path, {"metadata": {"name": "refused"}})
    assert (refused.status, refused.json()["reason"]) == (503, "ServiceUnavailable")
    assert server.request("GET", "/readyz").status == 500
    etcd.start()
    etcd.wait()
    status = 503
    while status == 503:
        status = server.request("POST", path, {"metadata": {"name": "accepted"}}).status
    assert status == 201
    assert server.request("GET", f"{path}/accepted").status == 200


def test_a_cluster_must_be_named():
    with pytest.raises(StartFailed, match="--etcd-servers"), ServerThread("--storage-backend=etcd3"):
        pass
