import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from groups_for_documents import DEFINITION, group

from kapi.contracts.resources import Strategy
from kapi.endpoints.openapi import OpenAPI
from kapi.meta.schema.tables import Definitions, metav1_definitions

BASE = "/apis/example.com/v1/namespaces/{namespace}/widgets"
METAV1 = "io.k8s.apimachinery.pkg.apis.meta.v1."


def document(openapi, path, **query):
    answer = openapi.answer(path, {key: [value] for key, value in query.items()})
    assert answer.status == 200
    return json.loads(answer.body)


@pytest.fixture(scope="module")
def openapi():
    return OpenAPI([group(), group("", priority=18000), group("custom.io", custom=True)])


@pytest.fixture(scope="module")
def widgets(openapi):
    return document(openapi, "/openapi/v3/apis/example.com/v1")


def refs(schema):
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from refs(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from refs(item)


def test_the_index_leads_to_every_document(openapi):
    paths = document(openapi, "/openapi/v3")["paths"]
    assert set(paths) == {"api", "api/v1", "apis", "apis/example.com", "apis/example.com/v1", "apis/custom.io/v1"}
    for entry in paths.values():
        path, _, digest = entry["serverRelativeURL"].partition("?hash=")
        answer = openapi.answer(path, {"hash": [digest]})
        assert answer.status == 200
        assert dict(answer.headers)[b"cache-control"] == b"public, immutable"


def test_an_old_hash_is_redirected(openapi):
    answer = openapi.answer("/openapi/v3/api/v1", {"hash": ["0000"]})
    current = document(openapi, "/openapi/v3")["paths"]["api/v1"]["serverRelativeURL"]
    assert (answer.status, dict(answer.headers)[b"location"].decode()) == (301, current)


@pytest.mark.parametrize("path", ["/openapi/v3", "/openapi/v3/api/v1", "/openapi/v2"])
def test_what_the_client_has_is_not_sent_again(openapi, path):
    etag = dict(openapi.answer(path, {}).headers)[b"etag"].decode()
    assert openapi.answer(path, {}, if_none_match=etag).status == 304
    assert openapi.answer(path, {}, if_none_match="*").status == 304
    assert openapi.answer(path, {}, if_none_match='"other"').status == 200


@pytest.mark.parametrize("path", ["/openapi/v2", "/openapi/v3/apis/example.com/v1"])
def test_answers_can_be_compressed(openapi, path):
    zipped = openapi.answer(path, {}, accept_encoding="gzip, deflate")
    assert dict(zipped.headers)[b"content-encoding"] == b"gzip"
    assert gzip.decompress(zipped.body) == openapi.answer(path, {}, accept_encoding="gzip;q=0").body


def test_other_forms_are_not_acceptable(openapi):
    for path in ("/openapi/v2", "/openapi/v3", "/openapi/v3/apis/example.com/v1"):
        assert openapi.answer(path, {}, accept="application/yaml").status == 406
        answer = openapi.answer(path, {}, accept="application/yaml, application/*;q=0.5")
        assert (answer.status, dict(answer.headers)[b"content-type"]) == (200, b"application/json")


@pytest.mark.parametrize("mark", ["@", "."])
def test_version_2_comes_in_protobuf(openapi, mark):
    mime = f"application/com.github.proto-openapi.spec.v2{mark}v1.0+protobuf"
    answer = openapi.answer("/openapi/v2", {}, accept=f"{mime}, application/json;q=0.5")
    headers = dict(answer.headers)
    assert headers[b"content-type"] == b"application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    assert headers[b"etag"] != dict(openapi.answer("/openapi/v2", {}).headers)[b"etag"]
    assert openapi.answer("/openapi/v2", {}, accept=mime, if_none_match=headers[b"etag"].decode()).status == 304
    assert openapi.answer("/openapi/v3", {}, accept=mime).status == 406


def test_a_crowd_waits_for_one_to_build():
    asked = []

    def describe(name, member):
        asked.append((name, member))
        return ""

    openapi = OpenAPI([replace(group(), describe=describe)])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: openapi.answer("/openapi/v2", {}), range(8)))
    assert len({answer.body for answer in answers}) == 1
    assert len(asked) == len(set(asked))


def test_unknown_documents(openapi):
    assert openapi.answer("/openapi/v3/apis/nope/v1", {}).status == 404
    assert openapi.answer("/openapi/v3/api/v9", {}).status == 404
    assert openapi.answer("/openapi/v4", {}) is None


