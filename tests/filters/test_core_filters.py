"""Panic recovery, request info, warnings, deadline, max in flight."""

import asyncio
import logging

import pytest
from filter_calls import PODS, ask, fine, informed, raising

from kapi.contracts.authn import UserInfo
from kapi.contracts.server import ASGIApp, Receive, Scope, Send
from kapi.contracts.storage import KeyExists, StorageError, Unavailable
from kapi.endpoints.state import RequestState, request_state
from kapi.filters import deadline
from kapi.filters.deadline import with_deadline
from kapi.filters.inflight import InFlight, with_max_in_flight
from kapi.filters.panic import with_panic_recovery
from kapi.filters.request_info import with_request_info
from kapi.filters.warnings import with_warnings
from kapi.meta.errors import StatusError, forbidden
from kapi.meta.gvk import GroupResource
from kapi.testing.asgi import AsgiClient

LONG = (f"{PODS}?watch=1", f"{PODS}/a/log", f"{PODS}/a/exec", f"{PODS}/a/proxy/x", "/api/v1/watch/pods")


# Panic recovery


@pytest.mark.parametrize(
    ("error", "code", "reason", "message"),
    [
        (forbidden(GroupResource("", "pods"), "a", "no"), 403, "Forbidden", 'pods "a" is forbidden: no'),
        (Unavailable("no quorum"), 503, "ServiceUnavailable", "storage is unavailable: no quorum"),
        (KeyExists("/k/a"), 500, "InternalError", "Internal error occurred: storage failed: /k/a"),
        (StorageError("odd"), 500, "InternalError", "Internal error occurred: storage failed: odd"),
        (
            ZeroDivisionError("secret"),
            500,
            "InternalError",
            "Internal error occurred: the server met an unexpected condition; its log has the details",
        ),
    ],
)
async def test_every_failure_is_a_status(error: Exception, code: int, reason: str, message: str) -> None:
    reply = await ask(with_panic_recovery(raising(error)))
    status = reply.json()
    assert (reply.status, status["code"], status["reason"], status["message"]) == (code, code, reason, message)


@pytest.mark.parametrize(
    ("method", "refused", "retry_after"),
    [("GET", False, "1"), ("POST", False, None), ("POST", True, "1"), ("DELETE", False, None)],
)
async def test_only_what_did_no_harm_is_to_be_tried_again(method: str, refused: bool, retry_after: str | None) -> None:
    """Clients repeat whatever has a Retry-After: not a write that may have happened."""
    error = Unavailable("no quorum", refused=refused)
    reply = await AsgiClient(with_panic_recovery(raising(error))).request(method, PODS)
    assert (reply.status, reply.header("retry-after")) == (503, retry_after or "")
    assert reply.json().get("details", {}).get("retryAfterSeconds") == (1 if retry_after else None)


async def test_a_status_in_yaml_for_those_who_asked_for_it() -> None:
    reply = await ask(with_panic_recovery(raising(ZeroDivisionError())), accept="application/yaml")
    assert reply.header("content-type") == "application/yaml"


async def test_the_log_has_what_the_client_does_not_see(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "kapi.server"):
        await ask(with_panic_recovery(raising(ZeroDivisionError("secret"))))
    assert "secret" in caplog.text
    assert PODS in caplog.text


async def test_an_answer_that_has_begun_is_not_continued() -> None:
    reply = await ask(with_panic_recovery(raising(ZeroDivisionError(), begun=True)))
    assert (reply.status, reply.body) == (200, b"")


async def test_cancellation_passes_through() -> None:
    with pytest.raises(asyncio.CancelledError):
        await ask(with_panic_recovery(raising(asyncio.CancelledError())))


# Request info


async def test_the_request_is_understood_before_anything_else() -> None:
    seen: list[RequestState] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(request_state(scope))
        await fine(scope, receive, send)

    await AsgiClient(with_request_info(note)).request("PATCH", f"{PODS}/a/status?dryRun=All")
    (state,) = seen
    info = state.info
    assert (info.verb, info.resource, info.namespace, info.name, info.subresource) == (
        "patch", "pods", "ns", "a", "status",
    )  # fmt: skip
    assert (state.user, state.warnings, state.status) == (None, [], 0)


async def test_what_cannot_be_understood_is_answered_at_once() -> None:
    reply = await AsgiClient(with_request_info(raising(AssertionError()))).request("GET", "/api/%zz")
    assert reply.status == 400
    assert reply.header("content-type").startswith("text/plain")


# Warnings


async def test_warnings_go_with_every_answer() -> None:
    def warning(app):
        async def warn(scope: Scope, receive: Receive, send: Send) -> None:
            request_state(scope).warnings += ["first", 'say "no"\nsecond', "first"]
            await app(scope, receive, send)

        return with_warnings(with_panic_recovery(warn))

    for app in (fine, raising(forbidden(GroupResource("", "pods"), "a", "no"))):
        reply = await ask(warning(app))
        assert [value for name, value in reply.headers if name == "warning"] == [
            '299 - "first"',
            r'299 - "say \"no\" second"',
        ]
    assert (await ask(with_warnings(fine))).warnings == []


# Deadline


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(60)


@pytest.fixture
def _short_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "TICK", 0.001, raising=False)


@pytest.mark.usefixtures("_short_ticks")
async def test_a_request_that_takes_too_long_is_ended() -> None:
    app = with_panic_recovery(with_deadline(slow, 0.01))
    replies = await asyncio.gather(*(ask(app) for _ in range(3)))
    for reply in replies:
        status = reply.json()
        assert (reply.status, status["reason"]) == (504, "Timeout")
        assert status["message"] == "Timeout: request did not complete within the allotted timeout"


