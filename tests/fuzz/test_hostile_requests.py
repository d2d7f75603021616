"""Whatever is sent, the server answers in due form, stays well, and writes nothing by halves."""

import gzip
import json
from urllib.parse import quote

import pytest
from effort import bounded
from hostile import (
    DEEP,
    MEDIA_TYPES,
    OBJECTS,
    PATCH_TYPES,
    TOKENS,
    YAMLS,
    bodies,
    dumped,
    headers,
    paths,
    queries,
    spots,
)
from hostile import planted as plant
from hypothesis import given
from hypothesis import strategies as st
from wire import JSON, Answer, Wire, check, head

MAPS = b"/api/v1/namespaces/default/configmaps"
LIMIT = 3 * 1024 * 1024


def at(collection: str, name: str = "victim") -> bytes:
    return f"{collection}/{quote(name, safe='')}".encode()


def exists(wire: Wire, target: bytes) -> bool:
    return wire(b"GET", target).status == 200


@given(bodies(), st.sampled_from([b"", b"fieldValidation=Strict", b"fieldValidation=Ignore", b"dryRun=All"]))
@bounded(250)
def test_creation_happens_wholly_or_not_at_all(wire, body, query):
    collection, content = body
    made = check(wire(b"POST", collection.encode() + b"?" + query, [JSON], content))
    name = "victim"
    if made.status == 201 and made.media_type == "application/json":
        name = json.loads(made.body).get("metadata", {}).get("name") or name
    stored = not collection.endswith(("token", "reviews")) and query != b"dryRun=All" and made.status == 201
    target = at(collection, name)
    assert exists(wire, target) == stored
    if stored:
        remove(wire, target)


def remove(wire: Wire, target: bytes) -> None:
    """Delete an object and whatever holds it."""
    check(wire(b"PATCH", target, [(b"Content-Type", PATCH_TYPES[0])], b'{"metadata":{"finalizers":null}}'))
    check(wire(b"DELETE", target + b"?gracePeriodSeconds=0"))
    assert not exists(wire, target)


STORED = sorted(name for name in OBJECTS if not name.endswith(("token", "reviews")))


@pytest.fixture(scope="module")
def targets(wire) -> dict[str, bytes]:
    """One good object of every kind, called ``target``."""
    found = {}
    for collection in STORED:
        obj = json.loads(json.dumps(OBJECTS[collection]))
        obj["metadata"]["name"] = "target"
        for refused in ("finalizers", "managedFields"):
            obj["metadata"].pop(refused, None)
        if collection.endswith("services"):
            obj["spec"] = {"ports": [{"port": 80}]}
        made = wire(b"POST", collection.encode(), [JSON], dumped(obj))
        assert made.status == 201, made.body
        found[collection] = made.body
    return found


def same_unless_accepted(wire: Wire, target: bytes, before: bytes, answer: Answer) -> None:
    if answer.status >= 400:
        assert wire(b"GET", target).body == before


@given(st.data())
@bounded(150)
def test_updates_happen_wholly_or_not_at_all(wire, targets, data):
    collection = data.draw(st.sampled_from(STORED))
    obj, target = json.loads(targets[collection]), at(collection, "target")
    place, token = data.draw(st.sampled_from(spots(obj))), data.draw(st.sampled_from(TOKENS))
    before = wire(b"GET", target).body
    obj["metadata"]["resourceVersion"] = json.loads(before)["metadata"]["resourceVersion"]
    answer = check(wire(b"PUT", target, [JSON], plant(obj, place, token)))
    same_unless_accepted(wire, target, before, answer)
    release(wire, target)


def release(wire: Wire, target: bytes) -> None:
    """Let nothing that an example has left hold an object or make it immutable."""
    if wire(b"GET", target).status == 404:
        return
    check(wire(b"PATCH", target, [(b"Content-Type", PATCH_TYPES[0])], b'{"metadata":{"finalizers":null}}'))


@given(st.data())
@bounded(200)
def test_patches_happen_wholly_or_not_at_all(wire, targets, data):
    collection = data.draw(st.sampled_from(STORED))
    target = at(collection, "target")
    before = wire(b"GET", target).body
    media_type = data.draw(st.sampled_from(PATCH_TYPES))
    token = data.draw(st.sampled_from(TOKENS))
    if media_type == b"application/json-patch+json":
        content = plant(
            [{"op": "replace", "path": data.draw(POINTERS), "value": {"a": "b"}, "from": data.draw(POINTERS)}],
            data.draw(st.sampled_from([(), (0,), (0, "op"), (0, "path"), (0, "value"), (0, "from")])), token,
        )  # fmt: skip
        content = content.replace(b"replace", data.draw(st.sampled_from(OPERATIONS)))
    else:
        content = plant(OBJECTS[collection], data.draw(st.sampled_from(spots(OBJECTS[collection]))), token)
    query = b"?fieldManager=f&force=true" if media_type.endswith(b"yaml") else b""
    answer = check(wire(b"PATCH", target + query, [(b"Content-Type", media_type)], content))
    same_unless_accepted(wire, target, before, answer)
    release(wire, target)


POINTERS = st.sampled_from(
    ["", "/", "//", "/data", "/metadata", "/metadata/labels/x", "/metadata/labels/a~1b", "/~2", "data", "/rules/-1",
     "/spec/template/spec/containers/0", "/spec/template/spec/containers/-", "/metadata/name", "/metadata/uid", "/kind",
     "/spec/template/spec/containers/99999999999999999999", "/metadata/resourceVersion", "/metadata/managedFields",
     "/status", "/metadata/annotations/\ud7ff"]
)  # fmt: skip
OPERATIONS = [b"add", b"remove", b"replace", b"move", b"copy", b"test", b"nope", b""]


