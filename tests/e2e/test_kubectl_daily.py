"""What people do with kubectl all day: look, change, scale, describe, delete."""

import json

import pytest
from kubectl_runner import MANIFESTS

WEB = str(MANIFESTS / "web.yaml")


@pytest.fixture
def web(kubectl):
    kubectl("apply", "-f", WEB)
    return kubectl


def columns(line: str) -> list[str]:
    return line.split()


def test_create_a_namespace_and_a_configmap_in_it(kubectl, namespace):
    assert kubectl("create", "ns", f"{namespace}-more") == f"namespace/{namespace}-more created\n"
    there = ("-n", f"{namespace}-more")
    assert kubectl("create", "configmap", "hello", "--from-literal=a=b", *there) == "configmap/hello created\n"
    assert kubectl("get", "cm", "hello", "-o", "jsonpath={.data}", *there) == '{"a":"b"}'


def test_get_prints_what_is_asked_for(web, namespace):
    assert web("get", "cm", "-o", "name").splitlines()[-1] == "configmap/web-config"
    assert web("get", "svc", "web", "-o", "custom-columns=N:.metadata.name,P:.spec.ports[0].port").split() == [
        "N", "P", "web", "80",
    ]  # fmt: skip
    service = json.loads(web("get", "svc", "web", "-o", "json"))
    assert (service["kind"], service["apiVersion"], service["metadata"]["namespace"]) == ("Service", "v1", namespace)
    assert web("get", "deploy", "-o", "jsonpath={.items[*].kind}") == "Deployment"
    assert "app=web" in web("get", "deploy", "--show-labels")
    assert columns(web.lines("get", "deploy", "-L", "app")[1])[-1] == "web"


def test_get_all(web):
    found = {columns(line)[0] for line in web.lines("get", "all") if line}
    assert {"service/web", "deployment.apps/web"} <= found


def test_get_selects_and_sorts(kubectl):
    for name, tier in (("b", "x"), ("a", "x"), ("c", "y")):
        kubectl("create", "configmap", name)
        kubectl("label", "configmap", name, f"tier={tier}")
    assert kubectl("get", "cm", "-l", "tier=x", "-o", "name").split() == ["configmap/a", "configmap/b"]
    assert kubectl("get", "cm", "-l", "tier notin (x),tier", "-o", "name").split() == ["configmap/c"]
    assert kubectl("get", "cm", "--field-selector=metadata.name=b", "-o", "name").split() == ["configmap/b"]
    newest = kubectl("get", "cm", "-l", "tier", "--sort-by={.metadata.labels.tier}", "-o", "name").split()
    assert newest[-1] == "configmap/c"


def test_edit(web):
    said = web("edit", "configmap/web-config", KUBE_EDITOR="sed -i s/blue/green/")
    assert said == "configmap/web-config edited\n"
    assert web.field("configmap/web-config", ".data.colour") == "green"
    again = web.run("edit", "configmap/web-config", KUBE_EDITOR="true")
    assert "cancelled, no changes made" in again.stdout + again.stderr


def test_edit_offers_again_what_was_refused(web):
    done = web.run("edit", "deployment/web", KUBE_EDITOR="sed -i s/maxSurge:.*/maxSurge:\\ -1/")
    assert done.returncode == 1
    assert 'deployments.apps "web" is invalid' in done.stderr
    assert web.field("deployment/web", ".spec.strategy.rollingUpdate.maxSurge") == "25%"


def test_label_and_annotate(web):
    assert web("label", "cm/web-config", "a=b") == "configmap/web-config labeled\n"
    assert "already has a value" in web.refused("label", "cm/web-config", "a=c")
    web("label", "cm/web-config", "a=c", "--overwrite")
    assert web.field("cm/web-config", ".metadata.labels") == '{"a":"c"}'
    assert web("label", "cm/web-config", "a-") == "configmap/web-config unlabeled\n"
    assert web.field("cm/web-config", ".metadata.labels") == ""
    web("annotate", "cm/web-config", "note=what is it")
    assert web.field("cm/web-config", ".metadata.annotations.note") == "what is it"
    assert "invalid label value" in web.refused("label", "cm/web-config", "a=no spaces")


