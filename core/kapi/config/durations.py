"""Durations in Go's syntax (``1m30s``, ``500ms``, ``0``), as all duration flags take them."""

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_LIMIT = 2**63 / 1e9


def parse_duration(text: str) -> float:
    """Return the seconds that ``text`` stands for; raises ValueError when it is no Go duration."""
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0.0
    seconds, position = 0.0, 0
    while part := _PART.match(body, position):
        seconds += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    if not body or position != len(body) or seconds >= _LIMIT:
        raise ValueError(f"invalid duration {text!r}: write it like 1m30s or 500ms")
    return -seconds if text[0] == "-" else seconds


def format_duration(seconds: float) -> str:
    """Return ``seconds`` as Go prints a duration: ``1h0m0s``, ``1m30s``, ``1.5s``, ``500ms``, ``0s``."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if 0 < seconds < 1:
        return f"{round(seconds * 1000, 6):g}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{round(rest, 9):g}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
