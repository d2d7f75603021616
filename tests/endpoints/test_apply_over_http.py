"""Server-side apply through the chain of links, in process."""

from typing import Any

from kapi.testing.asgi import Reply
from widgets import GROUP, MERGE, ROOT, Rig, running

APPLY = {"content-type": "application/apply-patch+yaml"}


async def applied(rig: Rig, version: str, manager: str, **members: Any) -> Any:
    path = f"/apis/{GROUP}/{version}/namespaces/ns/widgets/a?fieldManager={manager}"
    config = {"apiVersion": f"{GROUP}/{version}", "kind": "Widget", "metadata": {"name": "a"}, **members}
    reply = await rig.http.request("PATCH", path, config, APPLY)
    assert reply.status in (200, 201), reply.body
    return reply.json()


async def test_what_was_applied_in_another_version_is_pruned_and_the_rest_stays() -> None:
    async with running() as rig:
        await applied(rig, "v2", "aa", spec={"width": 5, "color": "blue"})
        await applied(rig, "v1", "bb", spec={"size": 5})
        left = await applied(rig, "v1", "aa")
        assert left["spec"] == {"size": 5, "color": "red"}
        assert [entry["manager"] for entry in left["metadata"]["managedFields"]] == ["bb"]
        assert (await rig.http.request("GET", f"{ROOT}/namespaces/ns/widgets/a")).json() == left


def refusal(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json()["message"]


WIDGET = f"apiVersion: {GROUP}/v1\nkind: Widget\nmetadata: {{name: a}}\nspec:\n"
PATH = f"{ROOT}/namespaces/ns/widgets/a?fieldManager="


async def test_repeated_keys_are_reported_after_what_does_not_fit() -> None:
    async with running() as rig:
        await applied(rig, "v1", "aa", spec={"size": 1})
        repeated = f"{WIDGET}  size: 2\n  size: 3\n".encode()
        reply = await rig.http.request("PATCH", f"{PATH}bb&fieldValidation=Strict", repeated, APPLY)
        assert refusal(reply) == (409, 'Apply failed with 1 conflict: conflict with "aa": .spec.size')
        assert (await rig.http.request("PATCH", f"{PATH}bb", repeated, APPLY)).warnings == []
        strict = await rig.http.request("PATCH", f"{PATH}aa&fieldValidation=Strict", repeated, APPLY)
        assert strict.status == 400
        assert 'key "size" already set in map' in strict.json()["message"]
        loose = await rig.http.request("PATCH", f"{PATH}aa", repeated, APPLY)
        assert (loose.status, loose.json()["spec"]["size"]) == (200, 3)
        assert len(loose.warnings) == 1


async def test_an_apply_that_means_a_certain_object_creates_none() -> None:
    async with running() as rig:
        config = {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": "a", "uid": "u-1"}}
        reply = await rig.http.request("PATCH", f"{PATH}aa", config, APPLY)
        assert refusal(reply) == (
            409,
            'Operation cannot be fulfilled on widgets.example.com "a": uid mismatch: the provided object specified '
            "uid u-1, and no existing object was found",
        )
        assert (await rig.http.request("GET", f"{ROOT}/namespaces/ns/widgets/a")).status == 404


async def test_values_that_only_their_decoder_refuses() -> None:
    async with running() as rig:
        reply = await rig.http.request("PATCH", f"{PATH}aa", f"{WIDGET}  size: 1.5\n".encode(), APPLY)
        assert refusal(reply) == (
            500,
            "failed to convert new object (/a; example.com/v1, Kind=Widget) to proper version: unable to convert "
            "unstructured object to example.com/v1, Kind=Widget: cannot convert float64 to int32",
        )


async def test_whole_numbers_may_be_written_as_floats() -> None:
    async with running() as rig:
        reply = await rig.http.request("PATCH", f"{PATH}aa", f"{WIDGET}  size: 2.0\n".encode(), APPLY)
        assert (reply.status, reply.json()["spec"]["size"]) == (201, 2)
        strategic = {"content-type": "application/strategic-merge-patch+json"}
        reply = await rig.http.request("PATCH", f"{PATH}aa", b'{"spec":{"size":1e1}}', strategic)
        assert (reply.status, reply.json()["spec"]["size"]) == (200, 10)
        reply = await rig.http.request("PATCH", f"{PATH}aa", b'{"spec":{"size":1e1}}', MERGE)
        assert reply.status == 422
