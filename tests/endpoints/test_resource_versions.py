"""What a resourceVersion means, for each combination with other parameters.

The tables are those of the Kubernetes API concepts ("Resource versions", "Efficient detection of changes").
"""

from typing import Any

import pytest

from kapi.testing.asgi import Reply
from widgets import ROOT, WIDGETS, Rig, running, widget

ALL = f"{ROOT}/namespaces/ns/widgets"
THEN, NOW = ["a", "b"], ["b", "c"]


async def history(rig: Rig) -> dict[str, str]:
    """Create a and b, which is the state "then"; then delete a and create c. Returns the named revisions."""
    await rig.local.create(WIDGETS, widget("a"))
    made = await rig.local.create(WIDGETS, widget("b"))
    await rig.local.delete(WIDGETS, "a", "ns")
    last = await rig.local.create(WIDGETS, widget("c"))
    await rig.http.request("GET", ALL)  # consistent: from here on the cache shows all of it
    return {"then": made["metadata"]["resourceVersion"], "now": last["metadata"]["resourceVersion"]}


def names(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body
    return [item["metadata"]["name"] for item in reply.json()["items"]]


@pytest.mark.parametrize("limit", ["", "&limit=9"])
@pytest.mark.parametrize(
    ("query", "shown", "with_limit"),
    [
        ("", NOW, NOW),  # most recent
        ("resourceVersion=0", NOW, NOW),  # any
        ("resourceVersion=0&resourceVersionMatch=NotOlderThan", NOW, NOW),
        ("resourceVersion={then}", NOW, THEN),  # not older than; with a limit: exact
        ("resourceVersion={then}&resourceVersionMatch=NotOlderThan", NOW, NOW),
        ("resourceVersion={then}&resourceVersionMatch=Exact", THEN, THEN),
        ("resourceVersion={now}&resourceVersionMatch=Exact", NOW, NOW),
    ],
)
async def test_lists(query: str, limit: str, shown: list[str], with_limit: list[str]) -> None:
    async with running() as rig:
        revisions = await history(rig)
        reply = await rig.http.request("GET", f"{ALL}?{query.format(**revisions)}{limit}")
        assert names(reply) == (with_limit if limit else shown)
        exact = "Exact" in query or (limit and "{then}" in query and "Match" not in query)
        wanted = revisions["then" if "then" in query and exact else "now"]
        assert reply.json()["metadata"]["resourceVersion"] == wanted


async def test_pages_go_on_in_the_state_in_which_they_began() -> None:
    async with running() as rig:
        await history(rig)
        first = await rig.http.request("GET", f"{ALL}?limit=1")
        token = first.json()["metadata"]["continue"]
        await rig.local.create(WIDGETS, widget("d"))
        for version in ("", "&resourceVersion=0"):
            rest = await rig.http.request("GET", f"{ALL}?continue={token}{version}")
            assert names(first) + names(rest) == NOW
        refused = await rig.http.request("GET", f"{ALL}?continue={token}&resourceVersion=1")
        assert (refused.status, refused.json()["message"]) == (
            400,
            "specifying resource version is not allowed when using continue",
        )


@pytest.mark.parametrize("version", ["", "0", "{then}"])
async def test_one_object_is_as_of_now_or_not_older(version: str) -> None:
    async with running() as rig:
        revisions = await history(rig)
        path = f"{ALL}/a?resourceVersion={version.format(**revisions)}"
        assert (await rig.http.request("GET", path)).status == 404
        assert (await rig.http.request("GET", path.replace("/a?", "/c?"))).status == 200


def told(event: dict[str, Any]) -> str:
    meta = event["object"]["metadata"]
    return meta.get("name") or ",".join(meta.get("annotations", ()))


STATE = ["ADDED b", "ADDED c"]
CHANGES = ["DELETED a", "ADDED c"]
END = ["BOOKMARK k8s.io/initial-events-end"]
STREAMED = "resourceVersionMatch=NotOlderThan&allowWatchBookmarks=1&sendInitialEvents="


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ("", STATE),  # get state and start at most recent
        ("resourceVersion=0", STATE),  # get state and start at any
        ("resourceVersion={then}", CHANGES),  # start at exact
        ("resourceVersion={now}", []),
        (f"{STREAMED}1", STATE + END),
        (f"resourceVersion=0&{STREAMED}1", STATE + END),
        (f"resourceVersion={{then}}&{STREAMED}1", STATE + END),
        (f"resourceVersion={{now}}&{STREAMED}1", STATE + END),
        ("resourceVersionMatch=NotOlderThan&sendInitialEvents=1", STATE),
        (f"{STREAMED}0", []),
        (f"resourceVersion={{then}}&{STREAMED}0", CHANGES),
    ],
)
async def test_watches(query: str, events: list[str]) -> None:
    async with running() as rig:
        revisions = await history(rig)
        async with rig.http.watch(f"{ALL}?watch=1&timeoutSeconds=30&{query.format(**revisions)}") as watch:
            found = [await watch.next() for _ in events]
            await rig.local.create(WIDGETS, widget("z"))
            found.append(await watch.next())
        assert [f"{event['type']} {told(event)}" for event in found] == [*events, "ADDED z"]
