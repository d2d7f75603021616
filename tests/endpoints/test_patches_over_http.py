"""What patches may make of an object, and in which words they are refused."""

from typing import Any

import pytest

from widgets import GROUP, MERGE, ROOT, running

JSON_PATCH = {"content-type": "application/json-patch+json"}
ALL = f"{ROOT}/namespaces/ns/widgets"
ONE = f"{ALL}/a"
TYPE_META = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
SCHEME = 'in scheme "pkg/api/legacyscheme/scheme.go:30"'


async def answered(patch: Any, headers: dict[str, str], query: str = "") -> tuple[int, str]:
    async with running() as rig:
        assert (await rig.http.request("POST", ALL, {"metadata": {"name": "a"}, "spec": {"size": 1}})).status == 201
        reply = await rig.http.request("PATCH", ONE + query, patch, headers)
        return reply.status, reply.json().get("message", "")


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        ({"kind": "Gadget"}, "converting (v1.Gadget) to (example.Widget): unknown conversion"),
        ({"kind": "Nope"}, f'no kind "Nope" is registered for version "example.com/v1" {SCHEME}'),
        ({"apiVersion": "v9"}, f'no kind "Widget" is registered for version "v9" {SCHEME}'),
        ({"apiVersion": "a/b/c"}, "unexpected GroupVersion string: a/b/c"),
        (
            {"kind": 1},
            "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of "
            "type string",
        ),
    ],
)
async def test_a_patch_does_not_change_the_kind(patch: Any, problem: str) -> None:
    code, message = await answered(patch, MERGE)
    assert code == 422
    assert message.endswith(f": {problem}")


async def test_a_kind_that_is_taken_away_is_put_back() -> None:
    assert (await answered({"kind": None}, MERGE))[0] == 200
    code, message = await answered({"apiVersion": None}, MERGE)
    assert (code, message.rpartition(": ")[2]) == (400, "name must be provided")


async def test_a_document_that_is_no_object() -> None:
    code, message = await answered([{"op": "replace", "path": "", "value": []}], JSON_PATCH)
    assert code == 422
    assert message.endswith(
        f"couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type {TYPE_META}"
    )


@pytest.mark.parametrize(
    ("patch", "headers", "code", "message"),
    [
        (b"{", MERGE, 400, "Invalid JSON Patch"),
        (b"1", MERGE, 400, "Invalid JSON Patch"),
        (b"{}", JSON_PATCH, 400, "json: cannot unmarshal object into Go value of type jsonpatch.Patch"),
        (b"[1]", JSON_PATCH, 400, "json: cannot unmarshal number into Go value of type jsonpatch.Operation"),
        (b"", JSON_PATCH, 400, "unexpected end of JSON input"),
        (b'[{"op":1}]', JSON_PATCH, 422, "the server rejected our request due to an error in our request"),
        (b'[{"op":{}}]', JSON_PATCH, 422, "the server rejected our request due to an error in our request"),
        (b'{"spec":{"size":2,"size":3}}', MERGE, 200, ""),
    ],
)
async def test_without_validation_only_the_library_looks(
    patch: bytes, headers: dict[str, str], code: int, message: str
) -> None:
    assert await answered(patch, headers, "?fieldValidation=Ignore") == (code, message)


async def test_a_list_is_no_merge_patch() -> None:
    code, message = await answered(b"[1]", MERGE)
    assert code == 400
    assert message.endswith("json: cannot unmarshal array into Go value of type map[string]interface {}")


async def test_without_validation_a_list_replaces_the_document() -> None:
    code, message = await answered(b"[1,null]", MERGE, "?fieldValidation=Ignore")
    assert code == 422
    assert 'Invalid value: "[1]": couldn\'t get version/kind' in message


async def test_patching_through_another_version_with_what_it_does_not_have() -> None:
    async with running() as rig:
        path = f"/apis/{GROUP}/v2/namespaces/ns/widgets/a?fieldManager=aa"
        apply = {"content-type": "application/apply-patch+yaml"}
        config = {"apiVersion": f"{GROUP}/v2", "kind": "Widget", "metadata": {"name": "a"}, "spec": {"width": 1}}
        assert (await rig.http.request("PATCH", path, config, apply)).status == 201
        emptied = {**config, "apiVersion": f"{GROUP}/v1", "spec": None}
        reply = await rig.http.request("PATCH", f"{ONE}?fieldManager=aa", emptied, apply)
        assert (reply.status, reply.json().get("spec")) == (200, None)
