import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapi.endpoints.requestinfo import RequestLineError, parse_request_info


def parts(method, path, query=""):
    i = parse_request_info(method, path.encode(), query.encode())
    assert i.is_resource_request
    return i.verb, i.group, i.version, i.namespace, i.resource, i.subresource, i.name


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/api/v1/namespaces/n/pods", "", ("list", "", "v1", "n", "pods", "", "")),
        ("GET", "/api/v1/namespaces/n/pods/", "", ("list", "", "v1", "n", "pods", "", "")),
        ("GET", "/api/v1/pods", "watch=1", ("watch", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/pods", "watch=false", ("list", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/pods", "watch=1&limit=x", ("watch", "", "v1", "", "pods", "", "")),
        ("HEAD", "/api/v1/namespaces/n/pods/p", "", ("get", "", "v1", "n", "pods", "", "p")),
        ("GET", "/api/v1/namespaces/n/pods/p", "watch=1", ("get", "", "v1", "n", "pods", "", "p")),
        ("GET", "/api/v1/watch/namespaces/n/pods/p", "", ("watch", "", "v1", "n", "pods", "", "p")),
        ("GET", "/api/v1/watch/pods", "", ("watch", "", "v1", "", "pods", "", "")),
        ("POST", "/api/v1/namespaces/n/pods", "", ("create", "", "v1", "n", "pods", "", "")),
        ("PUT", "/api/v1/namespaces/n/pods/p/status", "", ("update", "", "v1", "n", "pods", "status", "p")),
        ("PATCH", "/apis/apps/v1/namespaces/n/deployments/d", "", ("patch", "apps", "v1", "n", "deployments", "", "d")),
        ("DELETE", "/api/v1/namespaces/n/pods/p", "", ("delete", "", "v1", "n", "pods", "", "p")),
        ("DELETE", "/api/v1/namespaces/n/pods", "", ("deletecollection", "", "v1", "n", "pods", "", "")),
        ("OPTIONS", "/api/v1/namespaces/n/pods", "", ("", "", "v1", "n", "pods", "", "")),
        ("GET", "/api/v1/namespaces", "", ("list", "", "v1", "", "namespaces", "", "")),
        ("GET", "/api/v1/namespaces/n", "", ("get", "", "v1", "n", "namespaces", "", "n")),
        ("PUT", "/api/v1/namespaces/n/finalize", "", ("update", "", "v1", "n", "namespaces", "finalize", "n")),
        ("PUT", "/api/v1/namespaces/n/status", "", ("update", "", "v1", "n", "namespaces", "status", "n")),
        ("GET", "/api/v1/namespaces//configmaps", "", ("list", "", "v1", "", "configmaps", "", "")),
        ("GET", "/api/v1//namespaces/n/configmaps/a", "", ("get", "", "v1", "", "", "n", "namespaces")),
        ("GET", "/api/v1/namespaces/n/config%6Daps/%61", "", ("get", "", "v1", "n", "configmaps", "", "a")),
        ("GET", "/api/v1/namespaces/n/configmaps/a%2Fb", "", ("get", "", "v1", "n", "configmaps", "b", "a")),
        ("GET", "/api/v1/namespaces/n/configmaps/%2e%2e", "", ("get", "", "v1", "n", "configmaps", "", "..")),
        ("GET", "/api/v1/namespaces/n/pods/a+b", "", ("get", "", "v1", "n", "pods", "", "a+b")),
    ],
)
def test_what_requests_ask_for(method, path, query, expected):
    assert parts(method, path, query) == expected


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1/", "/API/v1/pods", "/version", ""]
)
def test_other_paths_name_no_resource(path):
    info = parse_request_info("GET", path.encode())
    assert (info.is_resource_request, info.verb, info.path, info.resource) == (False, "get", path, "")


def test_a_field_selector_can_name_the_object():
    assert parts("GET", "/api/v1/pods", "fieldSelector=metadata.name%3Dp")[-1] == "p"
    assert parts("GET", "/api/v1/pods", "fieldSelector=metadata.name%3D..")[-1] == ""
    assert parts("GET", "/api/v1/pods", "fieldSelector=metadata.name!%3Dp")[-1] == ""
    assert parts("DELETE", "/api/v1/pods", "fieldSelector=metadata.name%3Dp")[-1] == ""


def test_selectors_are_known_for_collections_only():
    query = b"fieldSelector=a%3Db&labelSelector=c"
    info = parse_request_info("DELETE", b"/api/v1/pods", query)
    assert (info.field_selector, info.label_selector) == ("a=b", "c")
    info = parse_request_info("GET", b"/api/v1/namespaces/n/pods/p", query)
    assert (info.field_selector, info.label_selector) == ("", "")


def test_all_parts_are_kept():
    info = parse_request_info("GET", b"/api/v1/namespaces/n/pods/p/proxy/a/b")
    assert info.parts == ("pods", "p", "proxy", "a", "b")


@pytest.mark.parametrize("path", [b"/api/v1/pods/%zz", b"/%", b"/api/v1/pods/a%00b"])
def test_malformed_paths_are_refused(path):
    with pytest.raises(RequestLineError) as caught:
        parse_request_info("GET", path)
    assert (caught.value.status, caught.value.text) == (400, "400 Bad Request")


def test_the_watch_prefix_needs_a_resource():
    with pytest.raises(RequestLineError) as caught:
        parse_request_info("GET", b"/api/v1/watch")
    assert caught.value.status == 500


@given(st.binary(max_size=60), st.binary(max_size=30))
def test_any_request_line_is_understood_or_refused(path, query):
    try:
        info = parse_request_info("GET", b"/api/v1/" + path, query)
    except RequestLineError:
        return
    assert info.name == (info.parts[1] if len(info.parts) > 1 else info.name)
    assert "\0" not in info.path
