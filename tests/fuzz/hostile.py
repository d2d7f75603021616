"""What hypothesis makes hostile requests from."""

import json
from typing import Any

from hypothesis import strategies as st

METADATA = {"name": "victim", "namespace": "default", "labels": {"a": "b"}, "annotations": {"c": "d"}}
CONTAINER = {
    "name": "c", "image": "nginx", "args": ["x"], "ports": [{"containerPort": 80, "protocol": "TCP"}],
    "env": [{"name": "A", "value": "b"}], "resources": {"limits": {"cpu": "100m"}},
    "livenessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 3},
}  # fmt: skip
POD = {
    "containers": [CONTAINER],
    "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}],
    "nodeSelector": {"a": "b"},
}
SELECTOR = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": POD}

OBJECTS: dict[str, dict[str, Any]] = {
    "/api/v1/namespaces/default/configmaps": {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": METADATA | {
            "finalizers": ["a.b/c"], "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}],
            "managedFields": [{
                "manager": "m", "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:k": {}}},
            }],
            "creationTimestamp": "2026-01-01T00:00:00Z", "generation": 1, "deletionGracePeriodSeconds": 1,
        },
        "data": {"k": "v"}, "binaryData": {"b": "aGk="}, "immutable": False,
    },
    "/apis/apps/v1/namespaces/default/deployments": {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": METADATA,
        "spec": {
            "replicas": 1, "selector": SELECTOR, "template": TEMPLATE, "minReadySeconds": 0,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}},
        },
        "status": {"replicas": 1, "conditions": [{"type": "A", "status": "True"}]},
    },
    "/api/v1/namespaces/default/services": {
        "apiVersion": "v1", "kind": "Service", "metadata": METADATA,
        "spec": {
            "ports": [{"port": 80, "targetPort": "x", "name": "a"}], "selector": {"a": "b"}, "type": "NodePort",
            "clusterIP": "None", "ipFamilies": ["IPv4"], "externalIPs": ["1.2.3.4"],
        },
    },
    "/apis/batch/v1/namespaces/default/cronjobs": {
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": METADATA,
        "spec": {
            "schedule": "* * * * *", "timeZone": "Etc/UTC", "jobTemplate": {"spec": {"template": {
                "spec": POD | {"restartPolicy": "Never"},
            }}},
        },
    },
    "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles": {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": METADATA,
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["x"]}],
    },
    "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies": {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": METADATA,
        "spec": {
            "podSelector": SELECTOR, "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}],
        },
    },
    "/api/v1/namespaces/default/serviceaccounts/default/token": {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {"name": "default"},
        "spec": {
            "audiences": ["a"], "expirationSeconds": 600, "boundObjectRef": {"kind": "Pod", "name": "x", "uid": "y"},
        },
    },
    "/apis/authorization.k8s.io/v1/subjectaccessreviews": {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {
            "user": "u", "groups": ["g"], "extra": {"e": ["f"]}, "resourceAttributes": {"verb": "get", "resource": "x"},
        },
    },
}  # fmt: skip
"""Where objects are created, and one of each kind that is fine as it is (but for a few that need other things)."""

DEEP = 20_000

TOKENS = [
    b"null", b"true", b"false", b"0", b"-0", b"1", b"-1", b"0.5", b"1.0", b"1e2", b"1e400", b"-1e400", b"1e-400",
    b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"2147483648", b"9" * 5000,
    b"0." + b"1" * 5000, b"NaN", b"Infinity", b"-Infinity", b"01", b"+1", b".5", b"0x10", b"'x'", b"", b"x", b'"',
    b"\\", b'""', b'"x"', b'" "', b'"\\u0000"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xff\xfe"', b'"\xed\xa0\x80"',
    b'"\\x"', b'"\n"', b'"' + b"a" * 70_000 + b'"', b'"\\u202e"', b'"../../etc"', b'"a/b/c"', b'"%00"', b'"1Gi"',
    b'"1e99999"', b'"-1"', b'"999999999999999999999999Ei"', b'"2026-13-45T99:99:99Z"', b'"0000-00-00T00:00:00Z"',
    b'"300%"', b"[]", b"[null]", b"[[]]", b"[{}]", b'[""]', b"[1]", b'["x","x"]', b"[[[[[[1]]]]]]", b"{}",
    b'{"":""}', b'{"":null}', b'{"x":{"x":1}}', b'{"a":1,"a":2}', b'{"a":"b","a":"b"}', b'{"k:{}":{}}',
    b'{"f:a":{}}', b"{1:2}", b'{"a":1,}', b"[1,]", b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b"[" * DEEP, b"/**/1", b'"$(x)"', b'{"$patch":"delete"}', b'{"$patch":"replace"}', b'{"$patch":"x"}',
    b'{"$setElementOrder/containers":[{"name":"c"}]}', b'{"$retainKeys":["x"]}',
    b'{"$deleteFromPrimitiveList/finalizers":["x"]}', b'[{"$patch":"replace"}]', b'[{"$patch":"delete","name":"c"}]',
]  # fmt: skip
"""Pieces of JSON, of what is nearly JSON, and of what only looks harmless."""

