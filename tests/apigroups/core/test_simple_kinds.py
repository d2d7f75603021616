import base64

import pytest

from kapi_apigroups.core.namespaces import NamespaceFinalizeStrategy, NamespaceStatusStrategy


def test_secrets_take_text(settle):
    secret = settle("secrets", {"stringData": {"a": "é"}, "data": {"a": "QQ==", "b": "Qg=="}})
    assert secret["type"] == "Opaque"
    assert "stringData" not in secret
    assert secret["data"] == {"a": base64.b64encode("é".encode()).decode(), "b": "Qg=="}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"type": "kubernetes.io/tls"}, ["data[tls.crt]", "data[tls.key]"]),
        ({"type": "kubernetes.io/basic-auth"}, ["data[username]", "data[password]"]),
        ({"type": "kubernetes.io/dockercfg", "stringData": {".dockercfg": "no"}}, ["data[.dockercfg]"]),
        (
            {"type": "kubernetes.io/service-account-token"},
            ["metadata.annotations[kubernetes.io/service-account.name]"],
        ),
        ({"data": {"a b": ""}}, ["data[a b]"]),
    ],
)
def test_the_type_decides_what_a_secret_holds(settle, core_resources, ctx, body, fields):
    errors = core_resources["secrets"].strategy.validate(ctx, settle("secrets", body))
    assert [error.field for error in errors] == fields


@pytest.mark.parametrize("plural", ["configmaps", "secrets"])
def test_immutable_objects_stay(settle, core_resources, ctx, plural):
    strategy = core_resources[plural].strategy
    old = settle(plural, {"immutable": True, "data": {"a": "QQ=="}})
    same = settle(plural, {"immutable": True, "data": {"a": "QQ=="}})
    assert strategy.validate_update(ctx, same, old) == []
    new = settle(plural, {"data": {"a": "Qg=="}})
    assert [error.field for error in strategy.validate_update(ctx, new, old)] == ["immutable", "data"]


def test_config_maps_hold_a_key_once_and_a_megabyte_at_most(settle, core_resources, ctx):
    strategy = core_resources["configmaps"].strategy
    errors = strategy.validate(ctx, settle("configmaps", {"data": {"a": ""}, "binaryData": {"a": ""}}))
    assert [error.field for error in errors] == ["data[a]"]
    large = settle("configmaps", {"data": {"a": "x" * (1 << 20), "b": "x"}})
    assert [error.reason for error in strategy.validate(ctx, large)] == ["FieldValueTooLong"]


def test_tls_secrets_with_bad_pairs_warn(settle, core_resources, ctx):
    secret = settle("secrets", {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "c", "tls.key": "k"}})
    warnings = core_resources["secrets"].strategy.warnings(ctx, secret, None)
    assert warnings == ["tls: failed to find any PEM data in certificate input"]


def test_service_accounts_keep_only_names_of_secrets(created):
    account = created("serviceaccounts", {"secrets": [{"name": "s", "namespace": "n", "kind": "Secret"}]})
    assert account["secrets"] == [{"name": "s"}]


def test_namespaces_are_labelled_active_and_finalized(created):
    body = {"metadata": {"name": "n", "labels": {"kubernetes.io/metadata.name": "other"}}}
    namespace = created("namespaces", {**body, "spec": {"finalizers": ["x.io/f"]}, "status": {"phase": "Gone"}})
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}
    assert namespace["spec"] == {"finalizers": ["x.io/f", "kubernetes"]}
    assert namespace["status"] == {"phase": "Active"}


def test_a_namespace_goes_when_spec_and_metadata_let_it(created, core_resources, ctx):
    strategy = core_resources["namespaces"].strategy
    namespace = created("namespaces", {"metadata": {"name": "n"}})
    namespace["metadata"].update(deletionTimestamp="2020-01-01T00:00:00Z", deletionGracePeriodSeconds=0)
    strategy.prepare_for_delete(ctx, namespace)
    assert namespace["status"]["phase"] == "Terminating"
    assert "deletionGracePeriodSeconds" not in namespace["metadata"]
    assert not strategy.deletable(namespace)
    namespace["spec"] = {}
    assert strategy.deletable(namespace)
    namespace["metadata"]["finalizers"] = ["x.io/f"]
    assert not strategy.deletable(namespace)


