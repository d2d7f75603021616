"""Create, read, update, patch and delete, through the chain of links, in process."""

import asyncio
import gzip
from typing import Any

import pytest

from interleaving import Interleaved
from kapi.testing.asgi import Reply
from widgets import GROUP, MERGE, ROOT, Rig, running

Object = dict[str, Any]
ALL = f"{ROOT}/namespaces/ns/widgets"
ONE = f"{ALL}/a"
JSON_PATCH = {"content-type": "application/json-patch+json"}
APPLY = {"content-type": "application/apply-patch+yaml"}
PARTIAL = {"accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def body(name: str = "a", **spec: Any) -> Object:
    return {"metadata": {"name": name}, "spec": spec}


async def created(rig: Rig, name: str = "a", **spec: Any) -> Object:
    reply = await rig.http.request("POST", ALL, body(name, **spec))
    assert reply.status == 201, reply.body
    made: Object = reply.json()
    return made


def problem(reply: Reply) -> tuple[int, str, str]:
    status = reply.json()
    assert status["kind"] == "Status"
    assert status["code"] == reply.status
    return reply.status, status.get("reason", ""), status["message"]


async def test_an_object_through_its_life() -> None:
    async with running() as rig:
        made = await created(rig, size=1)
        assert (made["kind"], made["apiVersion"]) == ("Widget", "example.com/v1")
        assert made["spec"] == {"size": 1, "color": "red"}
        assert (await rig.http.request("GET", ONE)).json() == made
        put = await rig.http.request("PUT", ONE, {**made, "spec": {"size": 2}})
        assert (put.status, put.json()["spec"]) == (200, {"size": 2, "color": "red"})
        patched = await rig.http.request("PATCH", ONE, {"spec": {"color": None}}, MERGE)
        assert patched.json()["spec"] == {"size": 2, "color": "red"}
        listed = (await rig.http.request("GET", ALL)).json()
        assert (listed["kind"], listed["apiVersion"]) == ("WidgetList", "example.com/v1")
        assert [item["spec"] for item in listed["items"]] == [{"size": 2, "color": "red"}]
        assert not listed["items"][0].keys() & {"kind", "apiVersion"}
        gone = await rig.http.request("DELETE", ONE)
        assert (gone.status, gone.json()["status"]) == (200, "Success")
        assert problem(await rig.http.request("GET", ONE)) == (404, "NotFound", 'widgets.example.com "a" not found')


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", f"{ROOT}/nothing", 404),
        ("GET", f"{ROOT}/widgets/a", 404),
        ("GET", f"{ROOT}/namespaces/ns/gadgets", 404),
        ("GET", f"{ONE}/nothing", 404),
        ("GET", f"{ONE}/status/more", 404),
        ("GET", f"/apis/{GROUP}/v3/widgets", 404),
        ("POST", f"{ROOT}/widgets", 405),
        ("POST", ONE, 405),
        ("PUT", ALL, 405),
        ("DELETE", f"{ONE}/status", 405),
        ("GET", f"{ALL}/a%25", 400),
    ],
)
async def test_what_is_not_there_or_not_possible(method: str, path: str, code: int) -> None:
    async with running() as rig:
        assert problem(await rig.http.request(method, path))[0] == code


async def test_other_groups_are_for_others() -> None:
    async with running() as rig:
        reply = await rig.http.request("GET", "/apis/other.example.com/v1/widgets")
        assert (reply.status, reply.header("content-type")) == (404, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("sent", "code", "part"),
    [
        (b"{", 400, "couldn't get version/kind; json parse error"),
        (b"", 400, "couldn't get version/kind"),
        (b"[]", 400, "json: cannot unmarshal array"),
        (b'"x"', 400, "cannot unmarshal string"),
        (b'{"kind":5}', 400, "cannot unmarshal number"),
        ({"kind": "Gadget", "apiVersion": "example.com/v1"}, 400, "Gadget"),
        ({"kind": "Widget", "apiVersion": "example.com/v2"}, 400, "does not match the expected API version"),
        ({"kind": "Widget", "apiVersion": "a/b/c"}, 400, "unexpected GroupVersion string"),
        ({"kind": "Nothing", "apiVersion": "example.com/v1"}, 400, 'no kind "Nothing" is registered'),
        ({"metadata": {"name": "a"}, "spec": {"size": "x"}}, 400, "cannot unmarshal string"),
        ({"metadata": {"name": "a", "namespace": "other"}}, 400, "does not match the namespace sent on the request"),
        ({"metadata": {}}, 422, "name or generateName is required"),
        ({"metadata": {"name": "a"}, "spec": {"size": 2000}}, 422, "must be at most 1000"),
    ],
)
async def test_bodies_that_are_refused(sent: Any, code: int, part: str) -> None:
    async with running() as rig:
        status, _, message = problem(await rig.http.request("POST", ALL, sent))
        assert (status, part in message) == (code, True), message
        assert (await rig.backend.range("/")).items == []


