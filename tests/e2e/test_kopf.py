"""kopf: an operator with handlers for ConfigMaps and no peering sees what happens to them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

OPERATOR = Path(__file__).parent / "operator_for_kopf.py"


@pytest.fixture
def operator(server, namespace) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "kopf", "run", "--standalone", "--namespace", namespace, str(OPERATOR)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "KUBECONFIG": str(server.kubeconfig)},
    )  # fmt: skip
    yield process
    process.terminate()
    try:
        process.communicate(timeout=10)
    finally:
        process.kill()


def test_handlers_see_creation_update_and_deletion(operator, kubectl):
    made = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, labels: {watched: 'yes'}}\ndata: {colour: blue}\n"
    kubectl("create", "-f", "-", stdin=made)
    annotation = "--for=jsonpath={.metadata.annotations.example\\.com/%s}=%s"
    kubectl("wait", annotation % ("created", "blue"), "cm/one", "--timeout=20s")
    kubectl("patch", "cm/one", "-p", '{"data":{"colour":"red"}}')
    kubectl("wait", annotation % ("updated", "red"), "cm/one", "--timeout=20s")
    assert "kopf.zalando.org/KopfFinalizerMarker" in kubectl.field("cm/one", ".metadata.finalizers")
    kubectl("delete", "cm/one", "--timeout=20s")
    assert operator.stdout
    assert operator.stdout.readline() == "gone: one\n"
    assert "NotFound" in kubectl.refused("get", "cm/one")
