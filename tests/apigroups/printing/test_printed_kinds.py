"""The cells of kinds other than pods."""

from datetime import UTC, datetime, timedelta

import pytest

from kapi_apigroups.printing.registry import find_printer


def ago(**delta):
    return (datetime.now(UTC) - timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%SZ")


def cells(group, plural, **obj):
    """Return the cells of an object named ``x`` that is ten days old, without name and age."""
    metadata = {"name": "x", "creationTimestamp": ago(days=10, seconds=1), **obj.pop("metadata", {})}
    row = find_printer(group, plural).cells({**obj, "metadata": metadata})
    return [cell for cell in row if cell not in ("x", "10d")]


TEMPLATE = {"spec": {"containers": [{"name": "c", "image": "n:1"}, {"name": "d", "image": "m"}]}}
SELECTOR = {"matchLabels": {"b": "1"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["y", "x"]}]}


@pytest.mark.parametrize(
    ("group", "plural", "obj", "expected"),
    [
        ("", "configmaps", {"data": {"a": "", "b": ""}, "binaryData": {"c": ""}}, [3]),
        ("", "configmaps", {}, [0]),
        ("", "secrets", {"type": "Opaque", "data": {"a": ""}}, ["Opaque", 1]),
        ("", "namespaces", {"status": {"phase": "Active"}}, ["Active"]),
        ("", "serviceaccounts", {}, []),
        ("coordination.k8s.io", "leases", {"spec": {"holderIdentity": "me"}}, ["me"]),
        ("coordination.k8s.io", "leases", {"spec": {}}, [""]),
    ],
)
def test_configuration(group, plural, obj, expected):
    assert cells(group, plural, **obj) == expected


def node(conditions=(), **spec):
    return {"spec": spec, "status": {"conditions": [{"type": "Ready", "status": each} for each in conditions]}}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (node(), "Unknown"),
        (node(["True"]), "Ready"),
        (node(["Unknown"]), "NotReady"),
        (node(["False"], unschedulable=True), "NotReady,SchedulingDisabled"),
    ],
)
def test_status_of_a_node(obj, expected):
    assert cells("", "nodes", **obj)[0] == expected


def test_node_in_full():
    labels = {"node-role.kubernetes.io/z": "", "node-role.kubernetes.io/": "", "kubernetes.io/role": "a"}
    info = {"kubeletVersion": "v1", "osImage": "Debian", "kernelVersion": "6.1", "architecture": "arm64"}
    addresses = [{"type": "ExternalIP", "address": "5.5.5.5"}, {"type": "InternalIP", "address": "1.1.1.1"}]
    status = {"nodeInfo": info, "addresses": addresses}
    row = cells("", "nodes", metadata={"labels": labels}, status=status)
    assert row == ["Unknown", "a,z", "v1", "1.1.1.1", "5.5.5.5", "Debian", "6.1 (arm64)", "<unknown>"]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], ["Unknown", "", ""]),
        ([{"type": "Healthy", "status": "True", "message": "ok"}], ["Healthy", "ok", ""]),
        ([{"type": "Healthy", "status": "False", "error": "bad"}], ["Unhealthy", "", "bad"]),
    ],
)
def test_component_status(conditions, expected):
    assert cells("", "componentstatuses", conditions=conditions) == expected


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({"type": "ClusterIP", "clusterIPs": ["10.0.0.1", "fd00::1"]}, {}, ["ClusterIP", "10.0.0.1", "<none>"]),
        ({"type": "ClusterIP", "clusterIPs": ["None"]}, {}, ["ClusterIP", "None", "<none>"]),
        ({"type": "NodePort", "externalIPs": ["1.1.1.1", "2.2.2.2"]}, {}, ["NodePort", "<none>", "1.1.1.1,2.2.2.2"]),
        ({"type": "LoadBalancer"}, {}, ["LoadBalancer", "<none>", "<pending>"]),
        (
            {"type": "LoadBalancer", "externalIPs": ["9.9.9.9"]},
            {"loadBalancer": {"ingress": [{"hostname": "h.io"}, {"ip": "2.2.2.2"}, {"ip": "1.1.1.1"}]}},
            ["LoadBalancer", "<none>", "1.1.1.1,2.2.2.2,h.io,9.9.9.9"],
        ),
        ({"type": "ExternalName", "externalName": "q.io"}, {}, ["ExternalName", "<none>", "q.io"]),
        ({}, {}, ["", "<none>", "<unknown>"]),
    ],
)
def test_addresses_of_a_service(spec, status, expected):
    assert cells("", "services", spec=spec, status=status)[:3] == expected


