"""kubectl delete with its ways to cascade, on owners and dependents made by hand."""

import json
import time
from collections.abc import Sequence

import pytest

from kapi.testing.server import ServerProcess

HELD = "example.com/held"
MANY = 1000


def reference(owner: dict, *, block: bool = False) -> dict:
    found = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "blockOwnerDeletion": block}
    return found | {member: owner["metadata"][member] for member in ("name", "uid")}


class Maker:
    """Creates objects in a namespace, over one connection."""

    def __init__(self, server, namespace: str) -> None:
        self._connection, self._namespace = server.connect(), namespace
        self._headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}

    def __call__(self, name: str, *owners: dict, block: bool = False, finalizers: Sequence[str] = ()) -> dict:
        metadata = {"name": name, "ownerReferences": [reference(owner, block=block) for owner in owners]}
        body = json.dumps({"metadata": {**metadata, "finalizers": list(finalizers)}})
        path = f"/api/v1/namespaces/{self._namespace}/configmaps"
        self._connection.request("POST", path, body, self._headers)
        answer = self._connection.getresponse()
        made = json.loads(answer.read())
        assert answer.status == 201, made
        return made

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def make(server, namespace):
    maker = Maker(server, namespace)
    yield maker
    maker.close()


def gone(kubectl, *names: str) -> None:
    """Wait with kubectl's own watch until objects are gone."""
    kubectl("wait", "--for=delete", "--timeout=15s", *(f"configmap/{name}" for name in names))


def left(kubectl) -> list[str]:
    found = kubectl.field("configmaps", ".items[*].metadata.name").split()
    return [name for name in found if name != "kube-root-ca.crt"]


def test_background(kubectl, make):
    a = make("a")
    b = make("b", a)
    make("c", b)
    make("bystander")
    kubectl("delete", "configmap/a", "--cascade=background")
    gone(kubectl, "b", "c")
    assert left(kubectl) == ["bystander"]


def test_foreground(kubectl, make):
    a = make("a")
    b = make("b", a, block=True)
    make("c", b, block=True)
    kubectl("delete", "configmap/a", "--cascade=foreground")
    assert left(kubectl) == []


def test_foreground_waits_for_a_dependent_that_something_holds(kubectl, make):
    a = make("a")
    make("b", a, block=True, finalizers=[HELD])
    kubectl("delete", "configmap/a", "--cascade=foreground", "--wait=false")
    kubectl("wait", "configmap/b", "--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=15s")
    assert kubectl.field("configmap/a", ".metadata.finalizers") == '["foregroundDeletion"]'
    kubectl("patch", "configmap/b", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    gone(kubectl, "a", "b")


def test_orphan(kubectl, make):
    a, other = make("a"), make("other")
    make("b", a)
    make("c", a, other, block=True)
    kubectl("delete", "configmap/a", "--cascade=orphan")
    assert left(kubectl) == ["b", "c", "other"]
    assert kubectl.field("configmap/b", ".metadata.ownerReferences") == ""
    assert kubectl.field("configmap/c", ".metadata.ownerReferences[*].name") == "other"


def test_across_groups(kubectl, make):
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    deployment = _create(kubectl, "apps/v1", "Deployment", spec=spec)
    replicas = _create(kubectl, "apps/v1", "ReplicaSet", deployment, spec=spec)
    pod = _create(kubectl, "v1", "Pod", replicas, spec=template["spec"])
    _create(kubectl, "v1", "ConfigMap", pod)
    kubectl("delete", "deployment/x")
    gone(kubectl, "x")
    assert kubectl.run("get", "deployments,replicasets,pods", "-o", "name").stdout == ""


def _create(kubectl, api_version: str, kind: str, *owners: dict, **members: object) -> dict:
    metadata = {"name": "x", "ownerReferences": [reference(owner) for owner in owners]}
    body = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **members}
    return json.loads(kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(body)))


def test_an_owner_in_another_namespace(kubectl, server, make, new_namespace):
    a = make("a")
    elsewhere = Maker(server, new_namespace())
    made = elsewhere("b", a)
    elsewhere.close()
    kubectl.namespace = made["metadata"]["namespace"]
    gone(kubectl, "b")
    said = kubectl.lines("get", "events", "--field-selector=reason=OwnerRefInvalidNamespace", "-o", "name")
    assert len(said) == 1


def test_a_namespace_goes_with_all_that_waits_in_it(kubectl, make, namespace):
    a = make("a")
    b = make("b", a, block=True)
    make("c", b, block=True)
    make("d", make("e"))
    kubectl("delete", "configmap/a", "--cascade=foreground", "--wait=false")
    kubectl("delete", "configmap/e", "--cascade=orphan", "--wait=false")
    kubectl("delete", "namespace", namespace, "--timeout=20s")


