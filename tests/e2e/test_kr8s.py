"""kr8s: a client of another make."""

import kr8s
import pytest
from kr8s.objects import ConfigMap, Deployment, Namespace, Pod

pytestmark = pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported")


@pytest.fixture
def api(server, namespace):
    return kr8s.api(kubeconfig=str(server.kubeconfig), namespace=namespace)


def test_create_change_list_and_delete(api, namespace):
    made = ConfigMap({"metadata": {"name": "one", "namespace": namespace}, "data": {"a": "b"}}, api=api)
    made.create()
    assert made.exists()
    made.patch({"data": {"a": "c"}})
    made.label({"x": "y"})
    found = list(kr8s.get("configmaps", namespace=namespace, label_selector={"x": "y"}, api=api))
    assert [(each.name, each.data.a) for each in found] == [("one", "c")]
    made.delete()
    made.wait("delete", timeout=10)
    assert not made.exists()


def test_watch(api, namespace):
    first = ConfigMap({"metadata": {"name": "one", "namespace": namespace, "labels": {"w": "y"}}}, api=api)
    first.create()
    events = kr8s.watch("configmaps", namespace=namespace, label_selector="w=y", api=api)
    kind, seen = next(events)
    assert (kind, seen.name) == ("ADDED", "one")
    first.delete()
    kind, seen = next(events)
    assert (kind, seen.name) == ("DELETED", "one")


def test_scale_and_lookups(api, namespace):
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    made = Deployment({"metadata": {"name": "web", "namespace": namespace}, "spec": spec}, api=api)
    made.create()
    made.patch({"spec": {"replicas": 3}}, subresource="scale")
    made.refresh()
    assert made.replicas == 3
    assert Namespace.get(namespace, api=api).status.phase == "Active"
    assert list(Pod.list(namespace=namespace, api=api)) == []


def test_discovery_and_identity(api):
    assert {"pods", "deployments"} <= {each["name"] for each in api.api_resources()}
    assert api.version()["minor"] == "36"
    assert api.whoami() == "kubernetes-admin"