@given(st.sampled_from(YAMLS), st.sampled_from([b"application/yaml", b"application/apply-patch+yaml"]))
@bounded(80)
def test_yaml(wire, content, media_type):
    method, target = (b"POST", MAPS) if media_type == b"application/yaml" else (b"PATCH", MAPS + b"/y?fieldManager=f")
    check(wire(method, target, [(b"Content-Type", media_type)], content))


@given(st.sampled_from(MEDIA_TYPES), st.sampled_from([b"POST", b"PUT", b"PATCH", b"DELETE"]), st.binary(max_size=30))
@bounded(150)
def test_media_types(wire, media_type, method, content):
    target = MAPS if method == b"POST" else MAPS + b"/nobody"
    prefix = b"k8s\x00" if b"protobuf" in media_type else b""
    check(wire(method, target, [(b"Content-Type", media_type)], prefix + content))


METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"FOO"]


@given(paths, queries, st.sampled_from(METHODS))
@bounded(400)
def test_paths(wire, path, query, method):
    body = None if method in (b"GET", b"HEAD", b"DELETE") else b"{}"
    check(wire(method, path + b"?" + query, [JSON], body))


READ = [MAPS, MAPS + b"/x", b"/api/v1/pods", b"/apis/apps/v1/deployments", b"/api", b"/openapi/v2", b"/readyz"]


@given(st.sampled_from(READ), queries, headers)
@bounded(300)
def test_queries_and_headers(wire, path, query, fields):
    check(wire(b"GET", path + b"?" + query, fields))


@given(queries, headers, st.sampled_from([b"POST", b"PUT", b"PATCH", b"DELETE"]))
@bounded(150)
def test_queries_and_headers_of_writes(wire, query, fields, method):
    target = MAPS if method == b"POST" else MAPS + b"/nobody"
    check(wire(method, target + b"?" + query, [JSON, *fields], b'{"metadata":{"name":"never"},"kind":"Nope"}'))
    assert not exists(wire, MAPS + b"/never")


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH", b"DELETE"])
def test_bodies_may_have_three_mebibytes(wire, method):
    target = MAPS if method == b"POST" else MAPS + b"/large"
    named = [(b"Content-Type", b"application/merge-patch+json" if method == b"PATCH" else b"application/json")]
    answer = check(wire(method, target, named, b" " * (LIMIT + 1)))
    assert answer.status == 413
    assert json.loads(answer.body)["reason"] == "RequestEntityTooLarge"
    assert check(wire(method, target, named, b"{}" + b" " * (LIMIT - 2))).status != 413


def test_a_body_is_not_read_beyond_its_limit(wire):
    named = [wire.credentials, JSON, (b"Content-Length", b"100000000000000")]
    assert check(wire.raw(head(b"POST", MAPS, named) + b"{", "POST")).status == 413
    wire.close()
    named = [wire.credentials, JSON, (b"Transfer-Encoding", b"chunked")]
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    assert check(wire.raw(head(b"POST", MAPS, named) + chunk * 49, "POST")).status == 413
    wire.close()


def test_a_small_body_that_unpacks_to_a_large_one(wire):
    content = gzip.compress(b" " * (50 * LIMIT))
    answer = check(wire(b"POST", MAPS, [JSON, (b"Content-Encoding", b"gzip")], content))
    assert answer.status in (400, 413, 415)


@pytest.mark.parametrize(
    "content",
    [
        b'{"metadata":{"name":"deep"},"data":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"metadata":{"name":"deep","annotations":{"a":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}}}",
        b'{"metadata":{"name":"deep","managedFields":[{"fieldsV1":' + b'{"f:a":' * DEEP + b"{}" + b"}" * DEEP + b"}]}}",
        b'{"metadata":{"name":NaN}}',
        b'{"metadata":{"name":"\xff"}}',
        b'{"metadata":{"name":1e999}}',
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"",
    ],
)
def test_what_is_no_object_is_refused(wire, content):
    answer = check(wire(b"POST", MAPS, [JSON], content))
    assert 400 <= answer.status < 500
    assert json.loads(answer.body)["reason"] in ("BadRequest", "Invalid")


def test_deep_objects_of_free_form_do_no_harm(wire):
    """Kinds whose schema lets anything in, at any depth."""
    inner = b'{"a":' * DEEP + b"1" + b"}" * DEEP
    revision = b'{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"deep"},"revision":1,"data":%s}'
    check(wire(b"POST", b"/apis/apps/v1/namespaces/default/controllerrevisions", [JSON], revision % inner))
    assert check(wire(b"GET", b"/apis/apps/v1/controllerrevisions")).status == 200


def test_requests_that_are_cut_off(wire):
    for data in (
        b"GET",
        b"GET / HTTP/1.1\r\n",
        head(b"POST", MAPS, [wire.credentials, JSON, (b"Content-Length", b"9")]),
    ):
        wire.close()
        wire(b"GET", b"/readyz")
        assert wire.socket
        wire.socket.sendall(data)
        wire.close()
    assert wire(b"GET", b"/readyz").body == b"ok"


@given(st.binary(max_size=200))
@bounded(30)
def test_what_is_no_http_is_refused(wire, data):
    wire.close()
    assert check(wire.raw(b"\x00" + data + b"\r\n\r\n")).status == 400
    wire.close()
