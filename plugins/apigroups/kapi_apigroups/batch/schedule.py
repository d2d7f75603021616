"""The syntax of cron schedules, as the five-field parser of CronJob reads them.

https://pkg.go.dev/github.com/robfig/cron/v3 describes it: five fields, or a descriptor such as ``@daily``.
"""

import re
from typing import NamedTuple

from kapi.meta.errors import go_quote


class _Range(NamedTuple):
    """What a field may hold."""

    low: int
    high: int
    names: tuple[str, ...] = ()


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (_Range(0, 59), _Range(0, 23), _Range(1, 31), _Range(1, 12, _MONTHS), _Range(0, 6, _DAYS))
_DESCRIPTORS = frozenset(("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"))
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_LONGEST = 1024


class _Malformed(ValueError):
    """A field cannot be read; the text says why."""


def schedule_problem(schedule: str) -> str:
    """Return what is wrong with a schedule, "" if nothing is."""
    if len(schedule) > _LONGEST:
        return f"longer than {_LONGEST} characters"
    if schedule.startswith("@"):
        return _descriptor_problem(schedule)
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        return f"expected exactly {len(_FIELDS)} fields, found {len(fields)}: [{' '.join(fields)}]"
    try:
        for text, bounds in zip(fields, _FIELDS, strict=True):
            for part in text.split(","):
                if part:
                    _check_part(part, bounds)
    except _Malformed as problem:
        return str(problem)
    return ""


def _descriptor_problem(schedule: str) -> str:
    if schedule in _DESCRIPTORS:
        return ""
    if schedule.startswith("@every "):
        duration = schedule.removeprefix("@every ")
        if _DURATION.fullmatch(duration):
            return ""
        return f"failed to parse duration {schedule}: time: invalid duration {go_quote(duration)}"
    return f"unrecognized descriptor: {schedule}"


def _check_part(part: str, bounds: _Range) -> None:
    """Check ``number``, ``number-number``, ``*`` or ``?``, each with an optional ``/step``."""
    span, *steps = part.split("/")
    start, *ends = span.split("-")
    low, high = _span(start, ends, bounds, part)
    if len(steps) > 1:
        raise _Malformed(f"too many slashes: {part}")
    step = _integer(steps[0]) if steps else 1
    if steps and not ends and start not in ("*", "?"):
        high = bounds.high
    if low < bounds.low:
        raise _Malformed(f"beginning of range ({low}) below minimum ({bounds.low}): {part}")
    if high > bounds.high:
        raise _Malformed(f"end of range ({high}) above maximum ({bounds.high}): {part}")
    if low > high:
        raise _Malformed(f"beginning of range ({low}) beyond end of range ({high}): {part}")
    if step == 0:
        raise _Malformed(f"step of range should be a positive number: {part}")


def _span(start: str, ends: list[str], bounds: _Range, part: str) -> tuple[int, int]:
    if start in ("*", "?"):
        return bounds.low, bounds.high
    low = _number(start, bounds)
    if len(ends) > 1:
        raise _Malformed(f"too many hyphens: {part}")
    return low, _number(ends[0], bounds) if ends else low


def _number(text: str, bounds: _Range) -> int:
    name = text.lower()
    return bounds.names.index(name) + bounds.low if name in bounds.names else _integer(text)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise _Malformed(f"failed to parse int from {text}: strconv.Atoi: parsing {go_quote(text)}: invalid syntax")
    value = int(text)
    if value < 0:
        raise _Malformed(f"negative number ({value}) not allowed: {text}")
    return value