def test_only_finalize_changes_the_finalizers_of_a_namespace(created, settle, core_resources, ctx):
    old = created("namespaces", {"metadata": {"name": "n"}})
    new = settle("namespaces", {"metadata": {"name": "n"}, "spec": {"finalizers": []}})
    core_resources["namespaces"].strategy.prepare_for_update(ctx, new, old)
    assert new["spec"] == old["spec"]
    new = settle("namespaces", {"metadata": {"name": "n"}, "spec": {"finalizers": ["noslash"]}})
    strategy = NamespaceFinalizeStrategy()
    strategy.prepare_for_update(ctx, new, old)
    assert [error.field for error in strategy.validate_update(ctx, new, old)] == ["spec.finalizers[0]"]


def test_the_phase_fits_the_deletion(created, core_resources, ctx):
    strategy = NamespaceStatusStrategy(core_resources["namespaces"].strategy)
    namespace = created("namespaces", {"metadata": {"name": "n"}})
    assert strategy.validate_update(ctx, namespace, namespace) == []
    namespace["status"] = {"phase": "Terminating"}
    assert [error.field for error in strategy.validate_update(ctx, namespace, namespace)] == ["status.Phase"]
    namespace["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z"
    assert strategy.validate_update(ctx, namespace, namespace) == []


def test_nodes_join_their_cidrs_and_keep_the_status_of_the_kubelet(created):
    node = created("nodes", {"spec": {"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.1.0.0/24"]}})
    assert node["spec"]["podCIDRs"] == ["10.0.0.0/24"]
    node = created("nodes", {"spec": {"podCIDRs": ["10.1.0.0/24"]}, "status": {"capacity": {"cpu": "4"}}})
    assert node["spec"]["podCIDR"] == "10.1.0.0/24"
    assert node["status"]["allocatable"] == {"cpu": "4"}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"podCIDRs": ["x"]}, "spec.podCIDRs[0]"),
        ({"podCIDRs": ["10.0.0.0/24", "10.1.0.0/24"]}, "spec.podCIDRs"),
        ({"taints": [{"key": "a"}]}, "metadata.taints[0].effect"),
        ({"taints": [{"key": "a", "effect": "NoExecute"}] * 2}, "metadata.taints[1]"),
    ],
)
def test_invalid_nodes(settle, core_resources, ctx, spec, field):
    errors = core_resources["nodes"].strategy.validate(ctx, settle("nodes", {"spec": spec}))
    assert [error.field for error in errors] == [field]


def test_limit_ranges_derive_defaults(settle):
    item = {"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Ki"}, "default": {"memory": "1Gi"}}
    limits = settle("limitranges", {"spec": {"limits": [item]}})["spec"]["limits"][0]
    assert limits["default"] == {"cpu": "2", "memory": "1Gi"}
    assert limits["defaultRequest"] == {"cpu": "2", "memory": "1Gi"}


def test_volumes_and_claims_begin_as_pending(created):
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    volume = created("persistentvolumes", {"spec": spec})
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert volume["spec"]["hostPath"] == {"path": "/x", "type": ""}
    assert volume["status"]["phase"] == "Pending"
    source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "dataSource": source}
    claim = created("persistentvolumeclaims", {"spec": spec})
    assert claim["spec"]["volumeMode"] == "Filesystem"
    assert claim["spec"]["dataSourceRef"] == source
    assert claim["status"] == {"phase": "Pending"}


def test_claims_may_only_grow(created, settle, core_resources, ctx):
    strategy = core_resources["persistentvolumeclaims"].strategy
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    old = created("persistentvolumeclaims", {"spec": spec})
    more = settle("persistentvolumeclaims", {"spec": {**spec, "resources": {"requests": {"storage": "2Gi"}}}})
    assert strategy.validate_update(ctx, more, old) == []
    other = settle("persistentvolumeclaims", {"spec": {**spec, "storageClassName": "fast"}})
    assert [error.field for error in strategy.validate_update(ctx, other, old)] == ["spec"]


def test_controllers_take_labels_and_selector_from_the_template(created):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    controller = created("replicationcontrollers", {"spec": {"template": template}})
    assert controller["metadata"]["labels"] == controller["spec"]["selector"] == {"a": "b"}
    assert controller["spec"]["replicas"] == 1
    assert controller["status"] == {"replicas": 0}


def test_endpoints_point_to_other_machines(settle, core_resources, ctx):
    subsets = [{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": 1}]}, {}]
    endpoints = settle("endpoints", {"subsets": subsets})
    assert endpoints["subsets"][0]["ports"] == [{"port": 1, "protocol": "TCP"}]
    errors = core_resources["endpoints"].strategy.validate(ctx, endpoints)
    assert [error.field for error in errors] == ["subsets[0].addresses[0].ip", "subsets[1]"]