def test_paths_and_operation_ids(widgets):
    ids = {
        (path, method): operation["operationId"]
        for path, item in widgets["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }
    assert ids[f"{BASE}", "get"] == "listExampleComV1NamespacedWidget"
    assert ids[f"{BASE}", "post"] == "createExampleComV1NamespacedWidget"
    assert ids[f"{BASE}", "delete"] == "deleteExampleComV1CollectionNamespacedWidget"
    assert ids[f"{BASE}/{{name}}", "put"] == "replaceExampleComV1NamespacedWidget"
    assert ids[f"{BASE}/{{name}}/status", "patch"] == "patchExampleComV1NamespacedWidgetStatus"
    assert ids[f"{BASE}/{{name}}/scale", "get"] == "readExampleComV1NamespacedWidgetScale"
    assert (
        ids[f"{BASE}/{{name}}/proxy/{{path}}", "options"] == "connectExampleComV1OptionsNamespacedWidgetProxyWithPath"
    )
    assert ids["/apis/example.com/v1/widgets", "get"] == "listExampleComV1WidgetForAllNamespaces"
    assert ids["/apis/example.com/v1/watch/widgets", "get"] == "watchExampleComV1WidgetListForAllNamespaces"
    assert ids["/apis/example.com/v1/", "get"] == "getExampleComV1APIResources"
    assert len(set(ids.values())) == len(ids)


def test_operations_tell_kind_and_action(widgets):
    post = widgets["paths"][BASE]["post"]
    assert post["x-kubernetes-group-version-kind"] == {"group": "example.com", "version": "v1", "kind": "Widget"}
    assert post["x-kubernetes-action"] == "post"
    assert [parameter["name"] for parameter in post["parameters"]] == ["dryRun", "fieldManager", "fieldValidation"]
    assert list(post["responses"]) == ["200", "201", "202", "401"]
    patch = widgets["paths"][f"{BASE}/{{name}}"]["patch"]
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]
    scale = widgets["paths"][f"{BASE}/{{name}}/scale"]["get"]
    assert scale["x-kubernetes-group-version-kind"]["kind"] == "Scale"


def test_shared_parameters_stand_with_the_path(widgets):
    names = [parameter["name"] for parameter in widgets["paths"][f"{BASE}/{{name}}"]["parameters"]]
    assert names == ["name", "namespace", "pretty"]


def test_every_reference_resolves(widgets):
    known = {f"#/components/schemas/{name}" for name in widgets["components"]["schemas"]}
    assert set(refs(widgets)) <= known
    assert f"#/components/schemas/{METAV1}ObjectMeta" in known


def test_custom_resources_are_described_as_the_reference_does(openapi):
    custom = document(openapi, "/openapi/v3/apis/custom.io/v1")
    assert custom["info"] == {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"}
    assert not any("/watch/" in path for path in custom["paths"])
    item = custom["paths"]["/apis/custom.io/v1/namespaces/{namespace}/widgets/{name}"]
    assert "application/strategic-merge-patch+json" not in item["patch"]["requestBody"]["content"]


def test_version_2_describes_everything(openapi):
    swagger = document(openapi, "/openapi/v2")
    assert swagger["swagger"] == "2.0"
    assert {f"{BASE}/{{name}}", "/api/v1/namespaces/{namespace}/widgets", "/version/"} <= set(swagger["paths"])
    known = {f"#/definitions/{name}" for name in swagger["definitions"]}
    known |= {f"#/parameters/{name}" for name in swagger["parameters"]}
    assert set(refs(swagger)) <= known
    post = swagger["paths"][BASE]["post"]
    assert post["parameters"][0]["schema"] == {"$ref": f"#/definitions/{DEFINITION}"}
    assert {"$ref": "#/parameters/fieldManager-Qy4HdaTW"} in post["parameters"]
    assert "default" not in json.dumps(swagger["definitions"][DEFINITION])


def test_deletions_answer_what_the_strategy_says():
    class Returning(Strategy):
        returns_deleted = True

    for strategy, result in ((Strategy(), f"{METAV1}Status"), (Returning(), DEFINITION)):
        paths = document(OpenAPI([group(strategy=strategy)]), "/openapi/v3/apis/example.com/v1")["paths"]
        content = paths[f"{BASE}/{{name}}"]["delete"]["responses"]["200"]["content"]
        assert content["application/json"]["schema"]["$ref"].endswith(result)


def test_descriptions_come_from_any_group():
    def describe(name, member):
        return f"about {member or 'it'}" if name == DEFINITION else ""

    openapi = OpenAPI([group(), replace(group("other.io"), describe=describe)])
    schemas = document(openapi, "/openapi/v3/apis/example.com/v1")["components"]["schemas"]
    assert schemas[DEFINITION]["description"] == "about it"
    assert schemas[DEFINITION]["properties"]["size"] == {"description": "about size", "type": "string"}
    assert "description" not in schemas[f"{METAV1}ObjectMeta"]


def test_schemas_written_by_hand_are_published_as_they_are():
    size = {"type": "object", "properties": {"width": {"type": "integer", "description": "How wide."}}}
    mine = {"description": "A thing.", "type": "object", "properties": {"size": size}}
    definitions = Definitions.from_openapi({"components": {"schemas": {DEFINITION: mine}}})
    openapi = OpenAPI([replace(group(), definitions=lambda: definitions)])
    assert document(openapi, "/openapi/v3/apis/example.com/v1")["components"]["schemas"][DEFINITION] == mine
    assert document(openapi, "/openapi/v2")["definitions"][DEFINITION] == mine


def test_documents_of_unchanged_groups_are_kept():
    kept = group("kept.io")
    before = OpenAPI([kept, group("dropped.io")])
    before.answer("/openapi/v3", {})
    before.answer("/openapi/v3/apis/kept.io/v1", {})
    after = before.with_groups([kept, group("new.io")])
    assert after.is_built("/openapi/v3/apis/kept.io/v1")
    assert not after.is_built("/openapi/v3")
    assert set(document(after, "/openapi/v3")["paths"]) >= {"apis/kept.io/v1", "apis/new.io/v1"}
    assert after.answer("/openapi/v3/apis/dropped.io/v1", {}).status == 404


def test_shared_definitions_are_there_without_a_group():
    assert f"{METAV1}Status" in metav1_definitions().names()
