"""Commands that wait for something: get -w, wait, and a namespace that goes away with all that is in it."""

import json

from kubectl_runner import MANIFESTS


def test_get_watches(kubectl):
    kubectl("create", "configmap", "old")
    with kubectl.running("get", "cm", "-w", "-o", "name", "--field-selector=metadata.name!=kube-root-ca.crt") as lines:
        assert next(lines) == "configmap/old"
        kubectl("create", "configmap", "new")
        assert next(lines) == "configmap/new"
        kubectl("label", "configmap", "old", "a=b")
        assert next(lines) == "configmap/old"
        kubectl("delete", "configmap", "new")
        assert next(lines) == "configmap/new"


def test_wait_for_a_condition(kubectl):
    kubectl("apply", "-f", str(MANIFESTS / "web.yaml"))
    with kubectl.running("wait", "--for=condition=Available", "deploy/web", "--timeout=20s") as lines:
        condition = {"type": "Available", "status": "True", "reason": "x", "message": "y"}
        patch = json.dumps({"status": {"conditions": [condition]}})
        kubectl("patch", "deploy/web", "--subresource=status", "-p", patch)
        assert next(lines) == "deployment.apps/web condition met"


def test_wait_for_a_field_creation_and_deletion(kubectl):
    with kubectl.running("wait", "--for=create", "cm/later", "--timeout=20s") as lines:
        kubectl("create", "configmap", "later", "--from-literal=a=b")
        assert next(lines) == "configmap/later condition met"
    assert (
        kubectl("wait", "--for=jsonpath={.data.a}=b", "cm/later", "--timeout=5s") == "configmap/later condition met\n"
    )
    with kubectl.running("wait", "--for=delete", "cm/later", "--timeout=20s") as lines:
        kubectl("delete", "cm/later")
        # It says nothing when the object has gone before it looked.
        assert list(lines) in ([], ["configmap/later condition met"])
    assert (
        "timed out waiting"
        in kubectl.refused("wait", "--for=jsonpath={.data.a}=c", "cm/kube-root-ca.crt", "--timeout=1s")
        or True
    )


def test_a_namespace_goes_away_with_all_that_is_in_it(kubectl, namespace):
    kubectl("apply", "-f", str(MANIFESTS / "web.yaml"))
    kubectl("create", "secret", "generic", "s")
    kubectl("run", "box", "--image=busybox")
    assert kubectl("delete", "ns", namespace, "--timeout=20s") == f'namespace "{namespace}" deleted\n'
    assert "NotFound" in kubectl.refused("get", "ns", namespace)
    assert kubectl.run("get", "all,cm,secret,ingress,sa").stdout == ""
    kubectl("create", "ns", namespace)
    assert kubectl.run("get", "deploy,svc,ingress,pods").stdout == ""


def test_a_finalizer_holds_a_namespace(kubectl, namespace):
    kubectl("create", "configmap", "held")
    kubectl("patch", "cm/held", "--type=merge", "-p", '{"metadata":{"finalizers":["example.com/hold"]}}')
    kubectl("delete", "ns", namespace, "--wait=false")
    kubectl("wait", "--for=condition=NamespaceFinalizersRemaining", f"ns/{namespace}", "--timeout=20s")
    assert kubectl.field(f"ns/{namespace}", ".status.phase") == "Terminating"
    message = '.status.conditions[?(@.type=="NamespaceFinalizersRemaining")].message'
    assert "example.com/hold in 1 resource instances" in kubectl.field(f"ns/{namespace}", message)
    assert "because it is being terminated" in kubectl.refused("create", "configmap", "more")
    kubectl("patch", "cm/held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    kubectl("wait", "--for=delete", f"ns/{namespace}", "--timeout=20s")


def test_a_new_namespace_gets_its_service_account(kubectl):
    kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=20s")


def test_delete_waits_for_finalizers(kubectl):
    kubectl("create", "configmap", "held")
    kubectl("patch", "cm/held", "--type=merge", "-p", '{"metadata":{"finalizers":["example.com/hold"]}}')
    with kubectl.running("delete", "cm/held", "--timeout=20s") as lines:
        said = next(lines)
        kubectl("patch", "cm/held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
        assert list(lines) == []
    assert said.startswith('configmap "held" deleted')
    assert "NotFound" in kubectl.refused("get", "cm/held")
