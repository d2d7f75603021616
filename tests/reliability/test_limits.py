"""Limits as a client meets them: too many requests, too long, too large."""

import threading
import time
from contextlib import suppress

import pytest
from raw_clients import head, secure

from kapi.testing.load import MAPS
from kapi.testing.server import ServerProcess

soak = pytest.mark.soak
FLAGS = (
    "--max-requests-inflight=2",
    "--max-mutating-requests-inflight=1",
    "--request-timeout=1s",
    "--min-request-timeout=1",
    "--controllers=",
    "--authorization-mode=AlwaysAllow",
)
FUTURE = f"{MAPS}?resourceVersion=1000000000"
"""A list that is waited for: the store has not got there."""


@pytest.fixture(scope="module")
def server():
    with ServerProcess(*FLAGS, users={"jane": ["dev"]}) as running:
        yield running


def test_too_many_requests_are_refused_but_not_those_of_masters_and_watches(server):
    def wait():
        while server.request("GET", FUTURE, user="jane").status == 429:
            pass  # the request below was under way

    waiting = [threading.Thread(target=wait) for _ in range(2)]
    for thread in waiting:
        thread.start()
    refused = server.request("GET", MAPS, user="jane")
    while refused.status == 200 and all(thread.is_alive() for thread in waiting):  # they may not have got there
        refused = server.request("GET", MAPS, user="jane")
    assert refused.status == 429
    assert refused.headers["retry-after"] == "1"
    status = refused.json()
    assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", 429)
    assert (status["reason"], status["message"]) == (
        "TooManyRequests",
        "Too many requests, please try again later.",
    )
    assert server.request("GET", MAPS).status == 200, "system:masters"
    with secure(server) as watch:
        watch.sendall(head(server).replace(server.token.encode(), server.tokens["jane"].encode()))
        assert watch.recv(12) == b"HTTP/1.1 200", "a watch"
    made = server.request("POST", MAPS, {"metadata": {"generateName": "m-"}}, user="jane")
    assert made.status == 201, "writes are counted apart"
    for thread in waiting:
        thread.join()
    assert server.request("GET", MAPS, user="jane").status == 200


@pytest.mark.parametrize(
    ("query", "least", "most"), [pytest.param("", 1.0, 2.5, marks=soak), ("&timeout=200ms", 0.2, 0.9)]
)
def test_a_request_has_its_time(server, query, least, most):
    began = time.monotonic()
    answer = server.request("GET", FUTURE + query)
    assert least <= time.monotonic() - began < most
    assert answer.status == 504
    status = answer.json()
    assert (status["reason"], status["message"]) == (
        "Timeout",
        "Timeout: request did not complete within the allotted timeout",
    )


@soak
def test_a_watch_without_a_wish_lives_once_to_twice_the_minimum(server):
    began = time.monotonic()
    assert server.request("GET", f"{MAPS}?watch=1&resourceVersion=0").status == 200
    assert 0.9 < time.monotonic() - began < 2.5


def test_a_body_that_does_not_come_is_not_waited_for(server):
    with secure(server) as connection:
        connection.sendall(
            f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{".encode()
        )
        began = time.monotonic()
        assert connection.recv(12) == b"HTTP/1.1 504"
        assert time.monotonic() - began < 2.5


def test_bodies_may_have_three_mebibytes(server):
    limit = 3 * 1024 * 1024
    answer = server.request("POST", MAPS, b"x" * (limit + 1))
    status = answer.json()
    assert (answer.status, status["reason"]) == (413, "RequestEntityTooLarge")
    assert status["message"] == f"Request entity too large: limit is {limit}"
    assert server.request("POST", MAPS, b"x" * limit).status == 400


@pytest.mark.parametrize("target", [f"{MAPS}?x=" + "a" * (1 << 20), MAPS])
def test_heads_may_have_a_mebibyte(server, target):
    """One limit for line and headers together, as in Go, which has no 414 of its own."""
    with secure(server) as connection:
        text = f"GET {target} HTTP/1.1\r\nHost: x\r\nX-Much: {'a' * (1 << 20)}\r\n\r\n".encode()
        connection.settimeout(5)
        with suppress(OSError):  # the server may have closed the connection already
            connection.sendall(text)
        assert connection.recv(12) == b"HTTP/1.1 431"