def test_ports_and_selector_of_a_service():
    ports = [{"port": 80, "protocol": "TCP", "nodePort": 30001}, {"port": 53, "protocol": "UDP"}]
    row = cells("", "services", spec={"ports": ports, "selector": {"b": "1", "a": "2"}})
    assert row[3:] == ["80:30001/TCP,53/UDP", "a=2,b=1"]
    assert cells("", "services", spec={})[3:] == ["<none>", "<none>"]


@pytest.mark.parametrize(
    ("subsets", "expected"),
    [
        ([], "<none>"),
        ([{"addresses": [{"ip": "10.0.0.1"}]}], "10.0.0.1"),
        ([{"addresses": [{"ip": "fd00::1"}], "ports": [{"port": 80}]}], "[fd00::1]:80"),
        (
            [{"addresses": [{"ip": "10.0.0.2"}, {"ip": "10.0.0.1"}], "ports": [{"port": 80}, {"port": 443}]}],
            "10.0.0.2:80,10.0.0.1:80,10.0.0.2:443 + 1 more...",
        ),
    ],
)
def test_endpoints(subsets, expected):
    assert cells("", "endpoints", subsets=subsets) == [expected]


def test_endpoint_slice():
    ports = [{"port": 80}, {"name": "b"}, {}, {"port": 81}]
    endpoints = [{"addresses": ["10.0.0.1", "10.0.0.2"]}, {"addresses": ["10.0.0.3"]}]
    row = cells("discovery.k8s.io", "endpointslices", addressType="IPv4", ports=ports, endpoints=endpoints)
    assert row == ["IPv4", "80,b,* + 1 more...", "10.0.0.1,10.0.0.2,10.0.0.3"]
    assert cells("discovery.k8s.io", "endpointslices", addressType="FQDN") == ["FQDN", "<unset>", "<unset>"]


def available(status, reason):
    return {"conditions": [{"type": "Available", "status": status, "reason": reason}]}


@pytest.mark.parametrize(
    ("service", "status", "expected"),
    [
        (None, available("True", "Local"), ["Local", "True"]),
        ({"namespace": "n", "name": "s"}, available("False", "Missing"), ["n/s", "False (Missing)"]),
        ({"namespace": "n", "name": "s"}, {}, ["n/s", "Unknown"]),
    ],
)
def test_api_service(service, status, expected):
    spec = {"service": service} if service else {}
    assert cells("apiregistration.k8s.io", "apiservices", spec=spec, status=status) == expected


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({}, {}, ["<none>", "*", "", "80"]),
        (
            {"ingressClassName": "k", "tls": [{}], "rules": [{"host": host} for host in "abcd"] + [{}]},
            {"loadBalancer": {"ingress": [{"hostname": "h"}, {"ip": "1.1.1.1"}]}},
            ["k", "a,b,c + 1 more...", "1.1.1.1,h", "80, 443"],
        ),
    ],
)
def test_ingress(spec, status, expected):
    assert cells("networking.k8s.io", "ingresses", spec=spec, status=status) == expected


def test_networking():
    assert cells("networking.k8s.io", "networkpolicies", spec={"podSelector": SELECTOR}) == ["a in (x,y),b=1"]
    assert cells("networking.k8s.io", "networkpolicies", spec={"podSelector": {}}) == ["<none>"]
    assert cells("networking.k8s.io", "servicecidrs", spec={"cidrs": ["10.0.0.0/8", "fd00::/8"]}) == [
        "10.0.0.0/8,fd00::/8"
    ]
    parent = {"group": "g", "resource": "rs", "namespace": "n", "name": "m"}
    assert cells("networking.k8s.io", "ipaddresses", spec={"parentRef": parent}) == ["rs.g/n/m"]
    del parent["group"], parent["namespace"]
    assert cells("networking.k8s.io", "ipaddresses", spec={"parentRef": parent}) == ["rs/m"]


