"""What kubectl learns about the server: kinds, fields, versions."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest


def test_explain(kubectl):
    text = kubectl("explain", "deployment.spec.strategy")
    assert text.splitlines()[:3] == ["GROUP:      apps", "KIND:       Deployment", "VERSION:    v1"]
    assert "FIELD: strategy <DeploymentStrategy>" in text
    assert "rollingUpdate\t<RollingUpdateDeployment>" in text
    assert "enum: Recreate, RollingUpdate" in text


def test_explain_goes_deep(kubectl):
    assert "terminationGracePeriodSeconds" in kubectl("explain", "pod", "--recursive")
    assert "FIELD: image <string>" in kubectl("explain", "cronjob.spec.jobTemplate.spec.template.spec.containers.image")
    assert 'field "nope" does not exist' in kubectl.refused("explain", "pod.nope")


def test_explain_takes_short_names_and_versions(kubectl):
    assert "VERSION:    v1" in kubectl("explain", "hpa", "--api-version=autoscaling/v1")
    assert "metrics\t<[]MetricSpec>" in kubectl("explain", "hpa.spec", "--api-version=autoscaling/v2")


def test_api_resources(kubectl):
    rows = {tuple(line.split()[-4:]): line.split() for line in kubectl.lines("api-resources")[1:]}
    names = {row[0] for row in rows.values()}
    assert len(rows) > 60
    assert {"pods", "deployments", "clusterroles", "customresourcedefinitions", "apiservices"} <= names
    assert "po" in next(row for row in rows.values() if row[0] == "pods")
    everything = kubectl("api-resources", "--categories=all", "-o", "name").split()
    assert {"pods", "services", "deployments.apps", "jobs.batch"} <= set(everything)
    verbs = next(line for line in kubectl.lines("api-resources", "-o", "wide") if line.startswith("configmaps "))
    assert "create,delete,deletecollection,get,list,patch,update,watch" in verbs


def test_api_versions(kubectl):
    found = kubectl("api-versions").split()
    assert {"v1", "apps/v1", "batch/v1", "autoscaling/v2", "rbac.authorization.k8s.io/v1"} <= set(found)
    assert found == sorted(found)


def test_version_and_cluster_info(kubectl, server):
    found = json.loads(kubectl("version", "-o", "json"))["serverVersion"]
    assert (found["major"], found["minor"]) == ("1", "36")
    assert server.url in kubectl("cluster-info")


def test_get_raw(kubectl):
    assert kubectl("get", "--raw", "/readyz") == "ok"
    assert "[+]ping ok" in kubectl("get", "--raw", "/livez?verbose")
    assert json.loads(kubectl("get", "--raw", "/api/v1/namespaces/default"))["kind"] == "Namespace"
    assert json.loads(kubectl("get", "--raw", "/openapi/v3"))["paths"]["apis/apps/v1"]["serverRelativeURL"]
    assert "apiserver_request_total" in kubectl("get", "--raw", "/metrics")


def test_nearly_every_field_of_every_kind_is_described(server):
    """The rest is not described by the API itself either."""
    index = server.request("GET", "/openapi/v3").json()["paths"]
    schemas, kinds = {}, set()
    for key, entry in index.items():
        if key.count("/") == (1 if key.startswith("api/") else 2):
            found = server.request("GET", entry["serverRelativeURL"]).json()["components"]["schemas"]
            schemas |= found
            kinds |= {name for name, schema in found.items() if "spec" in schema.get("properties", ())}
    assert len(kinds) > 50
    assert all(schemas[name].get("description") for name in kinds)
    fields = [(name, field) for name, schema in schemas.items() for field in schema.get("properties", {}).items()]
    described = [name for name, (_, field) in fields if field.get("description")]
    assert len(fields) > 2000
    assert len(described) / len(fields) > 0.97


def every_kind(kubectl):
    """What kubectl explain takes for each kind: the resource and its version."""
    rows = [line.split() for line in kubectl.lines("api-resources", "--no-headers")]
    return [(row[0], row[-3]) for row in rows]


@pytest.mark.soak
def test_every_kind_is_explained_to_the_last_field(kubectl):
    with ThreadPoolExecutor(4) as pool:
        texts = pool.map(
            lambda kind: kubectl("explain", kind[0], f"--api-version={kind[1]}", "--recursive"), every_kind(kubectl)
        )
    for text in texts:
        assert "FIELDS:\n" in text
        assert "<empty>" not in text
