"""Lists: consistency, pages, old states, selectors."""

import asyncio
import base64
import json
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interleaving import Interleaved
from kapi.endpoints import waiting
from kapi.endpoints.verbs import reading
from kapi.storage import feed, window
from widgets import ROOT, WIDGETS, Rig, running, widget

Object = dict[str, Any]
ALL = f"{ROOT}/widgets"


async def filled(rig: Rig, *names: str) -> int:
    """Create widgets named ``namespace/name``, every second of them blue; returns the revision."""
    version = 0
    for number, name in enumerate(names):
        namespace, _, own = name.partition("/")
        made = await rig.local.create(WIDGETS, widget(own, namespace, color="blue" if number % 2 else "red"))
        version = int(made["metadata"]["resourceVersion"])
    return version


def _resize(size: int, live: Object) -> Object:
    return {**live, "spec": {"size": size}}


async def listed(rig: Rig, query: str = "", path: str = ALL) -> tuple[list[str], Object]:
    reply = await rig.http.request("GET", f"{path}?{query}")
    assert reply.status == 200, reply.body
    found = reply.json()
    return [f"{m['namespace']}/{m['name']}" for m in (item["metadata"] for item in found["items"])], found["metadata"]


async def pages(rig: Rig, limit: int, query: str = "", path: str = ALL) -> tuple[list[list[str]], list[Object]]:
    found, metas, token = [], [], ""
    while True:
        more = f"limit={limit}&{query}" + (f"&continue={quote(token)}" if token else "")
        names, meta = await listed(rig, more, path)
        found.append(names)
        metas.append(meta)
        token = meta.get("continue", "")
        if not token:
            return found, metas


NAMES = st.lists(st.sampled_from([f"{ns}/{name}" for ns in ("a", "a-b", "ab", "b") for name in "wxyz"]), unique=True)


@settings(max_examples=30, deadline=None)
@given(NAMES, st.integers(1, 5), st.sampled_from(["", "a", "a-b", "ab"]), st.booleans())
def test_pages_together_are_the_list(names: list[str], limit: int, namespace: str, selected: bool) -> None:
    path = f"{ROOT}/namespaces/{namespace}/widgets" if namespace else ALL
    query = "fieldSelector=spec.color%3Dblue" if selected else ""

    async def check() -> None:
        async with running() as rig:
            await filled(rig, *names)
            whole, meta = await listed(rig, query, path)
            found, metas = await pages(rig, limit, query, path)
            assert [name for page in found for name in page] == whole
            assert all(len(page) == limit for page in found[:-1])
            assert {one["resourceVersion"] for one in metas} == {meta["resourceVersion"]}
            if not selected:
                left = len(whole)
                for page, one in zip(found, metas, strict=True):
                    left -= len(page)
                    assert one.get("remainingItemCount", 0) == left
            else:
                assert all("remainingItemCount" not in one for one in metas)

    asyncio.run(check())


