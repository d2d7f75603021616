"""The log: klog's text format or JSON, on stderr, with credentials struck out whoever logs them."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

_LETTERS = {"DEBUG": "I", "INFO": "I", "WARNING": "W", "ERROR": "E", "CRITICAL": "F"}
_QUIET = ("uvicorn", "uvicorn.error", "gunicorn.error", "asyncio", "aiohttp", "falcon")

_SECRET = re.compile(
    r"(?i)(\bbearer[ \t]+|\bbasic[ \t]+|\bauthorization[\"']?[ \t]*[:=][ \t]*[\"']?(?:bearer[ \t]+|basic[ \t]+)?"
    r"|\b(?:access_|id_)?token[\"']?[ \t]*[:=][ \t]*[\"']?|\bpassword[\"']?[ \t]*[:=][ \t]*[\"']?)"
    r"([^\s\"'&,;)\]}]+)"
)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


def redact(text: str) -> str:
    """Return ``text`` without the credentials that it may hold: authorization headers, tokens, passwords."""
    return _JWT.sub("[REDACTED]", _SECRET.sub(r"\1[REDACTED]", text))


class TextFormatter(logging.Formatter):
    """``I1123 17:38:00.123456 1234 serving.py:12] message key="value"``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the traceback after it."""
        now = datetime.fromtimestamp(record.created)
        head = f"{_LETTERS.get(record.levelname, 'I')}{now:%m%d %H:%M:%S.%f} {record.process:>7}"
        line = f"{head} {record.filename}:{record.lineno}] {_escaped(record.getMessage())}"
        line += "".join(f" {key}={_quoted(value)}" for key, value in _fields(record).items())
        return redact(line + _trace(self, record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``ts``, ``level``, ``caller``, ``msg``, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        entry: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "caller": f"{record.filename}:{record.lineno}",
            "msg": redact(record.getMessage()),
        }
        entry |= {key: redact(value) if isinstance(value, str) else value for key, value in _fields(record).items()}
        trace = _trace(self, record)
        if trace:
            entry["stacktrace"] = redact(trace.lstrip("\n"))
        return json.dumps(entry, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, dict) else {}


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return "\n" + formatter.formatException(record.exc_info) if record.exc_info else ""


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _escaped(text: str) -> str:
    """Keep a message on one line and free of terminal escapes."""
    return "".join(ch if ch.isprintable() else ch.encode("unicode_escape").decode() for ch in text)


def configure(verbosity: int, format: str = "text", stream: TextIO | None = None) -> None:
    """Set the process's logging up: ``format`` is text or json, ``verbosity`` is ``-v``.

    Access lines come from 2 on, debug messages of kapi from 4, those of libraries from 6.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbosity >= 6 else logging.INFO)
    logging.getLogger("kapi").setLevel(logging.DEBUG if verbosity >= 4 else logging.INFO)
    logging.getLogger("kapi.access").setLevel(logging.INFO if verbosity >= 2 else logging.WARNING)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.DEBUG if verbosity >= 6 else logging.WARNING)
