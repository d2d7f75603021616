"""The Kubernetes Python client: list, watch, patch, apply, delete."""

import threading

import pytest
from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException


@pytest.fixture(scope="module")
def api(server):
    with config.new_client_from_config(str(server.kubeconfig)) as made:
        yield made


@pytest.fixture(scope="module")
def core(api) -> client.CoreV1Api:
    return client.CoreV1Api(api)


@pytest.fixture(scope="module")
def apps(api) -> client.AppsV1Api:
    return client.AppsV1Api(api)


def config_map(name: str, **data: str) -> client.V1ConfigMap:
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data)


def deployment(name: str) -> client.V1Deployment:
    labels = {"app": name}
    spec = client.V1PodSpec(containers=[client.V1Container(name="c", image="nginx")])
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels=labels), spec=spec)
    return client.V1Deployment(
        metadata=client.V1ObjectMeta(name=name),
        spec=client.V1DeploymentSpec(selector=client.V1LabelSelector(match_labels=labels), template=template),
    )


def test_create_read_update_delete(core, namespace):
    made = core.create_namespaced_config_map(namespace, config_map("one", a="b"))
    assert made.metadata.uid
    made.data["a"] = "c"
    assert core.replace_namespaced_config_map("one", namespace, made).data == {"a": "c"}
    with pytest.raises(ApiException) as refused:
        core.replace_namespaced_config_map("one", namespace, made)
    assert refused.value.status == 409
    core.delete_namespaced_config_map("one", namespace)
    with pytest.raises(ApiException) as missing:
        core.read_namespaced_config_map("one", namespace)
    assert missing.value.status == 404


def test_list_with_selectors_and_pages(core, namespace):
    for number in range(7):
        made = config_map(f"m{number}")
        made.metadata.labels = {"odd": str(number % 2)}
        core.create_namespaced_config_map(namespace, made)
    names, going = [], ""
    while True:
        page = core.list_namespaced_config_map(namespace, label_selector="odd=0", limit=3, _continue=going)
        names += [item.metadata.name for item in page.items]
        if not (going := page.metadata._continue):
            break
    assert names == ["m0", "m2", "m4", "m6"]
    chosen = core.list_namespaced_config_map(namespace, field_selector="metadata.name=m3")
    assert [item.metadata.name for item in chosen.items] == ["m3"]


def test_watch(core, namespace):
    begun = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, config_map("one"))
    core.patch_namespaced_config_map("one", namespace, {"data": {"x": "y"}})
    core.delete_namespaced_config_map("one", namespace)
    seen = []
    stream = watch.Watch()
    for event in stream.stream(
        core.list_namespaced_config_map, namespace, resource_version=begun, timeout_seconds=20,
        field_selector="metadata.name=one",
    ):  # fmt: skip
        seen.append((event["type"], event["object"].data))
        if event["type"] == "DELETED":
            stream.stop()
    assert seen == [("ADDED", None), ("MODIFIED", {"x": "y"}), ("DELETED", {"x": "y"})]


def test_watch_sees_what_others_do_and_ends_in_time(core, namespace):
    ready, seen = threading.Event(), []

    def look() -> None:
        for event in watch.Watch().stream(core.list_namespaced_secret, namespace, timeout_seconds=1):
            seen.append((event["type"], event["object"].metadata.name))
            ready.set()

    core.create_namespaced_secret(namespace, client.V1Secret(metadata=client.V1ObjectMeta(name="first")))
    looking = threading.Thread(target=look)
    looking.start()
    assert ready.wait(10)
    core.create_namespaced_secret(namespace, client.V1Secret(metadata=client.V1ObjectMeta(name="second")))
    looking.join(10)
    assert not looking.is_alive()
    assert seen == [("ADDED", "first"), ("ADDED", "second")]


def test_patch_kinds(apps, core, namespace):
    apps.create_namespaced_deployment(namespace, deployment("web"))
    sidecar = {"spec": {"template": {"spec": {"containers": [{"name": "s", "image": "busybox"}]}}}}
    merged = apps.patch_namespaced_deployment("web", namespace, sidecar)
    assert {each.name for each in merged.spec.template.spec.containers} == {"c", "s"}
    operations = [{"op": "remove", "path": "/spec/template/spec/containers/0"}]
    assert len(apps.patch_namespaced_deployment("web", namespace, operations).spec.template.spec.containers) == 1
    with pytest.raises(ApiException) as refused:
        apps.patch_namespaced_deployment("web", namespace, {"spec": {"replicas": "many"}})
    assert refused.value.status in (400, 422)


