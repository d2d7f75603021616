"""Timestamps in JSON as ``metav1.Time`` and ``metav1.MicroTime`` read them, with the errors of Go's time parser."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from kapi.meta.errors import go_quote

TIME_LAYOUT = "2006-01-02T15:04:05Z07:00"
MICRO_TIME_LAYOUT = "2006-01-02T15:04:05.000000Z07:00"

_CANONICAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
_ZERO = datetime(1, 1, 1, tzinfo=UTC)
_YEAR = re.compile(r"[0-9]{4}", re.ASCII)
_TWO = re.compile(r"[0-9]{2}", re.ASCII)
_ONE_OR_TWO = re.compile(r"[0-9]{1,2}", re.ASCII)
_FRACTION = re.compile(r"[.,]([0-9]+)", re.ASCII)
_SIX_DIGITS = re.compile(r"[.,]([0-9]{6})", re.ASCII)
_OFFSET = re.compile(r"([+-])([0-9]{2}):([0-9]{2})", re.ASCII)


class TimeError(ValueError):
    """The text is not a time; the message is Go's."""


def canonical_time(text: str) -> str | None:
    """Return an RFC 3339 time in UTC and whole seconds; None for the zero time. Raises TimeError."""
    if _CANONICAL.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = _Scan(text, TIME_LAYOUT).moment()
        return text if moment != _ZERO else None
    moment = _Scan(text, TIME_LAYOUT).moment()
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z".zfill(20) if moment != _ZERO else None


def canonical_micro_time(text: str) -> str | None:
    """Return an RFC 3339 time in UTC with six digits of the second; None for the zero time. Raises TimeError."""
    moment = _Scan(text, MICRO_TIME_LAYOUT).moment()
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z".zfill(27) if moment != _ZERO else None


class _Scan:
    """Reads a time piece by piece, so that an error can name the piece."""

    def __init__(self, text: str, layout: str) -> None:
        self._text = text
        self._layout = layout
        self._rest = text

    def moment(self) -> datetime:
        """Return the time in UTC."""
        year = self._number(_YEAR, "2006")
        month = self._after("-", _TWO, "01", range(1, 13), "month")
        day = self._after("-", _TWO, "02", range(32), "day")
        hour = self._after("T", _ONE_OR_TWO, "15", range(24), "hour")
        minute = self._after(":", _TWO, "04", range(60), "minute")
        second = self._after(":", _TWO, "05", range(60), "second")
        micro = self._micro()
        offset = self._offset()
        if self._rest:
            raise TimeError(f"parsing time {go_quote(self._text)}: extra text: {go_quote(self._rest)}")
        try:
            local = datetime(year, month, day, hour, minute, second, micro, timezone(offset))
            return local.astimezone(UTC)
        except ValueError:
            raise self._out_of_range("day") from None
        except OverflowError:
            raise self._out_of_range("year") from None

    def _after(self, mark: str, digits: re.Pattern[str], element: str, allowed: range, name: str) -> int:
        if not self._rest.startswith(mark):
            raise self._unreadable(mark)
        self._rest = self._rest[1:]
        number = self._number(digits, element)
        if number not in allowed:
            raise self._out_of_range(name)
        return number

    def _number(self, digits: re.Pattern[str], element: str) -> int:
        return int(self._take(digits, element)[0])

    def _take(self, pattern: re.Pattern[str], element: str) -> re.Match[str]:
        match = pattern.match(self._rest)
        if match is None:
            raise self._unreadable(element)
        self._rest = self._rest[match.end() :]
        return match

    def _micro(self) -> int:
        if self._layout == MICRO_TIME_LAYOUT:
            return int(self._take(_SIX_DIGITS, ".000000")[1])
        if _FRACTION.match(self._rest):
            self._take(_FRACTION, "")
        return 0

    def _offset(self) -> timedelta:
        if self._rest.startswith("Z"):
            self._rest = self._rest[1:]
            return timedelta()
        match = self._take(_OFFSET, "Z07:00")
        hours, minutes = int(match[2]), int(match[3])
        if hours > 23:
            raise self._out_of_range("time zone offset hour")
        if minutes > 59:
            raise self._out_of_range("time zone offset minute")
        offset = timedelta(hours=hours, minutes=minutes)
        return -offset if match[1] == "-" else offset

    def _unreadable(self, element: str) -> TimeError:
        value, layout = go_quote(self._text), go_quote(self._layout)
        return TimeError(
            f"parsing time {value} as {layout}: cannot parse {go_quote(self._rest)} as {go_quote(element)}"
        )

    def _out_of_range(self, name: str) -> TimeError:
        return TimeError(f"parsing time {go_quote(self._text)}: {name} out of range")


Canonical = Callable[[str], str | None]
