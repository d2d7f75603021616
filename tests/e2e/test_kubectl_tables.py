"""The columns that people read: what the server prints for kubectl get."""

import json

import pytest
from kubectl_runner import MANIFESTS


@pytest.fixture
def web(kubectl):
    kubectl("apply", "-f", str(MANIFESTS / "web.yaml"))
    return kubectl


def columns(line: str) -> list[str]:
    return line.split()


def test_get_namespaces(kubectl):
    lines = kubectl.lines("get", "ns")
    assert columns(lines[0]) == ["NAME", "STATUS", "AGE"]
    found = {columns(line)[0]: columns(line)[1] for line in lines[1:]}
    assert {"default", "kube-system", "kube-public", "kube-node-lease"} <= found.keys()
    assert set(found.values()) <= {"Active", "Terminating"}


def test_get_wide_over_all_namespaces(web, namespace):
    web("run", "box", "--image=busybox")
    tables = web("get", "pods,deploy", "-A", "-o", "wide").split("\n\n")
    pods, deployments = ([columns(line) for line in table.splitlines()] for table in tables)
    assert pods[0][:6] == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert [row[:5] for row in pods if row[0] == namespace] == [[namespace, "pod/box", "0/1", "Pending", "0"]]
    assert deployments[0] == [
        "NAMESPACE", "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR",
    ]  # fmt: skip
    (row,) = (row for row in deployments if row[0] == namespace)
    assert [*row[1:5], *row[6:]] == ["deployment.apps/web", "0/2", "0", "0", "nginx", "nginx:1.27", "app=web"]


def test_get_follows_the_status(web):
    patch = {"status": {"replicas": 2, "readyReplicas": 1}}
    web("patch", "deploy/web", "--subresource=status", "--type=merge", "-p", json.dumps(patch))
    assert columns(web.lines("get", "deploy/web")[1])[1] == "1/2"


def test_get_watches_events_as_tables(kubectl):
    with kubectl.running("get", "deploy", "-w", "--output-watch-events") as lines:
        kubectl("create", "deployment", "web", "--image=nginx")
        assert next(lines).split()[:3] == ["EVENT", "NAME", "READY"]
        assert next(lines).split()[:3] == ["ADDED", "web", "0/1"]
        kubectl("scale", "deploy/web", "--replicas=3")
        assert next(lines).split()[:3] == ["MODIFIED", "web", "0/3"]
        kubectl("delete", "deploy/web")
        assert next(lines).split()[:3] == ["DELETED", "web", "0/3"]


def test_get_services_ingresses_and_configmaps(web):
    service = columns(web.lines("get", "svc/web")[1])
    assert [service[1], service[3], service[4]] == ["ClusterIP", "<none>", "80/TCP"]
    assert columns(web.lines("get", "ingress/web")[1])[1:4] == ["<none>", "web.example.com", "80"]
    assert columns(web.lines("get", "cm/web-config")[1])[:2] == ["web-config", "1"]
