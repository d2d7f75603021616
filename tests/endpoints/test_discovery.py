import json

import pytest
from groups_for_documents import group

from kapi.endpoints.discovery import (
    Discovery,
    build_root_paths,
    build_version,
    storage_version_hash,
)
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionKind

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
SOME = ["get", "patch", "update"]


@pytest.fixture
def discovery():
    groups = [group("low.example.com", priority=5), group("", priority=18000), group(versions=("v2", "v1"))]
    return Discovery(groups, "10.0.0.1:6443")


def body(answer):
    assert answer.status == 200
    return json.loads(answer.body)


def test_the_core_group(discovery):
    assert body(discovery.answer("/api")) == {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "10.0.0.1:6443"}],
    }
    assert "apiVersion" not in body(discovery.answer("/api/v1"))


def test_groups_are_listed_by_priority_with_their_preferred_version(discovery):
    document = body(discovery.answer("/apis"))
    assert [entry["name"] for entry in document["groups"]] == ["example.com", "low.example.com"]
    assert document["groups"][0] == {
        "name": "example.com",
        "versions": [
            {"groupVersion": "example.com/v2", "version": "v2"},
            {"groupVersion": "example.com/v1", "version": "v1"},
        ],
        "preferredVersion": {"groupVersion": "example.com/v2", "version": "v2"},
    }
    assert body(discovery.answer("/apis/example.com/"))["kind"] == "APIGroup"


def test_resources(discovery):
    document = body(discovery.answer("/apis/example.com/v1"))
    assert (document["kind"], document["apiVersion"], document["groupVersion"]) == (
        "APIResourceList",
        "v1",
        "example.com/v1",
    )
    widget, status, scale, _ = document["resources"]
    assert widget == {
        "name": "widgets",
        "singularName": "widget",
        "namespaced": True,
        "kind": "Widget",
        "verbs": VERBS,
        "shortNames": ["wd"],
        "categories": ["all"],
        "storageVersionHash": storage_version_hash(GroupVersionKind("example.com", "v1", "Widget")),
    }
    assert status == {"name": "widgets/status", "singularName": "", "namespaced": True, "kind": "Widget", "verbs": SOME}
    assert scale == {
        "name": "widgets/scale",
        "singularName": "",
        "namespaced": True,
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
        "verbs": SOME,
    }


def test_hashes_are_those_of_the_reference():
    assert storage_version_hash(GroupVersionKind("apps", "v1", "Deployment")) == "8aSe+NMegvE="


def test_aggregated_documents(discovery):
    answer = discovery.answer("/apis", AGGREGATED)
    assert dict(answer.headers)[b"content-type"].decode() == AGGREGATED
    document = body(answer)
    assert (document["kind"], document["apiVersion"]) == ("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2")
    entry = document["items"][0]
    assert entry["metadata"] == {"name": "example.com"}
    assert [version["version"] for version in entry["versions"]] == ["v2", "v1"]
    resource = entry["versions"][0]["resources"][0]
    assert resource["responseKind"] == {"group": "", "version": "", "kind": "Widget"}
    assert resource["scope"] == "Namespaced"
    assert resource["subresources"][1] == {
        "subresource": "scale",
        "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
        "verbs": SOME,
    }
    assert [item["metadata"] for item in body(discovery.answer("/api", AGGREGATED))["items"]] == [{}]


def test_aggregated_documents_are_sent_once(discovery):
    etag = dict(discovery.answer("/apis", AGGREGATED).headers)[b"etag"].decode()
    assert discovery.answer("/apis", AGGREGATED, if_none_match=f'"x", W/{etag}').status == 304
    assert discovery.answer("/apis", AGGREGATED, if_none_match='"x"').status == 200


@pytest.mark.parametrize("path", ["/apis/", "/apis/example.com", "/apis/example.com/v1", "/api/v1"])
def test_only_the_roots_aggregate(discovery, path):
    with pytest.raises(StatusError) as caught:
        discovery.answer(path, AGGREGATED)
    assert caught.value.code == 406


def test_yaml(discovery):
    answer = discovery.answer("/apis/low.example.com", "application/yaml")
    assert dict(answer.headers)[b"content-type"] == b"application/yaml"
    assert answer.body == (
        b"apiVersion: v1\nkind: APIGroup\nname: low.example.com\npreferredVersion:\n"
        b"  groupVersion: low.example.com/v1\n  version: v1\n"
        b"versions:\n- groupVersion: low.example.com/v1\n  version: v1\n"
    )


@pytest.mark.parametrize("path", ["/", "/api/v2", "/apis/nope", "/apis/example.com/v9", "/apis//v1", "/version"])
def test_other_paths_are_not_discovery(discovery, path):
    assert discovery.answer(path) is None


def test_other_groups_keep_what_is_unchanged():
    kept, dropped = group("kept.io"), group("dropped.io")
    before = Discovery([kept, dropped])
    first = before.answer("/apis/kept.io/v1")
    after = before.with_groups([kept, group("new.io")])
    assert after.answer("/apis/kept.io/v1").body is first.body
    assert after.answer("/apis/dropped.io") is None
    assert after.answer("/apis/new.io/v1").status == 200
    assert {entry["name"] for entry in body(after.answer("/apis"))["groups"]} == {"kept.io", "new.io"}


def test_the_version_parses_as_kubernetes():
    document = build_version("0.1.0")
    assert (document["major"], document["minor"]) == ("1", "36")
    assert document["gitVersion"].startswith("v1.36.0+kapi")


def test_root_paths():
    paths = build_root_paths([group(), group("")], ["/livez"])["paths"]
    assert paths == sorted(paths)
    assert {"/api/v1", "/apis/example.com/v1", "/livez", "/openapi/v3"} <= set(paths)
