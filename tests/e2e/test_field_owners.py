"""Who owns what is written through subresources of built-in kinds."""

from typing import Any

from kapi.testing.server import LocalServer

MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
LABELS = {"app": "a"}
CONTAINER = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}}


def written(server: LocalServer, method: str, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
    reply = server.request(method, path, body, headers=headers or {})
    assert reply.status in (200, 201), reply.body
    return reply.json()


def owned_by(obj: Any, manager: str) -> Any:
    entries = [entry for entry in obj["metadata"]["managedFields"] if entry["manager"] == manager]
    return [(entry.get("subresource", ""), entry["fieldsV1"]) for entry in entries]


def test_labels_that_the_status_of_a_deployment_does_not_change(server: LocalServer, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": LABELS}, "template": template}
    written(server, "POST", path, {"metadata": {"name": "d"}, "spec": spec})
    patch = {"metadata": {"labels": {"x": "y"}, "annotations": {"x": "y"}}, "status": {"observedGeneration": 1}}
    changed = written(server, "PATCH", f"{path}/d/status?fieldManager=m", patch, MERGE)
    assert "labels" not in changed["metadata"]
    metadata = {"f:annotations": {".": {}, "f:x": {}}}
    assert owned_by(changed, "m") == [("status", {"f:metadata": metadata, "f:status": {"f:observedGeneration": {}}})]


def test_parts_of_pods(server: LocalServer, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    written(server, "POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "s"}})
    spec = {"containers": [CONTAINER], "automountServiceAccountToken": False, "serviceAccountName": "s"}
    written(server, "POST", path, {"metadata": {"name": "p"}, "spec": spec})
    resources = {"requests": {"cpu": "2"}, "limits": {"cpu": "2"}}
    patch = {"spec": {"containers": [{"name": "c", "image": "other", "resources": resources}]}}
    resized = written(server, "PATCH", f"{path}/p/resize?fieldManager=m", patch, STRATEGIC)
    limits = {"f:limits": {"f:cpu": {}}, "f:requests": {"f:cpu": {}}}
    item = {"f:containers": {'k:{"name":"c"}': {"f:resources": limits}}}
    assert owned_by(resized, "m") == [("resize", {"f:spec": item})]
    patch = {"metadata": {"labels": LABELS}, "spec": {"ephemeralContainers": [{"name": "e", "image": "i"}]}}
    debugged = written(server, "PATCH", f"{path}/p/ephemeralcontainers?fieldManager=n", patch, STRATEGIC)
    ((subresource, fields),) = owned_by(debugged, "n")
    assert (subresource, set(fields), set(fields["f:spec"])) == (
        "ephemeralcontainers",
        {"f:spec"},
        {"f:ephemeralContainers"},
    )
