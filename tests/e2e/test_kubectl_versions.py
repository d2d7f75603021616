"""Old and new versions of kubectl at daily work."""

import json

import pytest
import real_clients
from kubectl_runner import MANIFESTS, Kubectl

VERSIONS = (*real_clients.OLDER, real_clients.NEWEST)
WEB = str(MANIFESTS / "web.yaml")


@pytest.fixture(params=VERSIONS)
def kubectl(request, server, namespace, kubectl_cache) -> Kubectl:
    program = real_clients.kubectl(request.param)
    return Kubectl(server, kubectl_cache / request.param, namespace, program=program)


def test_apply_change_and_delete(kubectl):
    made = kubectl("apply", "-f", WEB)
    assert made.count("created") == 4
    assert kubectl("apply", "-f", WEB).count("unchanged") == 4
    assert kubectl("apply", "-f", WEB, "--server-side", "--force-conflicts").count("serverside-applied") == 4
    kubectl("scale", "deployment/web", "--replicas=3")
    kubectl(
        "patch", "deployment/web", "-p", '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"b"}]}}}}'
    )
    kubectl("label", "deployment/web", "tier=front")
    assert kubectl.field("deployment/web", ".spec.replicas") == "3"
    assert "web" in kubectl("get", "deployments", "-l", "tier=front", "-o", "wide")
    assert "Name:" in kubectl("describe", "deployment/web")
    assert kubectl("delete", "-f", WEB).count("deleted") == 4


def test_explain_tells_what_fields_are_for(kubectl):
    assert "collection of containers" in kubectl("explain", "pods")
    strategy = kubectl("explain", "deployment.spec.strategy")
    assert "deployment strategy to use to replace existing pods" in " ".join(strategy.split())
    assert "rollingUpdate" in kubectl("explain", "deployment", "--recursive")


def test_mistakes_are_found_before_or_by_the_server(kubectl):
    wrong = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wrong}\ndat: {}\n"
    assert 'unknown field "dat"' in kubectl.refused("create", "-f", "-", stdin=wrong)


def test_drain_evicts_with_the_eviction_that_each_version_knows(kubectl):
    node = f"node-{kubectl.namespace}"
    kubectl("create", "-f", "-", stdin=f"apiVersion: v1\nkind: Node\nmetadata: {{name: {node}}}\n")
    kubectl("create", "serviceaccount", "mine")
    spec = {"serviceAccountName": "mine", "nodeName": node, "containers": [{"name": "c", "image": "i"}]}
    pod = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
    kubectl("create", "-f", "-", stdin=pod)
    assert "pod/p evicted" in kubectl("drain", node, "--force", "--grace-period=0", "--timeout=20s")
    assert "NotFound" in kubectl.refused("get", "pod/p")
    kubectl("delete", "node", node)


def test_custom_resources(kubectl):
    definition = str(MANIFESTS / "crontabs.yaml")
    kubectl("create", "-f", definition)
    kubectl("wait", "--for=condition=established", "crd/crontabs.stable.example.com", "--timeout=10s")
    spec = {"cronSpec": "* * * * */5", "image": "img", "free": {"x": [1]}, "weight": "50%", "until": None}
    body = {"apiVersion": "stable.example.com/v1", "kind": "CronTab", "metadata": {"name": "my"}, "spec": spec}
    assert kubectl("apply", "-f", "-", stdin=json.dumps(body)).endswith("created\n")
    assert kubectl("apply", "-f", "-", stdin=json.dumps(body)).endswith("unchanged\n")
    assert kubectl.lines("get", "ct")[0].split() == ["NAME", "SPEC", "REPLICAS", "AGE"]
    kubectl("scale", "crontab/my", "--replicas=3")
    assert kubectl.field("ct/my", ".spec.replicas") == "3"
    assert "When to run." in kubectl("explain", "crontab.spec.cronSpec")
    assert kubectl("delete", "-f", definition, "--timeout=20s").endswith("deleted\n")
