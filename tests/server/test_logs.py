import io
import json
import logging
import re

import pytest

from kapi.server.logs import configure, redact


@pytest.fixture
def log():
    """The log in a buffer; the process's logging is put back afterwards."""
    names = ("", "kapi", "kapi.access", "uvicorn", "uvicorn.error", "gunicorn.error", "asyncio", "aiohttp", "falcon")
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in names}
    stream = io.StringIO()

    def begin(verbosity: int = 0, format: str = "text") -> io.StringIO:
        configure(verbosity, format, stream)
        return stream

    yield begin
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_text_lines_look_like_klogs(log):
    stream = log()
    logging.getLogger("kapi.x").info("hello", extra={"fields": {"user": 'a"b', "status": 200}})
    assert re.fullmatch(
        r'I\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ test_logs\.py:\d+\] hello user="a\\"b" status=200\n', stream.getvalue()
    )


def test_json_lines_are_objects(log):
    stream = log(format="json")
    logging.getLogger("kapi.x").warning("hello %s", "you", extra={"fields": {"status": 200}})
    entry = json.loads(stream.getvalue())
    assert (entry["msg"], entry["level"], entry["status"], entry["logger"]) == ("hello you", "warning", 200, "kapi.x")


@pytest.mark.parametrize(("verbosity", "access", "debug"), [(0, 0, 0), (1, 0, 0), (2, 1, 0), (4, 1, 1)])
def test_verbosity_chooses(log, verbosity, access, debug):
    stream = log(verbosity)
    logging.getLogger("kapi.access").info("access")
    logging.getLogger("kapi.x").debug("debug")
    assert (stream.getvalue().count("access"), stream.getvalue().count("debug")) == (access, debug)


def test_a_message_stays_on_its_line(log):
    stream = log()
    logging.getLogger("kapi.x").info("one\ntwo\x1b[31m")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer s3cr3t-token", "s3cr3t-token"),
        ("{'authorization': 'Bearer s3cr3t'}", "s3cr3t"),
        ("authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("GET /x?token=s3cr3t&y=1", "s3cr3t"),
        ('{"access_token": "s3cr3t"}', "s3cr3t"),
        ("password: hunter2", "hunter2"),
        ("got eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln in a field", "eyJzdWIiOiJ4In0"),
    ],
)
def test_credentials_are_struck_out(text, secret):
    assert secret not in redact(text)
    assert "[REDACTED]" in redact(text)


@pytest.mark.parametrize("text", ["the token file has 3 rows", 'secrets "x" not found', "GET /apis/token"])
def test_plain_words_stay(text):
    assert redact(text) == text


@pytest.mark.parametrize("format", ["text", "json"])
def test_tracebacks_are_redacted_too(log, format):
    stream = log(format=format)
    try:
        raise ValueError("Authorization: Bearer s3cr3t")
    except ValueError:
        logging.getLogger("kapi.x").exception("failed", extra={"fields": {"header": "Bearer s3cr3t"}})
    assert "ValueError" in stream.getvalue()
    assert "s3cr3t" not in stream.getvalue()