def test_many_dependents(kubectl, make):
    a = make("a")
    for number in range(MANY):
        make(f"b{number}", a, block=True)
    kubectl("delete", "configmap/a", "--cascade=foreground", "--timeout=10s")
    assert left(kubectl) == []


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("propagation", ["Background", "Foreground", "Orphan"])
def test_ten_thousand_dependents(propagation, record_property):
    with ServerProcess() as server:
        make = Maker(server, "default")
        owner = make("owner")
        for number in range(10_000):
            make(f"d{number}", owner, block=True)
        make.close()
        maps = "/api/v1/namespaces/default/configmaps"
        begun = time.perf_counter()
        assert server.request("DELETE", f"{maps}/owner", {"propagationPolicy": propagation}).status == 200
        while server.request("GET", f"{maps}/owner").status == 200 or (
            propagation != "Orphan" and remaining(server, maps) > 1  # kube-root-ca.crt stays
        ):
            time.sleep(0.1)
        seconds = time.perf_counter() - begun
        record_property("seconds", seconds)
        print(propagation, seconds)
        assert seconds < 20
        if propagation == "Orphan":
            assert remaining(server, maps) >= 10_000


def remaining(server, maps) -> int:
    answer = server.request("GET", f"{maps}?limit=1").json()
    return len(answer["items"]) + answer["metadata"].get("remainingItemCount", 0)


def test_collecting_can_be_switched_off(kubectl_cache):
    from kubectl_runner import Kubectl

    with ServerProcess("--storage-backend=memory", "--controllers=*,-garbage-collector") as server:
        make = Maker(server, "default")
        make("b", make("a"))
        make.close()
        kubectl = Kubectl(server, kubectl_cache / "off")
        kubectl("delete", "configmap/a", "--cascade=foreground", "--wait=false")
        assert kubectl.field("configmap/a", ".metadata.finalizers") == '["foregroundDeletion"]'
        assert left(kubectl) == ["a", "b"]


def test_without_garbage_collection_deletions_leave_nothing_for_it(kubectl_cache):
    from kubectl_runner import Kubectl

    with ServerProcess("--storage-backend=memory", "--enable-garbage-collector=false") as server:
        make = Maker(server, "default")
        make("b", make("a"))
        make("d", make("c", finalizers=["orphan"]))
        make.close()
        kubectl = Kubectl(server, kubectl_cache / "none")
        kubectl("delete", "configmap/a", "--cascade=foreground", "--timeout=10s")
        kubectl("delete", "configmap/c", "--cascade=background", "--wait=false")
        assert kubectl.field("configmap/c", ".metadata.finalizers") == '["orphan"]'
        assert left(kubectl) == ["b", "c", "d"]
        assert "enable-garbage-collector" not in server.log.read_text()


def test_custom_resources_own_and_are_owned(server, kubectl, make, namespace):
    group = f"{namespace}.example.com"
    names = {"plural": "crates", "singular": "crate", "kind": "Crate"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"crates.{group}"}, "spec": spec,
    }  # fmt: skip
    kubectl("create", "-f", "-", stdin=json.dumps(definition))
    kubectl("wait", "--for=condition=Established", f"crd/crates.{group}", "--timeout=20s")

    def crate(name: str, *owners: dict) -> dict:
        references = [reference(owner) for owner in owners]
        body = {
            "apiVersion": f"{group}/v1", "kind": "Crate", "metadata": {"name": name, "ownerReferences": references},
        }  # fmt: skip
        answer = server.request("POST", f"/apis/{group}/v1/namespaces/{namespace}/crates", body)
        assert answer.status == 201, answer.body
        return answer.json()

    top = crate("top")
    make("held", crate("inner", top))
    other = crate("other")
    orphan = make("kept", other)
    crate("freed", other)
    kubectl("delete", f"crates.{group}/top", "--timeout=15s")
    kubectl("wait", "--for=delete", "--timeout=15s", "configmap/held", f"crates.{group}/inner")
    kubectl("delete", f"crates.{group}/other", "--cascade=orphan", "--timeout=15s")
    assert "ownerReferences" not in json.loads(kubectl("get", "configmap/kept", "-o", "json"))["metadata"]
    assert orphan["metadata"]["uid"] == kubectl.field("configmap/kept", ".metadata.uid")
    freed = json.loads(kubectl("get", f"crates.{group}/freed", "-o", "json", "--show-managed-fields"))["metadata"]
    assert "ownerReferences" not in json.dumps(freed)
    kubectl("delete", f"crd/crates.{group}", "--timeout=15s")


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_collecting_goes_on_after_sudden_ends():
    """The collector is killed in the middle of all that it does; the next one brings each story to its end."""
    maps = "/api/v1/namespaces/default/configmaps"
    policies = ("Background", "Foreground", "Orphan")
    with ServerProcess() as server:
        make = Maker(server, "default")
        for policy in policies:
            owner = make(f"{policy.lower()}-owner")
            for number in range(1500):
                make(f"{policy.lower()}-{number}", owner, block=True)
        make.close()
        for policy in policies:
            options = {"propagationPolicy": policy}
            assert server.request("DELETE", f"{maps}/{policy.lower()}-owner", options).status == 200
        for least in (3600, 2500):
            wait_until(lambda least=least: unfinished(server, maps) < least)
            server.kill()
            server.start()
        wait_until(lambda: unfinished(server, maps) == 0)
        found = server.request("GET", maps).json()["items"]
        names = {obj["metadata"]["name"] for obj in found if obj["metadata"]["name"] != "kube-root-ca.crt"}
        assert names == {f"orphan-{number}" for number in range(1500)}


def unfinished(server, maps) -> int:
    """How many objects have an owner still, or wait for the collector."""
    items = server.request("GET", maps).json()["items"]
    return sum(bool({"ownerReferences", "deletionTimestamp"} & obj["metadata"].keys()) for obj in items)


def wait_until(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