def test_volume():
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteMany", "ReadWriteOnce", "ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Delete",
        "claimRef": {"namespace": "n", "name": "c"},
        "storageClassName": "s",
        "volumeMode": "Block",
    }
    row = cells("", "persistentvolumes", spec=spec, status={"phase": "Bound", "reason": "Why"})
    assert row == ["1Gi", "RWO,RWX", "Delete", "Bound", "n/c", "s", "<unset>", "Why", "Block"]


def test_claim_shows_size_and_modes_of_its_volume_only():
    status = {"phase": "Bound", "capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOncePod", "ReadOnlyMany"]}
    spec = {"volumeName": "v", "storageClassName": "s", "volumeAttributesClassName": "a", "volumeMode": "Block"}
    row = cells("", "persistentvolumeclaims", spec=spec, status=status)
    assert row == ["Bound", "v", "2Gi", "ROX,RWOP", "s", "a", "Block"]
    del spec["volumeName"]
    assert cells("", "persistentvolumeclaims", spec=spec, status=status)[:4] == ["Bound", "", "", ""]


def test_claim_that_is_being_deleted_and_has_its_class_from_an_annotation():
    metadata = {"deletionTimestamp": ago(), "annotations": {"volume.beta.kubernetes.io/storage-class": "old"}}
    spec = {"volumeName": "v", "storageClassName": "new"}
    row = cells("", "persistentvolumeclaims", metadata=metadata, spec=spec, status={"phase": "Bound"})
    assert row == ["Terminating", "v", "0", "", "old", "<unset>", "<unset>"]


def test_storage():
    attachment = {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "v"}}
    row = cells("storage.k8s.io", "volumeattachments", spec=attachment, status={"attached": True})
    assert row == ["a", "v", "n", True]
    assert cells("storage.k8s.io", "csinodes", spec={"drivers": [{}, {}]}) == [2]
    driver = {"attachRequired": False, "tokenRequests": [{"audience": "a"}, {}], "volumeLifecycleModes": ["p", "e"]}
    assert cells("storage.k8s.io", "csidrivers", spec=driver) == [False, False, False, "a,", False, "p,e"]
    assert cells("storage.k8s.io", "csidrivers", spec={}) == [True, False, False, "<unset>", False, "<none>"]


def test_workloads():
    spec = {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}
    status = {"replicas": 4, "readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 5}
    shown = ["c,d", "n:1,m"]
    assert cells("apps", "deployments", spec=spec, status=status) == ["1/3", 2, 5, *shown, "a in (x,y),b=1"]
    assert cells("apps", "replicasets", spec=spec, status=status) == [3, 4, 1, *shown, "a in (x,y),b=1"]
    assert cells("apps", "statefulsets", spec=spec, status=status) == ["1/3", *shown]
    assert cells("", "replicationcontrollers", spec={**spec, "selector": {"a": "b"}})[-1] == "a=b"
    assert cells("autoscaling", "scale", spec=spec, status=status) == [3, 4]


def test_daemon_set():
    template = {"spec": {**TEMPLATE["spec"], "nodeSelector": {"b": "2", "a": "1"}}}
    status = {
        "desiredNumberScheduled": 5,
        "currentNumberScheduled": 4,
        "numberReady": 3,
        "updatedNumberScheduled": 2,
        "numberAvailable": 1,
    }
    row = cells("apps", "daemonsets", spec={"template": template}, status=status)
    assert row == [5, 4, 3, 2, 1, "a=1,b=2", "c,d", "n:1,m", "<none>"]


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "w", "controller": True}, "statefulset.apps/w"),
        ({"apiVersion": "v1", "kind": "Pod", "name": "w", "controller": True}, "pod/w"),
        ({"apiVersion": "v1", "kind": "Pod", "name": "w"}, "<none>"),
    ],
)
def test_controller_revision(owner, expected):
    assert cells("apps", "controllerrevisions", metadata={"ownerReferences": [owner]}, revision=7) == [expected, 7]


