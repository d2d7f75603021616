"""``/healthz``, ``/livez`` and ``/readyz``: each as a whole, and each check by itself."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import parse_qs

from kapi.contracts.server import HealthCheck

ENDPOINTS = ("healthz", "livez", "readyz")
_TIMEOUT = 10.0
_NOT_FOUND = "404 page not found\n"

_log = logging.getLogger(__name__)


class _Outcome(NamedTuple):
    name: str
    problem: str
    excluded: bool = False

    def line(self) -> str:
        if self.excluded:
            return f"[+]{self.name} excluded: ok\n"
        return f"[-]{self.name} failed: reason withheld\n" if self.problem else f"[+]{self.name} ok\n"


class HealthEndpoints:
    """Answers the health endpoints from checks, for the paths that ``handles`` names."""

    def __init__(self, checks: Iterable[HealthCheck] = ()) -> None:
        """Take the first checks; ``ping`` is always there."""
        self._checks: dict[str, HealthCheck] = {}
        self.add(HealthCheck("ping", _ping))
        for check in checks:
            self.add(check)

    def add(self, check: HealthCheck) -> None:
        """Add a check. Raises ValueError for a name that is taken."""
        if check.name in self._checks:
            raise ValueError(f"health check {check.name} exists already")
        self._checks[check.name] = check

    def handles(self, path: str) -> bool:
        """Tell whether ``path`` belongs to the health endpoints."""
        return path.lstrip("/").partition("/")[0] in ENDPOINTS

    async def answer(self, path: str, query: str) -> tuple[int, str]:
        """Return status and text for a path with its query (``verbose``, ``exclude=NAME`` as often as need be)."""
        endpoint, slash, name = path.lstrip("/").partition("/")
        checks = self._of(endpoint)
        if not slash:
            options = parse_qs(query, keep_blank_values=True, max_num_fields=100)
            return await _whole(endpoint, checks, options.get("exclude", []), "verbose" in options)
        for check in checks:
            if check.name == name:
                return _single(await _run(check))
        return 404, _NOT_FOUND

    def _of(self, endpoint: str) -> Sequence[HealthCheck]:
        ready = endpoint == "readyz"
        return [check for check in self._checks.values() if (check.readyz if ready else check.livez)]


async def _whole(
    endpoint: str, checks: Sequence[HealthCheck], exclude: Sequence[str], verbose: bool
) -> tuple[int, str]:
    """Run all checks but the excluded ones, side by side; details are shown on demand or on failure."""
    running = [check for check in checks if check.name not in exclude]
    outcomes = dict(zip((c.name for c in running), await asyncio.gather(*map(_run, running)), strict=True))
    lines = [outcomes.get(c.name, _Outcome(c.name, "", excluded=True)).line() for c in checks]
    unmatched = sorted(set(exclude) - {check.name for check in checks})
    if unmatched:
        names = ", ".join(f'"{name}"' for name in unmatched)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {names}\n")
    failed = [outcome for outcome in outcomes.values() if outcome.problem]
    if failed:
        _log.warning("%s check failed: %s", endpoint, "; ".join(f"{o.name}: {o.problem}" for o in failed))
        return 500, "".join(lines) + f"{endpoint} check failed\n"
    return 200, "".join(lines) + f"{endpoint} check passed\n" if verbose else "ok"


def _single(outcome: _Outcome) -> tuple[int, str]:
    return (500, f"internal server error: {outcome.problem}\n") if outcome.problem else (200, "ok")


async def _run(check: HealthCheck) -> _Outcome:
    """Run a check; whatever it raises, or taking too long, is a failure."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            await check.check()
    except TimeoutError:
        return _Outcome(check.name, "timed out")
    except Exception as ex:  # a border: the contract says that a check raises to say why not
        return _Outcome(check.name, str(ex) or type(ex).__name__)
    return _Outcome(check.name, "")


async def _ping() -> None:
    """Succeed: the server answers."""