MEDIA_TYPES = [
    b"application/json", b"application/json; charset=utf-8", b"application/json;charset=\"", b"application/yaml",
    b"application/vnd.kubernetes.protobuf", b"application/cbor", b"text/plain", b"*/*", b"", b";", b"application/",
    b"application/x-www-form-urlencoded", b"application/merge-patch+json", b"application/json-patch+json",
    b"application/strategic-merge-patch+json", b"application/apply-patch+yaml", b"application/apply-patch+cbor",
    b"application/octet-stream", b"application/json, application/yaml", b"\xff", b"multipart/form-data; boundary=x",
]  # fmt: skip

PATCH_TYPES = [
    b"application/merge-patch+json", b"application/json-patch+json", b"application/strategic-merge-patch+json",
    b"application/apply-patch+yaml",
]  # fmt: skip

YAMLS = [
    b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10)) for c in range(98, 110)),
    b"a: &a {a: *a}", b"&x [*x]", b"{<<: {apiVersion: v1}, kind: ConfigMap}", b"!!python/object/apply:os.system [id]",
    b"--- a\n--- b\n", b"kind: ConfigMap\nkind: ConfigMap\n", b"? [a, b]\n: c\n", b"%YAML 9.9\n--- a\n", b"\tx: y",
    b"[" * 20_000, b"- " * 20_000, b"a: " * 20_000, b"&a" * 20_000, b"!!binary x", b"x: 0o17777777777777777777777",
    b"x: 1_000", b"x: 1:2:3", b"x: .nan", b"x: .inf", b"x: 2026-01-01", b"yes: no", b"~: ~", b"\xef\xbb\xbfa: b",
    b"\xff\xfea\x00", b"a: 'x", b"{a: b", b"- a\nb: c", b"x: |9\n a", b"*nothing", b"a: !<tag:x> b", b"1: 2",
    b"[a]: b", b"x: " + b"9" * 5000, b"x: 1e999999999", b"\x00", b"a: \x07",
    b"apiVersion: v1\nkind: ConfigMap\nmetadata: &m {name: *m}",
]  # fmt: skip