def test_pod_template():
    template = {**TEMPLATE, "metadata": {"labels": {"a": "b"}}}
    assert cells("", "podtemplates", template=template) == ["c,d", "n:1,m", "a=b"]


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({"completions": 3}, {"succeeded": 2}, "2/3"),
        ({"parallelism": 4}, {}, "0/1 of 4"),
        ({"parallelism": 1}, {"succeeded": 1}, "1/1"),
        ({}, {}, "0/1"),
    ],
)
def test_completions_of_a_job(spec, status, expected):
    assert cells("batch", "jobs", spec=spec, status=status)[1] == expected


@pytest.mark.parametrize(
    ("conditions", "metadata", "expected"),
    [
        ([], {}, "Running"),
        (["Suspended"], {}, "Suspended"),
        (["FailureTarget"], {}, "FailureTarget"),
        (["Suspended"], {"deletionTimestamp": ago()}, "Terminating"),
        (["Failed"], {"deletionTimestamp": ago()}, "Failed"),
        (["FailureTarget", "Complete"], {}, "Complete"),
    ],
)
def test_status_of_a_job(conditions, metadata, expected):
    status = {"conditions": [{"type": kind, "status": "True"} for kind in conditions]}
    assert cells("batch", "jobs", metadata=metadata, status=status)[0] == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, ""),
        ({"startTime": ago(hours=50, minutes=5)}, "2d2h"),
        ({"startTime": "2024-01-01T00:00:00Z", "completionTime": "2024-01-01T03:00:00Z"}, "3h"),
    ],
)
def test_duration_of_a_job(status, expected):
    assert cells("batch", "jobs", status=status)[2] == expected


def test_cron_job():
    job = {"spec": {"template": TEMPLATE}}
    spec = {"schedule": "@daily", "suspend": True, "timeZone": "Etc/UTC", "jobTemplate": job}
    status = {"active": [{}, {}], "lastScheduleTime": ago(days=3, seconds=1)}
    row = cells("batch", "cronjobs", spec=spec, status=status)
    assert row == ["@daily", "Etc/UTC", "True", 2, "3d", "c,d", "n:1,m", "<none>"]
    row = cells("batch", "cronjobs", spec={"schedule": "@daily", "suspend": False})
    assert row[:5] == ["@daily", "<none>", "False", 0, "<none>"]


def metric(kind, member, **source):
    return {"type": kind, member: source}


@pytest.mark.parametrize(
    ("wanted", "seen", "expected"),
    [
        (
            metric("Resource", "resource", name="cpu", target={"averageUtilization": 80}),
            metric("Resource", "resource", name="cpu", current={"averageUtilization": 35}),
            "cpu: 35%/80%",
        ),
        (metric("Resource", "resource", name="cpu", target={}), {}, "cpu: <unknown>/<auto>"),
        (
            metric("ContainerResource", "containerResource", name="memory", target={"averageValue": "1Gi"}),
            metric("ContainerResource", "containerResource", current={"averageValue": "512Mi"}),
            "memory: 512Mi/1Gi",
        ),
        (
            metric("Pods", "pods", target={"averageValue": "10"}),
            metric("Pods", "pods", current={"averageValue": "3"}),
            "3/10",
        ),
        (metric("External", "external", target={"averageValue": "7500m"}), {}, "<unknown>/7500m (avg)"),
        (
            metric("Object", "object", target={"value": "5"}),
            metric("Object", "object", current={"value": "4"}),
            "4/5",
        ),
        ({"type": "Odd"}, {}, "<unknown type>"),
    ],
)
def test_targets_of_an_autoscaler(wanted, seen, expected):
    row = cells(
        "autoscaling", "horizontalpodautoscalers", spec={"metrics": [wanted]}, status={"currentMetrics": [seen]}
    )
    assert row[1] == expected


def test_autoscaler_in_both_versions():
    wanted = metric("Resource", "resource", name="cpu", target={"averageUtilization": 80})
    scaled = {"kind": "Deployment", "name": "d"}
    spec = {"scaleTargetRef": scaled, "metrics": [wanted] * 3, "minReplicas": 2, "maxReplicas": 9}
    row = cells("autoscaling", "horizontalpodautoscalers", spec=spec, status={"currentReplicas": 4})
    assert row == ["Deployment/d", "cpu: <unknown>/80%, cpu: <unknown>/80% + 1 more...", "2", 9, 4]
    spec = {"scaleTargetRef": scaled, "targetCPUUtilizationPercentage": 50, "minReplicas": 1, "maxReplicas": 2}
    row = cells("autoscaling", "horizontalpodautoscalers", apiVersion="autoscaling/v1", spec=spec, status={})
    assert row == ["Deployment/d", "cpu: <unknown>/50%", "1", 2, 0]