@pytest.mark.parametrize(
    ("kind", "patch", "images"),
    [
        ("strategic", {"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "b"}]}}}}, {"nginx", "b"}),
        ("merge", {"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "b"}]}}}}, {"b"}),
        ("json", [{"op": "replace", "path": "/spec/template/spec/containers/0/name", "value": "c"}], {"c"}),
    ],
)
def test_patch(web, kind, patch, images):
    assert web("patch", "deploy/web", f"--type={kind}", "-p", json.dumps(patch)) == "deployment.apps/web patched\n"
    assert set(web.field("deploy/web", ".spec.template.spec.containers[*].name").split()) == images
    assert web("patch", "deploy/web", f"--type={kind}", "-p", "[]" if kind == "json" else "{}") == (
        "deployment.apps/web patched (no change)\n"
    )


def test_scale(web):
    assert web("scale", "deploy/web", "--replicas=5") == "deployment.apps/web scaled\n"
    assert web.field("deploy/web", ".spec.replicas") == "5"
    assert web.field("deploy/web", ".metadata.generation") == "2"
    assert "Expected replicas to be 2, was 5" in web.refused(
        "scale", "deploy/web", "--current-replicas=2", "--replicas=1"
    )


def test_set_image_and_rollout(web):
    assert web("set", "image", "deploy/web", "nginx=nginx:1.28") == "deployment.apps/web image updated\n"
    assert web.field("deploy/web", ".spec.template.spec.containers[0].image") == "nginx:1.28"
    assert "No rollout history found" in web("rollout", "history", "deploy/web")
    web("rollout", "restart", "deploy/web")
    assert "restartedAt" in web.field("deploy/web", ".spec.template.metadata.annotations")
    web("rollout", "pause", "deploy/web")
    assert web.field("deploy/web", ".spec.paused") == "true"
    web("set", "env", "deploy/web", "A=b")
    assert "A" in web.field("deploy/web", ".spec.template.spec.containers[0].env")


def test_rollout_history_lists_revisions(web):
    deployment = json.loads(web("get", "deploy/web", "-o", "json"))
    owner = {
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
        "uid": deployment["metadata"]["uid"], "controller": True,
    }  # fmt: skip
    for revision in ("1", "2"):
        labels = {"app": "web", "pod-template-hash": revision}
        template = deployment["spec"]["template"] | {"metadata": {"labels": labels}}
        metadata = {
            "name": f"web-{revision}", "labels": labels, "ownerReferences": [owner],
            "annotations": {
                "deployment.kubernetes.io/revision": revision, "kubernetes.io/change-cause": f"c{revision}",
            },
        }  # fmt: skip
        spec = {"selector": {"matchLabels": labels}, "template": template}
        kind = {"apiVersion": "apps/v1", "kind": "ReplicaSet"}
        web("create", "-f", "-", stdin=json.dumps({**kind, "metadata": metadata, "spec": spec}))
    rows = [columns(line) for line in web.lines("rollout", "history", "deploy/web") if line]
    assert rows[-2:] == [["1", "c1"], ["2", "c2"]]


def test_describe(web):
    text = web("describe", "deploy/web")
    assert "25% max unavailable, 25% max surge" in text
    assert "nginx:1.27" in text
    assert "colour:\n----\nblue" in web("describe", "cm/web-config")
    assert "web.example.com" in web("describe", "ingress/web")
    assert "Status:       Active" in web("describe", "ns", "default")
    web("run", "box", "--image=busybox")
    assert "QoS Class:" in web("describe", "pod/box")


def test_describe_shows_events(web):
    involved = {"apiVersion": "v1", "kind": "ConfigMap", "name": "web-config", "namespace": web.namespace}
    involved["uid"] = web.field("cm/web-config", ".metadata.uid")
    event = {
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "involvedObject": involved,
        "reason": "Painted", "message": "it is blue", "type": "Normal", "count": 3,
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    web("create", "-f", "-", stdin=json.dumps(event))
    assert "it is blue" in web("describe", "cm/web-config")
    assert "it is blue" in web("events", "--for", "configmap/web-config")


def test_create_generators(kubectl):
    made = [
        ("secret", "generic", "s", "--from-literal=k=v"), ("serviceaccount", "robot"), ("job", "j", "--image=busybox"),
        ("cronjob", "c", "--image=busybox", "--schedule=*/5 * * * *"), ("deployment", "d", "--image=nginx"),
        ("service", "clusterip", "svc", "--tcp=80:8080"), ("quota", "q", "--hard=pods=3"),
        ("role", "r", "--verb=get", "--resource=pods"), ("rolebinding", "rb", "--role=r", "--user=jane"),
        ("ingress", "i", "--rule=example.com/=svc:80"),
        ("poddisruptionbudget", "p", "--selector=a=b", "--min-available=1"),
    ]  # fmt: skip
    for words in made:
        assert kubectl("create", *words).endswith(" created\n")
    assert kubectl.field("secret/s", ".data.k") == "dg=="
    assert kubectl.field("cronjob/c", ".spec.concurrencyPolicy") == "Allow"
    assert kubectl.field("svc/svc", ".spec.clusterIP").startswith("10.")
    assert kubectl("expose", "deploy/d", "--port=80").endswith(" exposed\n")
    assert kubectl("autoscale", "deploy/d", "--max=3", "--cpu=80%").endswith(" autoscaled\n")
    assert kubectl("create", "job", "once", "--from=cronjob/c") == "job.batch/once created\n"


def test_replace_needs_the_newest_version(web):
    old = web("get", "cm/web-config", "-o", "json")
    web("label", "cm/web-config", "a=b")
    assert "the object has been modified" in web.refused("replace", "-f", "-", stdin=old)
    new = web("get", "cm/web-config", "-o", "json")
    assert web("replace", "-f", "-", stdin=new.replace("blue", "pink")) == "configmap/web-config replaced\n"
    web("replace", "--force", "-f", "-", stdin=new)
    assert web.field("cm/web-config", ".data.colour") == "blue"


def test_delete_by_label_and_all(web):
    for name in ("a", "b", "c"):
        web("create", "configmap", name)
    web("label", "cm/a", "cm/b", "bin=yes")
    assert len(web.lines("delete", "cm", "-l", "bin=yes")) == 2
    web("delete", "cm", "--all")
    assert "not found" in web.refused("get", "cm/c")


def test_errors_are_told_as_kubectl_users_know_them(kubectl, namespace):
    assert kubectl.refused("get", "cm/none") == 'Error from server (NotFound): configmaps "none" not found\n'
    assert kubectl.refused("get", "nonsense") == 'error: the server doesn\'t have a resource type "nonsense"\n'
    kubectl("create", "configmap", "twice")
    assert kubectl.refused("create", "configmap", "twice") == (
        'error: failed to create configmap: configmaps "twice" already exists\n'
    )
    assert 'namespaces "missing" not found' in kubectl.refused("create", "configmap", "x", "-n", "missing")
    invalid = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_Good}\n"
    assert 'The ConfigMap "Not_Good" is invalid: metadata.name: Invalid value' in kubectl.refused(
        "create", "-f", "-", stdin=invalid
    )
    assert kubectl.of("jane").refused("get", "secrets") == (
        'Error from server (Forbidden): secrets is forbidden: User "jane" cannot list resource "secrets" '
        f'in API group "" in the namespace "{namespace}"\n'
    )


def test_run_a_pod(kubectl):
    assert kubectl("run", "box", "--image=busybox", "--port=80", "--env=A=b", "--labels=x=y") == "pod/box created\n"
    assert kubectl.field("pod/box", ".status.phase") == "Pending"
    assert kubectl.field("pod/box", ".spec.serviceAccountName") == "default"
    assert "kube-api-access-" in kubectl.field("pod/box", ".spec.volumes[0].name")
    assert kubectl("delete", "pod/box", "--grace-period=0", "--force").count("box") == 1


def test_patch_a_subresource(web):
    patch = {"spec": {"replicas": 9}, "status": {"replicas": 2, "readyReplicas": 1}}
    web("patch", "deploy/web", "--subresource=status", "--type=merge", "-p", json.dumps(patch))
    assert web.field("deploy/web", ".status.readyReplicas") == "1"
    assert web.field("deploy/web", ".spec.replicas") == "2"
    assert web.field("deploy/web", ".metadata.generation") == "1"
