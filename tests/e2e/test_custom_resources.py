"""Custom resources under kubectl and kopf, in several workers, and over a restart."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from kubectl_runner import MANIFESTS

from kapi.testing.server import ServerProcess, ServerThread

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
DEFINITION = MANIFESTS / "crontabs.yaml"
OPERATOR = Path(__file__).parent / "operator_for_crontabs.py"
OBJECT = """
apiVersion: stable.example.com/v1
kind: CronTab
metadata: {name: my}
spec: {cronSpec: "* * * * */5", image: img}
"""


@pytest.fixture
def crontabs(kubectl):
    """The custom resource, established; taken away in the end."""
    kubectl("create", "-f", str(DEFINITION))
    kubectl("wait", "--for=condition=established", "crd/crontabs.stable.example.com", "--timeout=10s")
    yield kubectl
    kubectl("delete", "-f", str(DEFINITION), "--ignore-not-found", "--timeout=20s")


def test_a_day_with_kubectl(crontabs):
    kubectl = crontabs
    kubectl("apply", "-f", "-", stdin=OBJECT)
    kubectl("apply", "--server-side", "-f", "-", stdin=OBJECT)
    header, row = kubectl.lines("get", "ct")
    assert header.split() == ["NAME", "SPEC", "REPLICAS", "AGE"]
    assert row.startswith("my     * * * * */5   1")
    assert "crontab.stable.example.com/my" in kubectl("get", "all", "-o", "name")
    kubectl("scale", "--replicas=3", "ct/my")
    assert kubectl.field("ct/my", ".spec.replicas") == "3"
    assert "less than or equal to 10" in kubectl.refused(
        "patch", "ct/my", "--type=merge", "-p", '{"spec":{"replicas":11}}'
    )
    assert "unknown field" in kubectl.refused("create", "-f", "-", stdin=OBJECT.replace("image", "picture"))
    assert "When to run." in kubectl("explain", "ct.spec.cronSpec")
    assert "replicas\t<integer>" in kubectl("explain", "ct", "--recursive")
    kubectl("delete", "crd", "crontabs.stable.example.com", "--timeout=20s")
    assert "could not find the requested resource" in kubectl.refused("get", "crontabs.v1.stable.example.com")


@contextmanager
def kopf_runs(server, namespace):
    command = [sys.executable, "-m", "kopf", "run", "--standalone", "--namespace", namespace, str(OPERATOR)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "KUBECONFIG": str(server.kubeconfig)},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        finally:
            process.kill()


def test_an_operator_keeps_the_status(crontabs, server, namespace):
    kubectl = crontabs
    with kopf_runs(server, namespace) as operator:
        kubectl("create", "-f", "-", stdin=OBJECT)
        kubectl("wait", "--for=jsonpath={.status.replicas}=1", "ct/my", "--timeout=20s")
        kubectl("scale", "--replicas=4", "ct/my")
        kubectl("wait", "--for=jsonpath={.status.replicas}=4", "ct/my", "--timeout=20s")
        kubectl("delete", "ct/my", "--timeout=20s")
        assert operator.stdout is not None
        assert operator.stdout.readline() == "gone: my\n"


def definition(plural="things", **schema):
    root = {"type": "object", "x-kubernetes-preserve-unknown-fields": True, **schema}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": root}}
    names = {"plural": plural, "kind": plural.title()}
    spec = {"group": "x.example.com", "scope": "Cluster", "names": names, "versions": [version]}
    return {"metadata": {"name": f"{plural}.x.example.com"}, "spec": spec}


def establish(server, plural, made=None):
    """Create a definition, and wait until whoever answers says that it is established."""
    assert server.request("POST", CRDS, made or definition(plural)).status == 201
    query = f"watch=1&resourceVersion=0&timeoutSeconds=10&fieldSelector=metadata.name={plural}.x.example.com"
    connection = server.connect()
    connection.request("GET", f"{CRDS}?{query}", headers={"Authorization": f"Bearer {server.token}"})
    for line in connection.getresponse():
        conditions = json.loads(line)["object"]["status"]["conditions"] or ()
        if any(each["type"] == "Established" and each["status"] == "True" for each in conditions):
            break
    connection.close()


def test_every_worker_serves_what_is_established():
    with ServerProcess("--workers=2") as server:
        for number in range(5):
            plural = f"things{number}"
            establish(server, plural)
            for _ in range(4):
                assert server.request("GET", f"/apis/x.example.com/v1/{plural}").status == 200
                listed = server.request("GET", "/apis/x.example.com/v1").json()["resources"]
                assert plural in {each["name"] for each in listed}


def test_objects_are_served_again_after_a_restart(tmp_path):
    with ServerThread(folder=tmp_path) as server:
        establish(server, "things")
        body = {"apiVersion": "x.example.com/v1", "kind": "Things", "metadata": {"name": "a"}, "spec": {"n": [None, 1]}}
        assert server.request("POST", "/apis/x.example.com/v1/things", body).status == 201
    with ServerThread(folder=tmp_path) as server:
        found = server.request("GET", "/apis/x.example.com/v1/things/a")
        assert found.json()["spec"] == {"n": [None, 1]}


def test_the_body_names_what_is_created(crontabs, server, namespace):
    path = f"/apis/stable.example.com/v1/namespaces/{namespace}/crontabs"
    spec = {"cronSpec": "* * * * */5", "image": "img"}
    body = {"apiVersion": "stable.example.com/v1", "kind": "CronTab", "metadata": {"name": "my"}, "spec": spec}
    made = server.request("POST", f"{path}/other", body)
    assert (made.status, made.json()["metadata"]["name"]) == (201, "my")
    assert server.request("GET", f"{path}/other").status == 404


THINGS = "/apis/x.example.com/v1/things"


@pytest.fixture
def things(server):
    """A custom resource without a schema, established on the server of all tests; taken away in the end."""
    establish(server, "things")
    yield server
    server.request("DELETE", f"{CRDS}/things.x.example.com")
    wait_until_gone(server, f"{CRDS}/things.x.example.com")


def thing(name, **metadata):
    return {"apiVersion": "x.example.com/v1", "kind": "Things", "metadata": {"name": name, **metadata}}


def wait_until_gone(server, path, seconds=15.0):
    end = time.monotonic() + seconds
    while server.request("GET", path).status != 404:
        assert time.monotonic() < end, path
        time.sleep(0.02)


def test_dependents_go_with_their_owner(things, namespace):
    owner = things.request("POST", THINGS, thing("owner")).json()["metadata"]
    owners = [{"apiVersion": "x.example.com/v1", "kind": "Things", "name": "owner", "uid": owner["uid"]}]
    maps = f"/api/v1/namespaces/{namespace}/configmaps"
    assert things.request("POST", maps, {"metadata": {"name": "dependent", "ownerReferences": owners}}).status == 201
    assert things.request("POST", THINGS, thing("dependent", ownerReferences=owners)).status == 201
    assert things.request("DELETE", f"{THINGS}/owner").status == 200
    wait_until_gone(things, f"{maps}/dependent")
    wait_until_gone(things, f"{THINGS}/dependent")


def test_group_versions_have_their_api_service(things):
    path = "/apis/apiregistration.k8s.io/v1/apiservices/v1.x.example.com"
    end = time.monotonic() + 10
    while (found := things.request("GET", path)).status != 200:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert found.json()["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "true"}
    assert things.request("DELETE", f"{CRDS}/things.x.example.com").status == 200
    wait_until_gone(things, path)


def test_objects_of_a_definition_that_serves_nothing_go_with_it(things):
    assert things.request("POST", THINGS, thing("old")).status == 201
    patch = [{"op": "replace", "path": "/spec/versions/0/served", "value": False}]
    merge = {"Content-Type": "application/json-patch+json"}
    assert things.request("PATCH", f"{CRDS}/things.x.example.com", patch, headers=merge).status == 200
    wait_until_gone(things, THINGS)
    things.request("DELETE", f"{CRDS}/things.x.example.com")
    wait_until_gone(things, f"{CRDS}/things.x.example.com")
    establish(things, "things")
    assert things.request("GET", THINGS).json()["items"] == []


def test_objects_held_by_finalizers_hold_their_definition(things):
    assert things.request("POST", THINGS, thing("held", finalizers=["example.com/hold"])).status == 201
    things.request("DELETE", f"{CRDS}/things.x.example.com")
    refused = things.request("POST", THINGS, thing("new"))
    assert (refused.status, "while custom resource definition is terminating" in refused.json()["message"]) == (
        403,
        True,
    )
    merge = {"Content-Type": "application/merge-patch+json"}
    freed = things.request("PATCH", f"{THINGS}/held", {"metadata": {"finalizers": None}}, headers=merge)
    assert freed.status == 200
    wait_until_gone(things, f"{CRDS}/things.x.example.com")


def test_watches_end_when_the_definition_changes(things):
    connection = things.connect()
    connection.request("GET", f"{THINGS}?watch=1", headers={"Authorization": f"Bearer {things.token}"})
    lines = iter(connection.getresponse())
    assert things.request("POST", THINGS, thing("seen")).status == 201
    assert json.loads(next(lines))["object"]["metadata"]["name"] == "seen"
    patch = [{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/description", "value": "new"}]
    kind = {"Content-Type": "application/json-patch+json"}
    assert things.request("PATCH", f"{CRDS}/things.x.example.com", patch, headers=kind).status == 200
    assert next(lines, None) is None
    connection.close()


def test_conversion_webhooks_are_refused_in_clear_words(server):
    webhook = {"clientConfig": {"url": "https://127.0.0.1:1/convert"}, "conversionReviewVersions": ["v1"]}
    made = definition("shapes")
    first = made["spec"]["versions"][0]
    made["spec"]["versions"].append({**first, "name": "v2", "storage": False})
    made["spec"]["conversion"] = {"strategy": "Webhook", "webhook": webhook}
    establish(server, "shapes", made)
    shapes = "/apis/x.example.com/v1/shapes"
    assert server.request("POST", shapes, {**thing("a"), "kind": "Shapes"}).status == 201
    other = shapes.replace("v1", "v2")
    for path in (other, f"{other}/a"):
        refused = server.request("GET", path)
        assert (refused.status, "does not call conversion webhooks" in refused.json()["message"]) == (500, True)
    event = server.request("GET", f"{other}?watch=1&timeoutSeconds=5").json()
    assert (event["type"], event["object"]["code"]) == ("ERROR", 500)
    server.request("DELETE", f"{CRDS}/shapes.x.example.com")
    wait_until_gone(server, f"{CRDS}/shapes.x.example.com")


def test_whoever_writes_the_status_owns_only_that(server):
    made = definition("owned")
    made["spec"]["versions"][0]["subresources"] = {"status": {}}
    establish(server, "owned", made)
    path = "/apis/x.example.com/v1/owned"
    assert server.request("POST", path, {**thing("a"), "kind": "Owned", "spec": {"q": 1}}).status == 201
    patch = {"spec": {"q": 2}, "metadata": {"labels": {"x": "y"}}, "status": {"r": 1}}
    merge = {"Content-Type": "application/merge-patch+json"}
    found = server.request("PATCH", f"{path}/a/status", patch, headers=merge).json()
    assert (found["spec"], found["status"], "labels" in found["metadata"]) == ({"q": 1}, {"r": 1}, False)
    assert [list(entry["fieldsV1"]) for entry in found["metadata"]["managedFields"]] == [["f:spec"], ["f:status"]]
    server.request("DELETE", f"{CRDS}/owned.x.example.com")
    wait_until_gone(server, f"{CRDS}/owned.x.example.com")
