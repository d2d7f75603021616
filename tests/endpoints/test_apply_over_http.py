"""Server-side apply through the chain of links, in process."""

from typing import Any

from widgets import GROUP, ROOT, Rig, running

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
