"""Large lists in pages, watches that go on where others ended, streaming lists, and many writers to one object."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from kapi.testing.server import LocalServer

MANY = 1050


class Api:
    """Requests for ConfigMaps of a namespace over one connection."""

    def __init__(self, server: LocalServer, namespace: str) -> None:
        self.path = f"/api/v1/namespaces/{namespace}/configmaps"
        self.headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
        self.connection: HTTPConnection = server.connect()
        self.server = server

    def __call__(self, method: str, name: str = "", body: object = None, **query: object) -> tuple[int, Any]:
        content = None if body is None else json.dumps(body)
        self.connection.request(method, self.url(name, query), content, self.headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def url(self, name: str, query: dict[str, object]) -> str:
        path = f"{self.path}/{quote(name)}" if name else self.path
        return f"{path}?{urlencode(query)}" if query else path

    @contextmanager
    def watch(self, **query: object) -> Iterator[Iterator[dict[str, Any]]]:
        """The events of a watch, on a connection of its own; they end when the server ends them."""
        connection = self.server.connect()
        connection.request("GET", self.url("", {"watch": "1", **query}), headers=self.headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        try:
            yield (json.loads(line) for line in answer)
        finally:
            connection.close()

    def version(self) -> str:
        return str(self("GET", limit=1)[1]["metadata"]["resourceVersion"])


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


@pytest.fixture
def api(server, namespace) -> Iterator[Api]:
    made = Api(server, namespace)
    yield made
    made.connection.close()


@pytest.fixture(scope="module")
def many(server, new_namespace) -> Api:
    """A namespace with many objects."""
    made = Api(server, new_namespace())
    for number in range(MANY):
        status, _ = made("POST", body=config_map(f"m{number:05}", number=str(number)))
        assert status == 201
    return made


def names(found: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in found["items"] if item["metadata"]["name"] != "kube-root-ca.crt"]


def test_pages_give_every_object_once_in_order(many):
    status, page = many("GET", limit=100)
    assert status == 200
    assert len(page["items"]) == 100
    assert page["metadata"]["remainingItemCount"] >= MANY - 100
    version, seen = page["metadata"]["resourceVersion"], names(page)
    many("POST", body=config_map("m00500-later"))
    many("DELETE", "m00500-later")
    while going := page["metadata"].get("continue"):
        status, page = many("GET", limit=100, **{"continue": going})
        assert status == 200
        assert page["metadata"]["resourceVersion"] == version
        seen += names(page)
    assert seen == [f"m{number:05}" for number in range(MANY)]
    assert names(many("GET")[1]) == seen


def test_pages_with_a_selector(many):
    status, page = many("GET", limit=2, fieldSelector="metadata.name=m00700")
    assert (status, names(page)) == (200, ["m00700"])


def test_a_page_shows_its_moment_whatever_happens_meanwhile(api):
    for name in "abcd":
        api("POST", body=config_map(name))
    _, first = api("GET", limit=2, fieldSelector="metadata.name!=kube-root-ca.crt")
    api("DELETE", "c")
    api("POST", body=config_map("aa"))
    more = {"continue": first["metadata"]["continue"], "fieldSelector": "metadata.name!=kube-root-ca.crt"}
    assert names(first) + names(api("GET", limit=2, **more)[1]) == ["a", "b", "c", "d"]


def test_a_continue_token_that_is_none(api):
    status, answer = api("GET", **{"continue": "nonsense"})
    assert (status, answer["reason"]) == (400, "BadRequest")


def test_a_watch_goes_on_where_another_ended(api):
    begun = api.version()
    for name in "abc":
        api("POST", body=config_map(name))
    only = {"fieldSelector": "metadata.name!=kube-root-ca.crt"}
    with api.watch(resourceVersion=begun, **only) as events:
        first = next(events)
    assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "a")
    api("DELETE", "a")
    with api.watch(resourceVersion=first["object"]["metadata"]["resourceVersion"], **only) as events:
        rest = [next(events) for _ in range(3)]
    assert [(each["type"], each["object"]["metadata"]["name"]) for each in rest] == [
        ("ADDED", "b"), ("ADDED", "c"), ("DELETED", "a"),
    ]  # fmt: skip
    versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in (first, *rest)]
    assert versions == sorted(set(versions))


def test_every_watcher_sees_every_change_in_order(api):
    begun = api.version()

    def look(_: int) -> list[str]:
        with api.watch(resourceVersion=begun, labelSelector="in=order", timeoutSeconds=30) as events:
            return [next(events)["object"]["metadata"]["name"] for _ in range(50)]

    with ThreadPoolExecutor(8) as pool:
        looking = pool.map(look, range(8))
        wanted = [f"w{number:03}" for number in range(50)]
        for name in wanted:
            made = config_map(name)
            made["metadata"]["labels"] = {"in": "order"}
            assert api("POST", body=made)[0] == 201
        assert all(seen == wanted for seen in looking)


def test_a_streaming_list_ends_its_beginning_with_a_bookmark(many):
    stream = {
        "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true",
        "timeoutSeconds": "30",
    }  # fmt: skip
    with many.watch(**stream) as events:
        seen = []
        for event in events:
            if event["type"] == "BOOKMARK":
                break
            seen.append(event["object"]["metadata"]["name"])
        assert event["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"
        assert [name for name in seen if name != "kube-root-ca.crt"] == [f"m{number:05}" for number in range(MANY)]
        many.headers["Content-Type"] = "application/merge-patch+json"
        status, _ = many("PATCH", "m00000", {"data": {"x": "y"}})
        many.headers["Content-Type"] = "application/json"
        assert status == 200
        event = next(events)
        assert (event["type"], event["object"]["data"]["x"]) == ("MODIFIED", "y")
        assert int(event["object"]["metadata"]["resourceVersion"]) > 0


def test_a_watch_ends_when_its_time_is_over(api):
    with api.watch(timeoutSeconds=1, resourceVersion=api.version()) as events:
        assert [each["type"] for each in events if each["type"] != "ADDED"] == []


def test_a_version_that_is_not_there_yet(api):
    status, answer = api("GET", resourceVersion="99999999", resourceVersionMatch="NotOlderThan")
    assert (status, answer["reason"]) == (504, "Timeout")
    assert answer["details"]["causes"] == [
        {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    ]


def test_every_increment_of_concurrent_writers_counts(api, server, namespace):
    api("POST", body=config_map("counter", count="0"))

    def add(_: int) -> int:
        mine, conflicts = Api(server, namespace), 0
        for _ in range(10):
            while True:
                _, found = mine("GET", "counter")
                found["data"]["count"] = str(int(found["data"]["count"]) + 1)
                status, _ = mine("PUT", "counter", found)
                if status == 200:
                    break
                assert status == 409
                conflicts += 1
        mine.connection.close()
        return conflicts

    with ThreadPoolExecutor(8) as pool:
        conflicts = sum(pool.map(add, range(8)))
    assert api("GET", "counter")[1]["data"]["count"] == "80"
    assert conflicts > 0


def test_only_one_of_many_creators_wins(api, server, namespace):
    def make(_: int) -> int:
        mine = Api(server, namespace)
        status, _ = mine("POST", body=config_map("wanted"))
        mine.connection.close()
        return status

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(make, range(16))) == [201] + [409] * 15