async def test_a_body_that_is_too_large_is_not_read() -> None:
    async with running() as rig:
        reply = await rig.http.request("POST", ALL, b"x" * (3 * 1024 * 1024 + 1))
        assert problem(reply) == (413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728")


@pytest.mark.parametrize(
    ("validation", "status", "warnings"),
    [
        ("", 201, ['unknown field \\"spec.nothing\\"']),
        ("Warn", 201, ['unknown field \\"spec.nothing\\"']),
        ("Ignore", 201, []),
        ("Strict", 400, []),
        ("Other", 422, []),
    ],
)
async def test_unknown_members(validation: str, status: int, warnings: list[str]) -> None:
    async with running() as rig:
        reply = await rig.http.request("POST", f"{ALL}?fieldValidation={validation}", body(nothing=1))
        assert (reply.status, reply.warnings) == (status, warnings)


async def test_yaml_goes_in_and_out() -> None:
    async with running() as rig:
        yaml = {"content-type": "application/yaml", "accept": "application/yaml"}
        reply = await rig.http.request("POST", ALL, b"metadata: {name: a}\nspec: {size: 3}\n", yaml)
        assert (reply.status, reply.header("content-type")) == (201, "application/yaml")
        assert b"size: 3\n" in reply.body
        missing = await rig.http.request("GET", f"{ALL}/b", headers=yaml)
        assert missing.body.startswith(b"apiVersion: v1\ncode: 404\n")


async def test_kinds_warn_and_dry_runs_answer_alike() -> None:
    async with running() as rig:
        dry = await rig.http.request("POST", f"{ALL}?dryRun=All", body(size=600))
        assert (dry.status, dry.warnings) == (201, ["that is large"])
        assert "resourceVersion" not in dry.json()["metadata"]
        assert (await rig.http.request("GET", ONE)).status == 404
        await created(rig, size=1)
        before = await rig.backend.current_revision()
        for method, sent, headers in (
            ("PUT", body(size=2), {}),
            ("PATCH", {"spec": {"size": 2}}, MERGE),
            ("DELETE", None, {}),
        ):
            reply = await rig.http.request(method, f"{ONE}?dryRun=All", sent, headers)
            assert reply.status == 200
        assert await rig.backend.current_revision() == before


@pytest.mark.parametrize(
    ("name", "part"),
    [("b", "the name of the object (b) does not match the name on the URL (a)"), ("", "name must be provided")],
)
async def test_a_put_names_its_object(name: str, part: str) -> None:
    async with running() as rig:
        await created(rig)
        assert part in problem(await rig.http.request("PUT", ONE, body(name)))[2]


async def test_a_put_with_a_stale_version_or_a_wrong_uid() -> None:
    async with running() as rig:
        made = await created(rig, size=1)
        await rig.http.request("PUT", ONE, body(size=2))
        assert problem(await rig.http.request("PUT", ONE, made))[:2] == (409, "Conflict")
        other = {"metadata": {"name": "a", "uid": "other"}}
        assert "Precondition failed" in problem(await rig.http.request("PUT", ONE, other))[2]
        assert problem(await rig.http.request("PUT", f"{ALL}/b", body("b")))[:2] == (404, "NotFound")


async def test_writes_that_change_nothing_keep_the_version() -> None:
    async with running() as rig:
        made = await created(rig, size=1)
        for method, sent, headers in (
            ("PUT", made, {}),
            ("PUT", body(size=1), {}),
            ("PATCH", {"spec": {"size": 1}}, MERGE),
            ("PATCH", [{"op": "test", "path": "/spec/size", "value": 1}], JSON_PATCH),
        ):
            reply = await rig.http.request(method, ONE, sent, headers)
            assert reply.json()["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_all_concurrent_patches_count() -> None:
    async with running(Interleaved()) as rig:
        await created(rig)
        patches = [
            rig.http.request("PATCH", ONE, {"metadata": {"annotations": {f"n{n}": "x"}}}, MERGE) for n in range(20)
        ]
        assert {reply.status for reply in await asyncio.gather(*patches)} == {200}
        assert len((await rig.http.request("GET", ONE)).json()["metadata"]["annotations"]) == 20


@pytest.mark.parametrize(
    ("headers", "sent", "code", "part"),
    [
        (MERGE, b"{", 400, "error decoding patch"),
        (JSON_PATCH, [{"op": "test", "path": "/spec/size", "value": 9}], 422, ""),
        (MERGE, {"spec": 5}, 422, ""),
        (MERGE, {"metadata": {"name": "b"}}, 400, "does not match the name on the URL"),
        (MERGE, {"metadata": {"resourceVersion": "1"}}, 409, "the object has been modified"),
        (APPLY, b"[]", 400, "cannot unmarshal array"),
        ({"content-type": "text/plain"}, b"{}", 415, "Unsupported Media Type"),
    ],
)
async def test_patches_that_are_refused(headers: dict[str, str], sent: Any, code: int, part: str) -> None:
    async with running() as rig:
        await created(rig, size=1)
        target = f"{ONE}?fieldManager=m" if headers is APPLY else ONE
        status, _, message = problem(await rig.http.request("PATCH", target, sent, headers))
        assert (status, part in message) == (code, True), message


async def test_apply_creates_then_owns() -> None:
    async with running() as rig:
        config = {"kind": "Widget", "apiVersion": "example.com/v1", **body(size=1)}
        first = await rig.http.request("PATCH", f"{ONE}?fieldManager=one", config, APPLY)
        again = await rig.http.request("PATCH", f"{ONE}?fieldManager=one", config, APPLY)
        assert (first.status, again.status) == (201, 200)
        assert first.json() == again.json(), "nothing changed"
        config["spec"]["size"] = 2  # type: ignore[index]  # a dict in a dict
        other = await rig.http.request("PATCH", f"{ONE}?fieldManager=two", config, APPLY)
        assert problem(other)[:2] == (409, "Conflict")
        forced = await rig.http.request("PATCH", f"{ONE}?fieldManager=two&force=true", config, APPLY)
        assert (forced.status, forced.json()["spec"]["size"]) == (200, 2)


async def test_the_user_agent_names_the_manager() -> None:
    async with running() as rig:
        await rig.http.request("POST", ALL, body(size=1), {"user-agent": "kubectl/v1.36 (linux)"})
        (entry,) = (await rig.http.request("GET", ONE)).json()["metadata"]["managedFields"]
        assert (entry["manager"], entry["operation"]) == ("kubectl", "Update")


async def test_status_has_its_own_path() -> None:
    async with running() as rig:
        await created(rig, size=1)
        sent = {"metadata": {"name": "a"}, "spec": {"size": 9}, "status": {"phase": "Done"}}
        put = (await rig.http.request("PUT", f"{ONE}/status", sent)).json()
        assert (put["spec"]["size"], put["status"]) == (1, {"phase": "Done"})
        patched = (await rig.http.request("PATCH", f"{ONE}/status", {"status": {"phase": "x"}}, MERGE)).json()
        assert patched["status"] == {"phase": "x"}
        assert (await rig.http.request("GET", f"{ONE}/status")).json() == patched


async def test_versions_are_converted_both_ways() -> None:
    async with running() as rig:
        second = f"/apis/{GROUP}/v2/namespaces/ns/widgets"
        reply = await rig.http.request("POST", second, body(width=4))
        assert (reply.status, reply.json()["spec"], reply.json()["apiVersion"]) == (
            201,
            {"width": 4, "color": "red"},
            f"{GROUP}/v2",
        )
        assert (await rig.http.request("GET", ONE)).json()["spec"] == {"size": 4, "color": "red"}
        listed = (await rig.http.request("GET", second)).json()
        assert (listed["apiVersion"], listed["items"][0]["spec"]["width"]) == (f"{GROUP}/v2", 4)
        patched = await rig.http.request("PATCH", f"{second}/a", {"spec": {"width": 5}}, MERGE)
        assert patched.json()["spec"]["width"] == 5
        assert (await rig.http.request("GET", ONE)).json()["spec"]["size"] == 5


async def test_deleting_with_options() -> None:
    async with running() as rig:
        made = await created(rig)
        wrong = {"preconditions": {"uid": "other"}}
        assert problem(await rig.http.request("DELETE", ONE, wrong))[:2] == (409, "Conflict")
        assert problem(await rig.http.request("DELETE", ONE, b"{"))[0] == 400
        right = {"preconditions": {"uid": made["metadata"]["uid"]}, "propagationPolicy": "Foreground"}
        marked = (await rig.http.request("DELETE", ONE, right)).json()
        assert marked["kind"] == "Widget"
        assert marked["metadata"]["finalizers"] == ["foregroundDeletion"]


async def test_a_collection_is_deleted_by_selector() -> None:
    async with running() as rig:
        for number in range(40):
            await created(rig, f"w{number:02}", color="blue" if number % 2 else "red")
        reply = await rig.http.request("DELETE", f"{ALL}?fieldSelector=spec.color%3Dblue")
        assert (reply.status, len(reply.json()["items"])) == (200, 20)
        left = (await rig.http.request("GET", ALL)).json()["items"]
        assert {item["spec"]["color"] for item in left} == {"red"}
        assert len(left) == 20


async def test_only_metadata() -> None:
    async with running() as rig:
        made = await created(rig, size=1)
        one = (await rig.http.request("GET", ONE, headers=PARTIAL)).json()
        assert (one["kind"], one["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
        assert one["metadata"] == made["metadata"]
        assert "spec" not in one
        many = {"accept": PARTIAL["accept"].replace("Metadata;", "MetadataList;")}
        listed = (await rig.http.request("GET", ALL, headers=many)).json()
        assert (listed["kind"], listed["items"][0]["metadata"]) == ("PartialObjectMetadataList", made["metadata"])
        assert (await rig.http.request("GET", ALL, headers=PARTIAL)).status in (400, 406)
        assert (await rig.http.request("GET", ONE, headers=many)).status in (400, 406)


async def test_tables() -> None:
    async with running() as rig:
        made = await created(rig)
        table = (await rig.http.request("GET", ALL, headers=TABLE)).json()
        assert table["kind"] == "Table"
        assert [column["name"] for column in table["columnDefinitions"]][0] == "Name"
        (row,) = table["rows"]
        assert row["cells"][0] == "a"
        assert row["object"]["metadata"] == made["metadata"]
        bare = (await rig.http.request("GET", f"{ONE}?includeObject=None", headers=TABLE)).json()
        assert bare["rows"][0].get("object") is None
        assert (await rig.http.request("GET", f"{ALL}?includeObject=Other", headers=TABLE)).status == 400


async def test_large_answers_are_compressed_for_those_who_can() -> None:
    async with running() as rig:
        for number in range(300):
            await rig.local.create(rig.store().resource.gvr, body(f"w{number}", color="c" * 400), "ns")
        plain = await rig.http.request("GET", ALL)
        packed = await rig.http.request("GET", ALL, headers={"accept-encoding": "gzip"})
        assert (plain.header("content-encoding"), packed.header("content-encoding")) == ("", "gzip")
        assert gzip.decompress(packed.body) == plain.body
        for accepted, encoding in (("deflate, gzip", "gzip"), ("gzip;q=0", ""), ("x-gzip", ""), ("*", "")):
            reply = await rig.http.request("GET", ALL, headers={"accept-encoding": accepted})
            assert reply.header("content-encoding") == encoding
        assert int(packed.header("content-length")) == len(packed.body) < len(plain.body)


async def test_pretty_answers_are_indented() -> None:
    async with running() as rig:
        await created(rig)
        assert (await rig.http.request("GET", f"{ONE}?pretty=true")).body.startswith(b'{\n  "kind": "Widget"')


@pytest.mark.parametrize("accept", ["text/html", "application/json;as=Other;v=v1;g=meta.k8s.io"])
async def test_forms_that_cannot_be_had(accept: str) -> None:
    async with running() as rig:
        assert problem(await rig.http.request("GET", ALL, headers={"accept": accept}))[0] == 406
