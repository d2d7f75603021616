import importlib.util
import sys
from pathlib import Path

import orjson
import pytest

from kapi.meta.schema.tables import Definitions

TOOLS = Path(__file__).parents[2] / "tools"
POD = "io.k8s.api.core.v1.Pod"
META = "io.k8s.apimachinery.pkg.apis.meta.v1."


@pytest.fixture(scope="module")
def tool():
    sys.path.insert(0, str(TOOLS))
    try:
        spec = importlib.util.spec_from_file_location("generate_facts", TOOLS / "generate_facts.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(TOOLS))


def schemas(group):
    def kinds(kind):
        return [{"group": group, "version": "v1", "kind": kind}]

    return {
        POD: {
            "description": "A pod.",
            "type": "object",
            "properties": {
                "metadata": {"default": {}, "allOf": [{"$ref": f"#/components/schemas/{META}ObjectMeta"}]},
                "spec": {
                    "description": "What.",
                    "allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodSpec"}],
                },
            },
            "x-kubernetes-group-version-kind": kinds("Pod") if not group else kinds("Other"),
        },
        "io.k8s.api.core.v1.PodSpec": {
            "type": "object",
            "properties": {
                "activeDeadlineSeconds": {"type": "integer", "format": "int64"},
                "hostNetwork": {"type": "boolean"},
                "restartPolicy": {"type": "string"},
            },
        },
        META + "ObjectMeta": {"type": "object", "properties": {"name": {"type": "string"}}},
    }


def resource(plural, kind, **more):
    base = {"resource": plural, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": "Namespaced"}
    return {**base, "singularResource": kind.lower(), "verbs": ["create", "get"], **more}


@pytest.fixture
def reference(tmp_path):
    folder = tmp_path / "openapi-v3"
    folder.mkdir()
    for name, group in (("api__v1", ""), ("apis__example__v1", "example")):
        (folder / f"{name}.json").write_bytes(orjson.dumps({"components": {"schemas": schemas(group)}}))
    binding = {"subresource": "status", "responseKind": {"group": "", "version": "", "kind": "Pod"}, "verbs": ["get"]}
    pods = resource("pods", "Pod", shortNames=["po"], subresources=[binding])
    core = {"items": [{"metadata": {}, "versions": [{"version": "v1", "resources": [pods]}]}]}
    others = resource("others", "Other", scope="Cluster")
    example = {"items": [{"metadata": {"name": "example"}, "versions": [{"version": "v1", "resources": [others]}]}]}
    (tmp_path / "discovery-api.json").write_bytes(orjson.dumps(core))
    (tmp_path / "discovery-apis.json").write_bytes(orjson.dumps(example))
    columns = {"v1/pods": [{"name": "Name", "type": "string", "format": "name", "priority": 0}]}
    (tmp_path / "table-columns.json").write_bytes(orjson.dumps(columns))
    return tmp_path


def test_definitions(tool, reference):
    tables = tool.generate(reference)
    found = Definitions.load(tables["definitions"], Definitions.load(tables["metav1"]))
    assert found.names() == [META + "ObjectMeta", POD, "io.k8s.api.core.v1.PodSpec"]
    assert found.kinds(POD) == [("", "v1", "Pod"), ("example", "v1", "Other")]
    assert b"A pod" not in tables["definitions"]
    spec = found.struct("io.k8s.api.core.v1.PodSpec").fields
    assert spec["activeDeadlineSeconds"].keep_zero
    assert not spec["hostNetwork"].keep_zero
    assert spec["restartPolicy"].type.go_type == "v1.RestartPolicy"


def test_resources(tool, reference):
    groups = orjson.loads(tool.generate(reference)["resources"])["groups"]
    assert groups[0] == {
        "name": "",
        "priority": [18000, 1],
        "versions": {
            "v1": [
                {
                    "resource": "pods",
                    "kind": "Pod",
                    "singular": "pod",
                    "namespaced": True,
                    "verbs": ["create", "get"],
                    "shortNames": ["po"],
                    "definition": POD,
                    "subresources": [
                        {"name": "status", "kind": ["", "v1", "Pod"], "verbs": ["get"], "definition": POD}
                    ],
                    "columns": [["Name", "string", "name", 0]],
                }
            ]
        },
    }
    assert groups[1]["priority"] == [1000, 15]
    assert "namespaced" not in groups[1]["versions"]["v1"][0]


def test_disagreeing_documents_are_refused(tool, reference):
    other = schemas("")
    other[POD]["properties"]["status"] = {"type": "string"}
    (reference / "openapi-v3" / "z.json").write_bytes(orjson.dumps({"components": {"schemas": other}}))
    with pytest.raises(ValueError, match=r"^z\.json has another io\.k8s\.api\.core\.v1\.Pod$"):
        tool.generate(reference)


def test_main_writes_all_tables(tool, reference, tmp_path):
    root = tmp_path / "out"
    tool.main([str(reference), "--root", str(root)])
    assert all((root / path).read_bytes().startswith(b"{") for path in tool.OUTPUTS.values())


def test_hand_maintained_facts_name_real_members(tool):
    from kapi_apigroups.facts import definitions

    known = definitions()
    for definition, members in tool.go_member_facts().items():
        fields = known.struct(definition).fields
        assert members.keys() <= fields.keys(), definition
    assert all(name in known.names() for name in tool.go_facts.LEAVES)
