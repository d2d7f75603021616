"""lightkube: a client that knows the kinds as classes."""

import pytest
from lightkube import ApiError, Client, KubeConfig
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap
from lightkube.types import PatchType


@pytest.fixture
def client(server, namespace) -> Client:
    return Client(KubeConfig.from_file(str(server.kubeconfig)), namespace=namespace, field_manager="lightkube")


def config_map(name: str, **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, labels={"mine": "yes"}), data=data)


def deployment(replicas: int = 1) -> Deployment:
    labels = {"app": "web"}
    pods = PodTemplateSpec(
        metadata=ObjectMeta(labels=labels), spec=PodSpec(containers=[Container(name="c", image="nginx")])
    )
    return Deployment(
        metadata=ObjectMeta(name="web"),
        spec=DeploymentSpec(replicas=replicas, selector=LabelSelector(matchLabels=labels), template=pods),
    )


def test_create_list_replace_delete(client):
    made = client.create(config_map("one", a="b"))
    made.data["a"] = "c"
    assert client.replace(made).data == {"a": "c"}
    with pytest.raises(ApiError) as refused:
        client.replace(made)
    assert refused.value.status.reason == "Conflict"
    assert [each.metadata.name for each in client.list(ConfigMap, labels={"mine": "yes"})] == ["one"]
    client.delete(ConfigMap, "one")
    with pytest.raises(ApiError) as missing:
        client.get(ConfigMap, "one")
    assert missing.value.status.code == 404


def test_list_in_chunks(client):
    for number in range(5):
        client.create(config_map(f"m{number}"))
    found = client.list(ConfigMap, labels={"mine": "yes"}, chunk_size=2)
    assert [each.metadata.name for each in found] == [f"m{number}" for number in range(5)]


def test_watch(client):
    version = client.create(config_map("one")).metadata.resourceVersion
    client.patch(ConfigMap, "one", {"data": {"a": "b"}}, patch_type=PatchType.MERGE)
    client.delete(ConfigMap, "one")
    watched = client.watch(ConfigMap, labels={"mine": "yes"}, resource_version=version, server_timeout=20)
    assert [next(watched)[0] for _ in range(2)] == ["MODIFIED", "DELETED"]


def test_apply_and_wait(client):
    made = client.apply(deployment())
    assert client.apply(deployment()).metadata.resourceVersion == made.metadata.resourceVersion
    condition = {"type": "Available", "status": "True", "reason": "x", "message": "y"}
    client.patch(Deployment.Status, "web", {"status": {"conditions": [condition]}}, patch_type=PatchType.MERGE)
    assert client.wait(Deployment, "web", for_conditions=["Available"]).metadata.name == "web"
    with pytest.raises(ApiError) as refused:
        client.apply(deployment(replicas=5), field_manager="other")
    assert refused.value.status.reason == "Conflict"
    assert client.apply(deployment(replicas=5), field_manager="other", force=True).spec.replicas == 5


def test_scale(client):
    client.create(deployment())
    scale = client.get(Deployment.Scale, "web")
    scale.spec.replicas = 3
    client.replace(scale)
    assert client.get(Deployment, "web").spec.replicas == 3