def test_quota():
    hard = {"pods": "10", "limits.cpu": "8", "requests.cpu": "4"}
    row = cells("", "resourcequotas", status={"hard": hard, "used": {"pods": "2", "requests.cpu": "1500m"}})
    assert row == ["pods: 2/10, requests.cpu: 1500m/4", "limits.cpu: 0/8"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [({}, ["N/A", "N/A", 2]), ({"minAvailable": "30%"}, ["30%", "N/A", 2]), ({"maxUnavailable": 0}, ["N/A", "0", 2])],
)
def test_disruption_budget(spec, expected):
    assert cells("policy", "poddisruptionbudgets", spec=spec, status={"disruptionsAllowed": 2}) == expected


@pytest.mark.parametrize("plural", ["rolebindings", "clusterrolebindings"])
def test_binding(plural):
    subjects = [
        {"kind": "User", "name": "a"},
        {"kind": "Group", "name": "g"},
        {"kind": "User", "name": "b"},
        {"kind": "ServiceAccount", "namespace": "n", "name": "s"},
    ]
    role = {"kind": "Role", "name": "r"}
    row = cells("rbac.authorization.k8s.io", plural, roleRef=role, subjects=subjects)
    assert row == ["Role/r", "a, b", "g", "n/s"]


@pytest.mark.parametrize(
    ("conditions", "certificate", "expected"),
    [
        ([], "", "Pending"),
        (["Approved"], "abc", "Approved,Issued"),
        (["Approved", "Denied"], "", "Denied"),
        (["Approved", "Failed"], "", "Approved,Failed"),
        (["Strange"], "", "Pending"),
    ],
)
def test_signing_request(conditions, certificate, expected):
    status = {"conditions": [{"type": kind} for kind in conditions], "certificate": certificate}
    spec = {"signerName": "s.io/n", "username": "ann", "expirationSeconds": 3600}
    row = cells("certificates.k8s.io", "certificatesigningrequests", spec=spec, status=status)
    assert row == ["s.io/n", "ann", "60m", expected]
    del spec["expirationSeconds"]
    assert cells("certificates.k8s.io", "certificatesigningrequests", spec=spec)[2] == "<none>"


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (None, "<unset>"),
        ({"name": "p"}, "p"),
        ({"name": "p", "namespace": "n"}, "n/p"),
        (
            {"selector": {"matchLabels": {"b": "2", "a": "1"}}},
            "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{},}",
        ),
        (
            {"selector": {"matchExpressions": [{"key": "k", "operator": "In", "values": ["x", "y"]}]}},
            "&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{"
            "LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}",
        ),
    ],
)
@pytest.mark.parametrize("plural", ["validatingadmissionpolicybindings", "mutatingadmissionpolicybindings"])
def test_policy_binding(plural, parameter, expected):
    spec = {"policyName": "q", **({"paramRef": parameter} if parameter else {})}
    assert cells("admissionregistration.k8s.io", plural, spec=spec) == ["q", expected]


def test_admission():
    group = "admissionregistration.k8s.io"
    assert cells(group, "mutatingwebhookconfigurations", webhooks=[{}, {}]) == [2]
    assert cells(group, "validatingwebhookconfigurations") == [0]
    kind = {"apiVersion": "x.io/v1", "kind": "P"}
    assert cells(group, "validatingadmissionpolicies", spec={"validations": [{}], "paramKind": kind}) == [
        1,
        "x.io/v1/P",
    ]
    assert cells(group, "mutatingadmissionpolicies", spec={"mutations": [{}, {}]}) == [2, "<unset>"]