def spots(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in an object, the whole of it first."""
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        found += spots(each, (*path, key))
    return found


def planted(value: Any, path: tuple[str | int, ...], token: bytes) -> bytes:
    """An object as JSON, with a piece of JSON at a place."""
    if not path:
        return token
    key, rest = path[0], path[1:]
    if isinstance(value, dict):
        pairs = (
            json.dumps(name).encode() + b":" + (planted(each, rest, token) if name == key else dumped(each))
            for name, each in value.items()
        )
        return b"{" + b",".join(pairs) + b"}"
    return b"[" + b",".join(planted(v, rest, token) if n == key else dumped(v) for n, v in enumerate(value)) + b"]"


def dumped(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, bytes]:
    """A place to create at, and an object with something hostile in it."""
    collection = draw(st.sampled_from(sorted(OBJECTS)))
    obj = OBJECTS[collection]
    token = draw(st.one_of(st.sampled_from(TOKENS), st.text(max_size=8).map(dumped), ANYTHING.map(dumped)))
    return collection, planted(obj, draw(st.sampled_from(spots(obj))), token)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)

_SEGMENTS = [
    b"", b".", b"..", b"api", b"apis", b"v1", b"v2", b"apps", b"namespaces", b"default", b"configmaps", b"pods",
    b"watch", b"victim", b"status", b"scale", b"proxy", b"exec", b"log", b"token", b"finalize", b"%2e%2e", b"%2f",
    b"%00", b"%", b"%zz", b"%ff", b"%C3%BC", b"a" * 300, b"a b", b"a%20b", b"x;y", b"x=y", b"x&y", b"*", b"~",
    b"\\", b"openapi", b"v3", b"metrics", b"healthz", b"readyz", b"version", b"logs", b"debug", b"services:",
    b"http:x:80", b"\xff", b"\x7f", b"%0d%0aX:y", b"nodes", b"rbac.authorization.k8s.io", b"v1alpha1", b"-",
    b"Default", b"DEFAULT", b"{namespace}",
]  # fmt: skip

paths = st.lists(st.sampled_from(_SEGMENTS), max_size=8).map(
    lambda parts: b"/" + b"/".join(parts).replace(b" ", b"%20")
)

_NAMES = [
    b"limit", b"continue", b"resourceVersion", b"resourceVersionMatch", b"labelSelector", b"fieldSelector", b"watch",
    b"timeoutSeconds", b"allowWatchBookmarks", b"sendInitialEvents", b"dryRun", b"fieldManager", b"fieldValidation",
    b"force", b"propagationPolicy", b"gracePeriodSeconds", b"orphanDependents", b"pretty", b"includeObject",
    b"timeout", b"unknown", b"", b"container", b"follow", b"ignoreStoreReadErrorWithClusterBreakingPotential",
    b"verbose", b"exclude",
]  # fmt: skip
_VALUES = [
    b"", b"0", b"1", b"-1", b"true", b"false", b"x", b"All", b"99999999999999999999", b"1e3", b"%00", b"%ff", b"%",
    b"a=b", b"a%3Db", b"a%21%3Db", b"a%20in%20(b,c)", b"a%20in%20(", b"!a", b"a,,b", b"metadata.name%3Dx",
    b"spec.x%3Dy", b"%3D", b"%3D%3D", b"Strict", b"Exact", b"NotOlderThan", b"Background", b"Orphan", b"None",
    b"Table", b"eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ", b"a" * 5000, b"a%2Cb" * 500, b"%E2%80%AE", b"+", b"1s", b"1ns",
    b"-5s", b"NaN", b"\xc3\xbc", b"e30", b"W10", b"bnVsbA",
]  # fmt: skip

queries = st.lists(st.tuples(st.sampled_from(_NAMES), st.sampled_from(_VALUES)), max_size=4).map(
    lambda pairs: b"&".join(name + b"=" + value for name, value in pairs)
)

_HEADERS = [
    b"Accept", b"Accept-Encoding", b"Content-Encoding", b"Content-Type", b"If-Match", b"If-None-Match", b"Range",
    b"Expect", b"Impersonate-User", b"Impersonate-Group", b"Impersonate-Uid", b"Impersonate-Extra-a%2fb",
    b"X-Remote-User", b"User-Agent", b"Upgrade", b"Sec-WebSocket-Protocol", b"X-Forwarded-For", b"Forwarded",
    b"Audit-ID", b"Cookie", b"Origin", b"Host", b"TE", b"Kubectl-Command", b"X-Stream-Protocol-Version",
    b"Max-Forwards", b"Authorization", b"X-HTTP-Method-Override",
]  # fmt: skip
_HEADER_VALUES = [
    b"", b"*/*", b"*", b"application/json;as=Table;v=v1;g=meta.k8s.io", b"application/json;as=Table;v=x;g=y", b";",
    b",", b"a/b;q=x", b"application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json",
    b"application/yaml", b"text/html", b"application/vnd.kubernetes.protobuf", b"application/json;stream=watch",
    b"gzip", b"gzip;q=0", b"identity;q=0,*;q=0", b"br", b"bytes=0-1", b"nobody", b"system:masters",
    b"system:serviceaccount:a:b", b"\xff\xfe", b"a" * 9000, b"websocket", b"\x01", b"Bearer", b"Bearer x",
    b"Bearer a.b.c", b"Bearer eyJhbGciOiJub25lIn0.e30.", b"Basic eA==", b"Negotiate x", b"q=1;q=1", b'"',
    b"application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io", b"application/*;q=0.1,*/*;q=2",
]  # fmt: skip

headers = st.lists(st.tuples(st.sampled_from(_HEADERS), st.sampled_from(_HEADER_VALUES)), max_size=4)
