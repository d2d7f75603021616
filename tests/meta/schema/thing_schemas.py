"""OpenAPI schemas of an invented kind that shows every case."""

from kapi.meta.schema.tables import METAV1

CORE = "com.example.v1."


def _ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def _struct(name):
    return {"default": {}, "allOf": [_ref(name)]}


SCHEMAS = {
    CORE + "Thing": {
        "type": "object",
        "required": ["rules"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": _struct(METAV1 + "ObjectMeta"),
            "spec": _struct(CORE + "ThingSpec"),
            "data": {"type": "object", "additionalProperties": {"type": "string"}},
            "binary": {"type": "object", "additionalProperties": {"type": "string", "format": "byte"}},
            "rules": {"type": "array", "items": {"type": "string"}},
            "status": _struct(CORE + "ThingStatus"),
        },
        "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Thing"}],
    },
    CORE + "ThingSpec": {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "default": ""},
            "replicas": {"type": "integer", "format": "int32"},
            "seconds": {"type": "integer", "format": "int64"},
            "ratio": {"type": "number", "format": "double"},
            "paused": {"type": "boolean"},
            "note": {"type": "string"},
            "limits": {"type": "object", "additionalProperties": _ref("io.k8s.apimachinery.pkg.api.resource.Quantity")},
            "port": {"allOf": [_ref("io.k8s.apimachinery.pkg.util.intstr.IntOrString")]},
            "ports": {
                "type": "array",
                "items": _ref(CORE + "Port"),
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["port", "protocol"],
                "x-kubernetes-patch-strategy": "merge",
                "x-kubernetes-patch-merge-key": "port",
            },
            "selector": {"allOf": [_ref(METAV1 + "LabelSelector")]},
            "since": {"allOf": [_ref(METAV1 + "Time")]},
            "free": {"allOf": [_ref("io.k8s.apimachinery.pkg.runtime.RawExtension")]},
            "child": {"allOf": [_ref(CORE + "ThingSpec")]},
        },
    },
    CORE + "ThingStatus": {
        "type": "object",
        "required": ["ready", "count"],
        "properties": {
            "ready": {"type": "boolean", "default": False},
            "count": {"type": "integer", "format": "int32", "default": 0},
            "changed": {"allOf": [_ref(METAV1 + "Time")]},
            "seen": {"allOf": [_ref(METAV1 + "MicroTime")]},
        },
    },
    CORE + "Port": {
        "type": "object",
        "required": ["port"],
        "properties": {
            "port": {"type": "integer", "format": "int32", "default": 0},
            "protocol": {"type": "string", "default": "TCP", "enum": ["SCTP", "TCP", "UDP"]},
            "host": {"type": "integer", "format": "int32"},
        },
        "x-kubernetes-map-type": "atomic",
    },
}

GO_FACTS = {
    CORE + "ThingSpec": {
        "replicas": {"p": "*"},
        "limits": {"g": "v1.ResourceList", "i": {"q": "milli"}},
        "note": {"g": "v1.Note"},
    },
    CORE + "ThingStatus": {"changed": {"p": "n"}},
}
