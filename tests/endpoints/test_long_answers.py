"""Lists that are sent piece by piece, bodies that come in pieces, and what goes past Falcon."""

import json
import zlib
from typing import Any

import pytest

from kapi.contracts.server import Message
from kapi.endpoints.answer import CHUNK, WHOLE, Answer, head_of, send_answer
from kapi.endpoints.body import BodyReader
from kapi.endpoints.representation import _pieces
from kapi.meta.errors import StatusError
from widgets import ROOT, WIDGETS, running, widget

ALL = f"{ROOT}/widgets"
COUNT = 12


async def sent(answer: Answer, method: str = "GET") -> tuple[dict[bytes, bytes], list[bytes]]:
    """Return headers and pieces of an answer."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    await send_answer({"method": method}, send, answer)
    start, *bodies = messages
    assert not bodies[-1].get("more_body")
    assert all(message["more_body"] for message in bodies[:-1])
    return dict(start["headers"]), [message["body"] for message in bodies]


@pytest.mark.parametrize("size", [0, 1, WHOLE, WHOLE + 1, WHOLE + CHUNK, 3 * WHOLE + 1])
async def test_a_body_is_cut_and_comes_whole(size: int) -> None:
    headers, pieces = await sent(Answer(200, b"x" * size))
    assert headers[b"content-length"] == b"%d" % size
    assert b"".join(pieces) == b"x" * size
    assert max(map(len, pieces)) <= (CHUNK if size > WHOLE else WHOLE)


async def test_pieces_are_made_when_they_are_sent() -> None:
    made: list[int] = []

    def pieces() -> Any:
        for number in range(4):
            made.append(number)
            yield b"x" * WHOLE

    answer = Answer.of_pieces(pieces(), 4 * WHOLE)
    assert (await sent(answer, "HEAD"))[1] == [b""]
    assert made == []
    headers, bodies = await sent(answer)
    assert headers[b"content-length"] == b"%d" % (4 * WHOLE)
    assert len(b"".join(bodies)) == 4 * WHOLE


@pytest.mark.parametrize("sizes", [[], [1], [1] * 1000, [CHUNK] * 5, [CHUNK] * 50, [10, WHOLE * 3, 10], [WHOLE] * 3])
def test_the_pieces_of_a_list_are_the_list(sizes: list[int]) -> None:
    items = [b'"%b"' % (b"x" * size) for size in sizes]
    whole = b'{"items":[' + b",".join(items) + b"]}"
    assert b"".join(_pieces(b'{"items":[', items, len(whole))) == whole


def test_an_answer_without_a_type_names_none() -> None:
    assert head_of(Answer(204, b"", "")) == [(b"content-length", b"0"), (b"cache-control", b"no-cache, private")]


async def test_a_long_list_is_the_same_in_every_form() -> None:
    async with running() as rig:
        for number in range(COUNT):
            made = widget(f"w{number}", "a")
            made["metadata"]["annotations"] = {"long": "x" * 100_000}
            await rig.local.create(WIDGETS, made)
        plain = await rig.http.request("GET", ALL)
        items = plain.json()["items"]
        assert [item["metadata"]["name"] for item in items] == sorted(f"w{number}" for number in range(COUNT))
        assert plain.header("content-length") == str(len(plain.body))
        assert len(plain.body) > WHOLE
        packed = await rig.http.request("GET", ALL, headers={"accept-encoding": "gzip"})
        assert json.loads(zlib.decompress(packed.body, 31))["items"] == items
        assert packed.header("content-length") == str(len(packed.body))
        assert (await rig.http.request("GET", f"{ALL}?pretty=true")).json()["items"] == items


def reader(*messages: Message) -> BodyReader:
    waiting = list(messages)

    async def receive() -> Message:
        return waiting.pop(0)

    return BodyReader(receive)


def piece(body: bytes, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_is_read_to_its_end_or_no_further_than_asked() -> None:
    assert await reader(piece(b"abc", False)).read(10) == b"abc"
    assert await reader(piece(b"ab", True), piece(b"", True), piece(b"c", False)).read(10) == b"abc"
    assert await reader(piece(b"ab", True), piece(b"cd", True), piece(b"e", True)).read(3) == b"abcd"


async def test_a_body_that_breaks_off_is_an_error() -> None:
    gone: Message = {"type": "http.disconnect"}
    for messages in ((gone,), (piece(b"{", True), gone)):
        with pytest.raises(StatusError, match="unexpected EOF"):
            await reader(*messages).read(10)