@pytest.mark.parametrize(
    ("status", "metadata", "expected"),
    [
        ({}, {}, "pending"),
        ({"allocation": {}}, {}, "allocated"),
        ({"allocation": {}, "reservedFor": [{}]}, {"deletionTimestamp": ago()}, "deleted,allocated,reserved"),
        ({}, {"deletionTimestamp": ago()}, "deleted"),
    ],
)
def test_resource_claim(status, metadata, expected):
    assert cells("resource.k8s.io", "resourceclaims", metadata=metadata, status=status) == [expected]


def test_resource_slice():
    spec = {"driver": "d.io", "pool": {"name": "p"}, "allNodes": True}
    assert cells("resource.k8s.io", "resourceslices", spec=spec) == ["", "d.io", "p"]


def test_flow_control():
    group = "flowcontrol.apiserver.k8s.io"
    spec = {
        "priorityLevelConfiguration": {"name": "l"},
        "matchingPrecedence": 9,
        "distinguisherMethod": {"type": "ByUser"},
    }
    status = {"conditions": [{"type": "Dangling", "status": "True"}]}
    assert cells(group, "flowschemas", spec=spec, status=status) == ["l", 9, "ByUser", "True"]
    assert cells(group, "flowschemas", spec={})[2:] == ["<none>", "?"]
    queuing = {"queues": 64, "handSize": 6, "queueLengthLimit": 50}
    limited = {"nominalConcurrencyShares": 0, "limitResponse": {"queuing": queuing}}
    row = cells(group, "prioritylevelconfigurations", spec={"type": "Limited", "limited": limited})
    assert row == ["Limited", 0, 64, 6, 50]
    assert cells(group, "prioritylevelconfigurations", spec={"type": "Exempt"}) == ["Exempt", *["<none>"] * 4]


DEFAULT_CLASS = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}


@pytest.mark.parametrize(
    ("group", "plural", "obj", "expected"),
    [
        ("scheduling.k8s.io", "priorityclasses", {"value": -1, "preemptionPolicy": "Never"}, [-1, False, "Never"]),
        ("node.k8s.io", "runtimeclasses", {"handler": "h"}, ["h"]),
        ("networking.k8s.io", "ingressclasses", {"spec": {"controller": "c"}}, ["c", "<none>"]),
        (
            "networking.k8s.io",
            "ingressclasses",
            {"spec": {"controller": "c", "parameters": {"apiGroup": "g.io", "kind": "K", "name": "n"}}},
            ["c", "K.g.io/n"],
        ),
        ("storage.k8s.io", "storageclasses", {"provisioner": "p"}, ["p", "Delete", "Immediate", False]),
        (
            "storage.k8s.io",
            "storageclasses",
            {"provisioner": "p", "metadata": DEFAULT_CLASS, "allowVolumeExpansion": True},
            ["x (default)", "p", "Delete", "Immediate", True],
        ),
        ("storage.k8s.io", "volumeattributesclasses", {"driverName": "d"}, ["d"]),
        ("resource.k8s.io", "deviceclasses", {}, []),
    ],
)
def test_classes(group, plural, obj, expected):
    assert cells(group, plural, **obj) == expected


def test_event():
    event = {
        "firstTimestamp": ago(days=4, seconds=1),
        "lastTimestamp": ago(days=3, seconds=1),
        "type": "Normal",
        "reason": "Started",
        "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{c}"},
        "source": {"component": "kubelet", "host": "h"},
        "message": " started \n",
        "count": 3,
    }
    row = find_printer("", "events").cells({"metadata": {"name": "e"}, **event})
    assert row == ["3d", "Normal", "Started", "pod/p", "spec.containers{c}", "kubelet, h", "started", "4d", 3, "e"]


def test_event_of_its_own_group():
    event = {
        "eventTime": ago(days=9, seconds=1),
        "series": {"count": 7, "lastObservedTime": ago(days=2, seconds=1)},
        "regarding": {"kind": "Node"},
        "reportingController": "c",
        "reportingInstance": "i",
        "note": "n",
    }
    row = find_printer("events.k8s.io", "events").cells({"metadata": {"name": "e"}, **event})
    assert row == ["2d", "", "", "node", "", "c, i", "n", "9d", 7, "e"]


def test_event_that_happened_once():
    row = find_printer("", "events").cells({"metadata": {"name": "e"}, "eventTime": ago(days=9, seconds=1)})
    assert [row[0], row[7], row[8]] == ["9d", "9d", 1]
