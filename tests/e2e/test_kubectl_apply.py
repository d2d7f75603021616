"""kubectl apply in its forms, diff, and the objects that come of it."""

import json

from kubectl_runner import MANIFESTS

WEB = str(MANIFESTS / "web.yaml")
OBJECTS = ("configmap/web-config", "deployment.apps/web", "service/web", "ingress.networking.k8s.io/web")


def red() -> str:
    return (MANIFESTS / "web.yaml").read_text().replace("blue", "red")


def said(what: str) -> list[str]:
    return [f"{name} {what}" for name in OBJECTS]


def test_apply_creates_and_leaves_alone_what_is_as_wanted(kubectl):
    assert kubectl.lines("apply", "-f", WEB) == said("created")
    before = kubectl("get", "-f", WEB, "-o", "yaml", "--show-managed-fields")
    assert kubectl.lines("apply", "-f", WEB) == said("unchanged")
    assert kubectl("get", "-f", WEB, "-o", "yaml", "--show-managed-fields") == before


def test_apply_changes_what_has_changed_and_removes_what_is_gone(kubectl):
    kubectl("apply", "-f", "-", stdin=red().replace("labels: {app: web}\nspec", "labels: {app: web, old: gone}\nspec"))
    kubectl("label", "deployment/web", "mine=kept")
    assert kubectl.lines("apply", "-f", WEB) == [
        "configmap/web-config configured", "deployment.apps/web configured",
        "service/web unchanged", "ingress.networking.k8s.io/web unchanged",
    ]  # fmt: skip
    assert json.loads(kubectl.field("deployment/web", ".metadata.labels")) == {"app": "web", "mine": "kept"}


def test_apply_merges_containers_by_name(kubectl):
    kubectl("apply", "-f", WEB)
    sidecar = {"spec": {"template": {"spec": {"containers": [{"name": "sidecar", "image": "busybox"}]}}}}
    kubectl("patch", "deployment/web", "-p", json.dumps(sidecar))
    kubectl("apply", "-f", "-", stdin=(MANIFESTS / "web.yaml").read_text().replace("nginx:1.27", "nginx:1.28"))
    images = kubectl.field("deployment/web", ".spec.template.spec.containers[*].image").split()
    assert sorted(images) == ["busybox", "nginx:1.28"]


def test_apply_prunes_what_left_the_file(kubectl):
    kubectl("apply", "-f", WEB, "-l", "!nothing")
    only = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-config}\ndata: {colour: blue}\n"
    said = kubectl("apply", "--prune", "-l", "!nothing", "--prune-allowlist=apps/v1/Deployment", "-f", "-", stdin=only)
    assert "deployment.apps/web pruned" in said
    assert "NotFound" in kubectl.refused("get", "deployment/web")


def test_server_side_apply_is_idempotent_and_owns(kubectl):
    assert kubectl.lines("apply", "--server-side", "-f", WEB) == said("serverside-applied")
    version = kubectl.field("configmap/web-config", ".metadata.resourceVersion")
    assert kubectl.lines("apply", "--server-side", "-f", WEB) == said("serverside-applied")
    assert kubectl.field("configmap/web-config", ".metadata.resourceVersion") == version
    (entry,) = json.loads(kubectl("get", "configmap/web-config", "-o", "json", "--show-managed-fields"))["metadata"][
        "managedFields"
    ]
    assert (entry["manager"], entry["operation"]) == ("kubectl", "Apply")
    assert entry["fieldsV1"] == {"f:data": {"f:colour": {}}}


def test_server_side_apply_tells_of_conflicts_and_can_be_forced(kubectl):
    kubectl("apply", "--server-side", "-f", WEB)
    other = ("apply", "--server-side", "--field-manager=other", "-f", "-")
    assert 'conflict with "kubectl": .data.colour' in kubectl.refused(*other, stdin=red())
    assert kubectl.field("configmap/web-config", ".data.colour") == "blue"
    kubectl(*other, "--force-conflicts", stdin=red())
    assert kubectl.field("configmap/web-config", ".data.colour") == "red"


def test_client_side_apply_can_be_taken_over_by_the_server(kubectl):
    kubectl("apply", "-f", WEB)
    assert kubectl.lines("apply", "--server-side", "-f", WEB) == said("serverside-applied")
    kubectl("apply", "--server-side", "-f", "-", stdin=red())
    assert kubectl.field("configmap/web-config", ".data.colour") == "red"


def test_diff_shows_what_apply_would_do(kubectl):
    kubectl("apply", "-f", WEB)
    assert kubectl("diff", "-f", WEB) == ""
    done = kubectl.run("diff", "-f", "-", stdin=red())
    assert done.returncode == 1, done.stderr
    assert [line for line in done.stdout.splitlines() if line[:2] in ("- ", "+ ")] == [
        "-  colour: blue",
        "+  colour: red",
    ]
    assert kubectl.field("configmap/web-config", ".data.colour") == "blue"


def test_diff_on_the_server(kubectl):
    kubectl("apply", "--server-side", "-f", WEB)
    assert kubectl("diff", "--server-side", "-f", WEB) == ""
    done = kubectl.run("diff", "--server-side", "-f", "-", stdin=red())
    assert done.returncode == 1, done.stderr
    assert "+  colour: red" in done.stdout


def test_diff_of_what_is_not_there_yet(kubectl):
    done = kubectl.run("diff", "-f", WEB)
    assert done.returncode == 1, done.stderr
    assert "+kind: Ingress" in done.stdout


def test_delete_by_file(kubectl):
    kubectl("apply", "-f", WEB)
    assert len(kubectl.lines("delete", "-f", WEB)) == len(OBJECTS)
    assert "NotFound" in kubectl.refused("get", "-f", WEB)


def test_dry_run_changes_nothing(kubectl):
    assert kubectl.lines("apply", "--dry-run=server", "-f", WEB) == said("created (server dry run)")
    text = kubectl("run", "box", "--image=busybox", "--dry-run=server", "-o", "yaml")
    assert "uid:" in text
    assert "dnsPolicy: ClusterFirst" in text
    assert kubectl.run("get", "pods,deploy,configmap/web-config").stdout == ""


def test_an_unknown_field_is_refused_when_asked_for(kubectl):
    wrong = red().replace("replicas: 2", "replicas: 2\n  replicass: 3")
    complaint = kubectl.refused("create", "--validate=strict", "-f", "-", stdin=wrong)
    assert 'strict decoding error: unknown field "spec.replicass"' in complaint
    warned = kubectl.run("create", "--validate=warn", "-f", "-", stdin=wrong)
    assert "deployment.apps/web created" in warned.stdout
    assert 'Warning: unknown field "spec.replicass"' in warned.stderr
