"""Timestamps (RFC 3339, as ``metav1.Time`` and ``metav1.MicroTime`` print them) and ages for people."""

import functools
import math
import time
from datetime import UTC, datetime

_UNKNOWN = "<unknown>"


def now() -> str:
    """Return the current time in whole seconds: ``2026-01-02T03:04:05Z``."""
    return format_seconds(time.time())


def now_micro() -> str:
    """Return the current time with six digits of the second."""
    return format_micro(time.time())


def format_seconds(seconds: float) -> str:
    """Return a point in time (seconds since the epoch) in whole seconds."""
    return _whole_seconds(math.floor(seconds))


@functools.lru_cache(maxsize=64)  # most are about now
def _whole_seconds(seconds: int) -> str:
    t = time.gmtime(seconds)
    return f"{t[0]:04d}-{t[1]:02d}-{t[2]:02d}T{t[3]:02d}:{t[4]:02d}:{t[5]:02d}Z"


def format_micro(seconds: float) -> str:
    """Return a point in time (seconds since the epoch) with six digits of the second."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond:06d}Z"


def parse(text: str) -> float:
    """Return the seconds since the epoch of an RFC 3339 timestamp; raises ValueError when it is none."""
    if len(text) < 20 or text[10] not in "Tt" or text[-1] in "+-":
        raise ValueError(f"not an RFC 3339 timestamp: {text!r}")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"timestamp without a time zone: {text!r}")
    return moment.timestamp()


def age(timestamp: str | None, at: float | None = None) -> str:
    """Return how long ago ``timestamp`` was, as the Age column prints it; ``<unknown>`` without one."""
    if not timestamp:
        return _UNKNOWN
    try:
        then = parse(timestamp)
    except ValueError:
        return _UNKNOWN
    return human_duration((time.time() if at is None else at) - then)


def human_duration(seconds: float) -> str:
    """Return a length of time with two or three significant digits: ``59s``, ``2m30s``, ``3h20m``, ``5d``, ``2y3d``."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    if whole < 120:
        return f"{whole}s"
    return _minutes_and_more(whole)


def _minutes_and_more(whole: int) -> str:
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 10:
        return _pair(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _pair(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _pair(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    years = days // 365
    return _pair(years, "y", days % 365, "d") if years < 8 else f"{years}y"


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"