@pytest.mark.parametrize("query", ["", "fieldSelector=spec.color%3Dblue"])
async def test_pages_show_the_state_of_the_first(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_PAGE", 2)
    async with running() as rig:
        await filled(rig, *(f"ns/w{number}" for number in range(9)))
        whole, meta = await listed(rig, query)
        first, begun = await listed(rig, f"limit=2&{query}")
        await rig.local.delete(WIDGETS, "w3", "ns")
        await rig.local.create(WIDGETS, widget("w5-new", "ns", color="blue"))
        found, token = [first], begun["continue"]
        while token:
            names, one = await listed(rig, f"limit=2&{query}&continue={quote(token)}")
            assert one["resourceVersion"] == meta["resourceVersion"]
            found.append(names)
            token = one.get("continue", "")
        assert [name for page in found for name in page] == whole


async def test_a_page_of_a_compacted_state_offers_to_go_on_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MOST_EVENTS", 0)
    async with running() as rig:
        await filled(rig, "ns/a", "ns/b", "ns/c")
        _, begun = await listed(rig, "limit=1")
        await rig.local.create(WIDGETS, widget("b2"))
        await listed(rig)
        await rig.backend.compact(await rig.backend.current_revision())
        reply = await rig.http.request("GET", f"{ALL}?limit=1&continue={quote(begun['continue'])}")
        assert (reply.status, reply.json()["reason"]) == (410, "Expired")
        token = reply.json()["metadata"]["continue"]
        assert (await listed(rig, f"continue={quote(token)}"))[0] == ["ns/b", "ns/b2", "ns/c"]


@pytest.mark.parametrize("token", ["x", "e30", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NSwic3RhcnQiOiIuLi8uLi94In0"])
async def test_continue_tokens_are_not_believed(token: str) -> None:
    async with running() as rig:
        reply = await rig.http.request("GET", f"{ALL}?continue={token}")
        assert (reply.status, reply.json()["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize("forgotten", ["window", "time"])
async def test_pages_of_the_past_are_read_from_the_backend_if_need_be(
    monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    if forgotten == "window":
        monkeypatch.setattr(window, "MOST_EVENTS", 0)
    else:
        monkeypatch.setattr(feed, "RECENT_SECONDS", -1.0)
        monkeypatch.setattr(feed, "_SAMPLE_SECONDS", -1.0)
    async with running() as rig:
        await filled(rig, "ns/a", "ns/b", "ns/c")
        _, begun = await listed(rig, "limit=1")
        await rig.local.create(WIDGETS, widget("b2"))
        await rig.local.delete(WIDGETS, "c", "ns")
        await listed(rig)
        rest = f"continue={quote(begun['continue'])}"
        assert (await listed(rig, rest))[0] == ["ns/b", "ns/c"]
        await rig.backend.compact(await rig.backend.current_revision())
        assert (await rig.http.request("GET", f"{ALL}?{rest}")).status == 410


@pytest.mark.parametrize("query", ["", "labelSelector=!x", "fieldSelector=spec.color!%3Dgreen"])
async def test_pages_of_the_recent_past_need_no_backend(monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    async with running() as rig:
        names = [f"{namespace}/{name}" for namespace in ("n", "ns", "o") for name in "abcdef"]
        await filled(rig, *names)
        whole, _ = await listed(rig, query)
        found, begun = await listed(rig, f"limit=2&{query}")
        monkeypatch.setattr(rig.backend, "range", None)
        token = begun["continue"]
        for number in range(3, 20):
            await rig.local.create(WIDGETS, widget(f"b{number}", "ns", color="red"))
            for namespace, name in (("n", "d"), ("ns", "b"), ("o", "a")):
                await rig.local.update(WIDGETS, name, partial(_resize, number), namespace)
            if number == 5:
                await rig.local.delete(WIDGETS, "f", "ns")
            if not token:
                break
            more, meta = await listed(rig, f"limit=2&{query}&continue={quote(token)}")
            assert meta["resourceVersion"] == begun["resourceVersion"]
            assert query or meta.get("remainingItemCount", 0) == len(whole) - len(found) - len(more)
            found += more
            token = meta.get("continue", "")
        assert found == whole == names


async def test_an_exact_version_shows_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "MOST_EVENTS", 0)
    async with running() as rig:
        old = await filled(rig, "ns/a", "ns/b")
        await rig.local.delete(WIDGETS, "a", "ns")
        await listed(rig)
        exact = f"resourceVersion={old}&resourceVersionMatch=Exact"
        names, meta = await listed(rig, exact)
        assert (names, meta["resourceVersion"]) == (["ns/a", "ns/b"], str(old))
        assert (await listed(rig, f"resourceVersion={old}&limit=1"))[0] == ["ns/a"], "a limit means that very version"
        assert (await listed(rig, f"resourceVersion={old}&resourceVersionMatch=NotOlderThan"))[0] == ["ns/b"]
        assert (await listed(rig, f"resourceVersion={old}"))[0] == ["ns/b"]
        await rig.backend.compact(await rig.backend.current_revision())
        reply = await rig.http.request("GET", f"{ALL}?{exact}")
        assert (reply.status, reply.json()["reason"]) == (410, "Expired")


async def test_a_version_of_the_future_is_waited_for() -> None:
    async with running() as rig:
        now = await filled(rig, "ns/a")
        asked = asyncio.create_task(listed(rig, f"resourceVersion={now + 1}"))
        one = asyncio.create_task(rig.http.request("GET", f"{ROOT}/namespaces/ns/widgets/b?resourceVersion={now + 1}"))
        await asyncio.sleep(0.001)
        assert not asked.done()
        await filled(rig, "ns/b")
        assert (await asked)[0] == ["ns/a", "ns/b"]
        assert (await one).status == 200


async def test_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "CACHE_WAIT", 0.01)
    async with running() as rig:
        now = await filled(rig, "ns/a")
        for path in (ALL, f"{ROOT}/namespaces/ns/widgets/a"):
            reply = await rig.http.request("GET", f"{path}?resourceVersion={now + 9}")
            status = reply.json()
            assert (reply.status, status["reason"], reply.header("retry-after")) == (504, "Timeout", "1")
            assert status["message"] == f"Timeout: Too large resource version: {now + 9}, current: {now}"
            assert status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("resourceVersion=x", 400),
        ("resourceVersionMatch=Exact", 422),
        ("resourceVersion=0&resourceVersionMatch=Exact", 422),
        ("limit=x", 400),
        ("labelSelector=a%3D%3D%3Db", 400),
        ("fieldSelector=spec.nothing%3D1", 400),
        ("sendInitialEvents=true", 422),
    ],
)
async def test_queries_that_are_refused(query: str, code: int) -> None:
    async with running() as rig:
        assert (await rig.http.request("GET", f"{ALL}?{query}")).status == code


async def test_lists_see_every_acknowledged_write() -> None:
    async with running(Interleaved()) as rig:

        async def write_and_list(number: int) -> None:
            made = await rig.local.create(WIDGETS, widget(f"w{number}"))
            names, meta = await listed(rig)
            assert f"ns/w{number}" in names
            assert int(meta["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])
            await rig.local.delete(WIDGETS, f"w{number}", "ns")
            assert f"ns/w{number}" not in (await listed(rig))[0]
            reply = await rig.http.request("GET", f"{ROOT}/namespaces/ns/widgets/w{number}")
            assert reply.status == 404

        await asyncio.gather(*(write_and_list(number) for number in range(12)))


async def test_empty_lists_are_lists() -> None:
    async with running() as rig:
        reply = (await rig.http.request("GET", ALL)).json()
        assert (reply["items"], "continue" in reply["metadata"]) == ([], False)


async def test_tokens_name_keys_below_what_is_listed() -> None:
    """As kube-apiserver's do: one that serves the same store can read them."""
    async with running() as rig:
        for name in ("a", "b"):
            await rig.http.request("POST", f"{ROOT}/namespaces/ns/widgets", {"metadata": {"name": name}})
        for path, start in ((f"{ROOT}/namespaces/ns/widgets", "a\0"), (f"{ROOT}/widgets", "ns/a\0")):
            first = (await rig.http.request("GET", f"{path}?limit=1")).json()["metadata"]
            token = json.loads(base64.urlsafe_b64decode(first["continue"] + "=="))
            assert len(token.pop("mac")) == 16
            assert token == {"v": "meta.k8s.io/v1", "rv": int(first["resourceVersion"]), "start": start}
            rest = (await rig.http.request("GET", f"{path}?continue={first['continue']}")).json()
            assert [item["metadata"]["name"] for item in rest["items"]] == ["b"]


async def test_changed_tokens_are_refused() -> None:
    async with running() as rig:
        for name in ("a", "b"):
            await rig.http.request("POST", f"{ROOT}/namespaces/ns/widgets", {"metadata": {"name": name}})
        token = (await rig.http.request("GET", f"{ROOT}/widgets?limit=1")).json()["metadata"]["continue"]
        fields = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        changed = base64.urlsafe_b64encode(json.dumps({**fields, "start": "ns/b"}).encode()).rstrip(b"=").decode()
        answer = await rig.http.request("GET", f"{ROOT}/widgets?continue={changed}")
        assert (answer.status, answer.json()["reason"]) == (400, "BadRequest")
