"""The access log and metrics filters, and the ASGI application, around a small fake."""

import asyncio
import logging

import pytest
from fake_server import FakeServer

from kapi.contracts.authn import UserInfo
from kapi.endpoints.requestinfo import parse_request_info
from kapi.endpoints.state import RequestState
from kapi.filters.access_log import with_access_log
from kapi.filters.metrics import with_metrics
from kapi.meta.errors import forbidden
from kapi.meta.gvk import GroupResource
from kapi.server.asgi import LifespanApp


def scope(path: str = "/api/v1/namespaces/n/pods/p", method: str = "GET", headers=(), query: bytes = b"") -> dict:
    made = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query,
        "headers": [(b"user-agent", b"test/1"), *headers], "client": ("192.0.2.7", 4711),
    }  # fmt: skip
    made["kapi"] = RequestState(parse_request_info(method, path.encode(), query))
    return made


async def call(app, made: dict) -> list[dict]:
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    await app(made, receive, send)
    return sent


async def answer(scope, receive, send) -> None:
    scope["kapi"].user = UserInfo("jane")
    scope["kapi"].status = 201
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def access_log(caplog):
    with caplog.at_level(logging.INFO, "kapi.access"):
        yield caplog


async def test_a_line_for_each_request_without_its_query(access_log):
    await call(with_access_log(answer), scope(query=b"token=s3cr3t", headers=[(b"authorization", b"Bearer s3cr3t")]))
    (record,) = access_log.records
    fields = record.fields
    assert fields["latency"].endswith("ms")
    del fields["latency"]
    assert fields == {
        "verb": "get", "method": "GET", "path": "/api/v1/namespaces/n/pods/p", "status": 201, "user": "jane",
        "userAgent": "test/1", "client": "192.0.2.7:4711",
    }  # fmt: skip
    assert "s3cr3t" not in str(record.__dict__)


async def test_a_line_also_for_a_request_that_fails(access_log):
    async def fail(scope, receive, send):
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await call(with_access_log(fail), scope())
    assert access_log.records[0].fields["status"] == 0


def test_nothing_is_wrapped_while_the_log_is_off(caplog):
    with caplog.at_level(logging.WARNING, "kapi.access"):
        assert with_access_log(answer) is answer


class Recorder:
    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def begin(self, info, stays) -> int:
        self.calls.append(("begin", info.verb, stays))
        return 7

    def end(self, begun, info, apply, code, seconds) -> None:
        self.calls.append(("end", begun, apply, code))


async def test_requests_are_reported_when_they_come_and_when_they_go():
    recorder = Recorder()
    await call(with_metrics(answer, recorder), scope())
    assert recorder.calls == [("begin", "get", False), ("end", 7, False, 201)]


async def test_watches_are_long_running_and_apply_is_told():
    recorder = Recorder()
    await call(with_metrics(answer, recorder), scope("/api/v1/pods", query=b"watch=1"))
    patch = scope(method="PATCH", headers=[(b"content-type", b"application/apply-patch+yaml")])
    await call(with_metrics(answer, recorder), patch)
    assert recorder.calls[0] == ("begin", "watch", True)
    assert recorder.calls[3] == ("end", 7, True, 201)


@pytest.mark.parametrize(
    ("error", "code"),
    [(forbidden(GroupResource("", "pods"), "p", "no"), 403), (ConnectionError(), 500), (asyncio.CancelledError(), 499)],
)
async def test_failures_are_counted_by_their_code(error, code):
    async def fail(scope, receive, send):
        raise error

    recorder = Recorder()
    with pytest.raises(type(error)):
        await call(with_metrics(fail, recorder), scope())
    assert recorder.calls[-1] == ("end", 7, False, code)


async def test_the_asgi_application_starts_serves_and_stops():
    fake = FakeServer()
    app = LifespanApp(fake)
    messages: asyncio.Queue[dict] = asyncio.Queue()
    sent: asyncio.Queue[dict] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan"}, messages.get, sent.put))
    await messages.put({"type": "lifespan.startup"})
    assert (await sent.get())["type"] == "lifespan.startup.complete"
    assert fake.lifecycle.started.is_set()
    assert (await call(app, {"type": "http", "path": "/echo", "http_version": "1.1"}))[0]["status"] == 200
    await messages.put({"type": "lifespan.shutdown"})
    assert (await sent.get())["type"] == "lifespan.shutdown.complete"
    await life
    assert fake.calls == ["start", "end_watches", "stop"]
    assert fake.lifecycle.drained.is_set()


async def test_websockets_are_refused():
    assert await call(LifespanApp(FakeServer()), {"type": "websocket"}) == [{"type": "websocket.close", "code": 1003}]