def test_server_side_apply(api, namespace):
    maps = dynamic.DynamicClient(api).resources.get(api_version="v1", kind="ConfigMap")
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "b"}}
    made = maps.server_side_apply(body=wanted, name="one", namespace=namespace, field_manager="me")
    (entry,) = made.metadata.managedFields
    assert (entry.manager, entry.operation) == ("me", "Apply")
    with pytest.raises(dynamic.exceptions.ConflictError):
        maps.server_side_apply(body=wanted | {"data": {"a": "c"}}, name="one", namespace=namespace, field_manager="you")
    forced = maps.server_side_apply(
        body=wanted | {"data": {"a": "c"}}, name="one", namespace=namespace, field_manager="you", force_conflicts=True
    )
    assert forced.data.to_dict() == {"a": "c"}


def test_dynamic_client_discovers(api, namespace):
    deployments = dynamic.DynamicClient(api).resources.get(api_version="apps/v1", kind="Deployment")
    assert deployments.subresources["scale"]
    assert deployments.get(namespace=namespace).items == []


def test_delete_options(core, namespace):
    made = core.create_namespaced_config_map(namespace, config_map("one"))
    wrong = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid="someone-else"))
    with pytest.raises(ApiException) as refused:
        core.delete_namespaced_config_map("one", namespace, body=wrong)
    assert refused.value.status == 409
    dry = client.V1DeleteOptions(dry_run=["All"])
    core.delete_namespaced_config_map("one", namespace, body=dry)
    right = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=made.metadata.uid))
    core.delete_namespaced_config_map("one", namespace, body=right)
    core.create_namespaced_config_map(namespace, config_map("two"))
    core.delete_collection_namespaced_config_map(namespace, field_selector="metadata.name!=kube-root-ca.crt")
    left = core.list_namespaced_config_map(namespace, field_selector="metadata.name!=kube-root-ca.crt")
    assert left.items == []


def test_status_and_scale_subresources(apps, namespace):
    apps.create_namespaced_deployment(namespace, deployment("web"))
    apps.patch_namespaced_deployment_status("web", namespace, {"status": {"replicas": 1, "readyReplicas": 1}})
    assert apps.read_namespaced_deployment_status("web", namespace).status.ready_replicas == 1
    scale = apps.read_namespaced_deployment_scale("web", namespace)
    scale.spec.replicas = 4
    assert apps.replace_namespaced_deployment_scale("web", namespace, scale).spec.replicas == 4
    assert apps.read_namespaced_deployment("web", namespace).spec.replicas == 4


def test_create_from_yaml(api, apps, namespace, request):
    made = utils.create_from_yaml(api, str(request.path.parent / "manifests" / "web.yaml"), namespace=namespace)
    assert [each.kind for group in made for each in (group if isinstance(group, list) else [group])] == [
        "ConfigMap", "Deployment", "Service", "Ingress",
    ]  # fmt: skip
    assert apps.read_namespaced_deployment("web", namespace).spec.replicas == 2


def test_reviews_and_version(api):
    asked = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(verb="get", resource="pods", namespace="default")
        )
    )
    assert client.AuthorizationV1Api(api).create_self_subject_access_review(asked).status.allowed
    assert client.VersionApi(api).get_code().git_version.startswith("v1.36")


def test_leases_as_leader_election_uses_them(api, namespace):
    from datetime import UTC, datetime

    leases = client.CoordinationV1Api(api)
    held = client.V1LeaseSpec(holder_identity="a", lease_duration_seconds=15, renew_time=datetime.now(UTC))
    made = leases.create_namespaced_lease(
        namespace, client.V1Lease(metadata=client.V1ObjectMeta(name="leader"), spec=held)
    )
    made.spec.holder_identity = "b"
    assert leases.replace_namespaced_lease("leader", namespace, made).spec.holder_identity == "b"