@pytest.mark.usefixtures("_short_ticks")
async def test_requests_in_time_are_left_alone() -> None:
    app = with_deadline(fine, 0.005)
    assert (await ask(app)).status == 200
    await asyncio.sleep(0.02)
    assert (await ask(app)).status == 200


@pytest.mark.usefixtures("_short_ticks")
@pytest.mark.parametrize("target", LONG)
async def test_long_running_requests_take_their_time(target: str) -> None:
    async def unhurried(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.01)
        assert request_state(scope).deadline == 0
        await fine(scope, receive, send)

    assert (await ask(with_deadline(unhurried, 0.0), target)).status == 200


@pytest.mark.usefixtures("_short_ticks")
async def test_other_cancellations_are_not_deadlines() -> None:
    task = asyncio.create_task(ask(with_deadline(slow, 60.0)))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.usefixtures("_short_ticks")
async def test_a_client_may_want_an_earlier_end() -> None:
    app = with_panic_recovery(with_deadline(slow, 60.0))
    assert (await ask(app, f"{PODS}?limit=1&timeout=10ms")).status == 504


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        (b"timeout=1.5s", 1.5), (b"timeout=59s&timeout=1s", 59.0), (b"timeout=", 60.0), (b"timeout=0", 60.0),
        (b"timeout=-5s", 60.0), (b"timeout=2m", 60.0), (b"timeoutSeconds=5", 60.0), (b"a=timeout=1s", 60.0),
    ],
)  # fmt: skip
def test_the_end_is_that_of_the_client_within_bounds(query: bytes, seconds: float) -> None:
    assert deadline.requested_timeout(query, 60.0) == seconds


@pytest.mark.parametrize(
    ("timeout", "complaint"),
    [
        ("invalid", 'invalid duration \\"invalid\\"'),
        ("5", 'missing unit in duration \\"5\\"'),
        ("1m5", 'missing unit in duration \\"1m5\\"'),
        ("5d", 'unknown unit \\"d\\" in duration \\"5d\\"'),
        ("-", 'invalid duration \\"-\\"'),
        ("1s.", 'invalid duration \\"1s.\\"'),
        ("9999999h", 'invalid duration \\"9999999h\\"'),
    ],
)
async def test_a_timeout_that_is_none_is_refused(timeout: str, complaint: str) -> None:
    reply = await ask(with_panic_recovery(with_deadline(fine, 60.0)), f"{PODS}?timeout={timeout}")
    status = reply.json()
    assert (reply.status, status["reason"]) == (400, "BadRequest")
    assert status["message"] == f"invalid timeout specified in the request URL - time: {complaint}".replace("\\", "")


# Max in flight


async def test_masters_are_let_in_when_the_limit_is_reached() -> None:
    release, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        begun.release()
        await release.wait()
        await fine(scope, receive, send)

    def of_group(app: ASGIApp, group: str) -> ASGIApp:
        async def identify(scope: Scope, receive: Receive, send: Send) -> None:
            request_state(scope).user = UserInfo("jane", groups=("dev", group))
            await app(scope, receive, send)

        return identify

    in_flight = InFlight(reads=1, writes=1)
    app = with_max_in_flight(waiting, in_flight)
    under_way = [asyncio.create_task(ask(of_group(app, "ops"), method="POST"))]
    await begun.acquire()
    assert (await ask(with_panic_recovery(of_group(app, "ops")), method="POST")).status == 429
    under_way += [asyncio.create_task(ask(of_group(app, "system:masters"), method="POST")) for _ in range(2)]
    for _ in range(2):
        await begun.acquire()
    assert in_flight.counts == {"readOnly": 0, "mutating": 1}
    release.set()
    assert {reply.status for reply in await asyncio.gather(*under_way)} == {200}
    assert in_flight.counts == {"readOnly": 0, "mutating": 0}


async def test_reads_and_writes_are_bounded_apart() -> None:
    release, begun = asyncio.Event(), asyncio.Semaphore(0)

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        begun.release()
        await release.wait()
        await fine(scope, receive, send)

    in_flight = InFlight(reads=2, writes=1)
    app = with_panic_recovery(with_max_in_flight(waiting, in_flight))
    under_way = [asyncio.create_task(ask(app, method=method)) for method in ("GET", "GET", "POST")]
    for _ in under_way:
        await begun.acquire()
    for method in ("GET", "DELETE"):
        reply = await ask(app, method=method)
        assert (reply.status, reply.json()["reason"], reply.header("retry-after")) == (429, "TooManyRequests", "1")
    watches = [asyncio.create_task(ask(app, target)) for target in LONG]
    for _ in watches:
        await begun.acquire()
    release.set()
    assert {reply.status for reply in await asyncio.gather(*under_way, *watches)} == {200}
    assert in_flight.counts == {"readOnly": 0, "mutating": 0}
    assert (await ask(app)).status == 200


async def test_failures_count_no_longer() -> None:
    in_flight = InFlight(reads=1, writes=1)
    app = with_max_in_flight(raising(ZeroDivisionError()), in_flight)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await ask(app)
    assert in_flight.counts["readOnly"] == 0


async def test_no_limit_is_no_limit() -> None:
    app = with_max_in_flight(informed(fine), InFlight(0, 0))
    assert {reply.status for reply in await asyncio.gather(*(ask(app) for _ in range(20)))} == {200}


async def test_status_errors_keep_their_headers() -> None:
    error = StatusError(429, "TooManyRequests", "later", headers={"Retry-After": "7"})
    assert (await ask(with_panic_recovery(raising(error)))).header("retry-after") == "7"
