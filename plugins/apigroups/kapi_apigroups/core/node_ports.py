"""Node ports of services: free numbers of the configured range, one service each."""

import asyncio
import random
import time
from collections.abc import Iterable
from typing import NamedTuple

from kapi.contracts.client import Informer, ObjectClient
from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_invalid, internal_error
from kapi_apigroups.core.resources import SERVICES
from kapi_apigroups.core.service_types import needs_health_port, needs_node_ports

_RESERVATION_SECONDS = 30.0
_TAKEN = "provided port is already allocated"
_STATIC = 86
"""So many numbers at the low end are left for clients that choose by hand, as long as others are free."""

_LEAST_STATIC_RANGE = 16


class PortUnavailable(Exception):
    """The port for health checks that a client asked for cannot be had; the text says why."""


def ports_of(spec: Object) -> set[int]:
    """Return all numbers that a service occupies on nodes."""
    numbers = {port["nodePort"] for port in spec.get("ports", ()) if port.get("nodePort")}
    if spec.get("healthCheckNodePort"):
        numbers.add(spec["healthCheckNodePort"])
    return numbers


class NodePorts:
    """Chooses node ports.

    The services themselves are the record of what is taken. A number that has been handed out is reserved until its
    service is there to see, so that concurrent requests to this process do not get the same one.
    """

    def __init__(self, low: int, size: int) -> None:
        """Take the lowest number and how many there are."""
        self._low = low
        self._high = low + size - 1
        self._lock = asyncio.Lock()
        self._reserved: dict[int, _Reservation] = {}

    async def fill(self, client: ObjectClient, service: Object, old: Object | None) -> list[FieldError]:
        """Choose what the ports of a service lack, in place; return which of the given ones cannot be had.

        Raises an internal error when no number is left, or the port for health checks cannot be had.
        """
        spec = service["spec"]
        async with self._lock:
            taken = await self._taken(client, service)
            kept = ports_of(old["spec"]) if old is not None else set()
            errors = self._check(spec, taken, kept)
            if not errors:
                self._choose(spec, taken | kept)
                self._reserve(ports_of(spec), _owner(service), old)
        return errors

    async def _taken(self, client: ObjectClient, service: Object) -> set[int]:
        services = client.informer(SERVICES)
        await services.synced()
        owner = _owner(service)
        taken = {number for one in services.list() if _owner(one) != owner for number in ports_of(one["spec"])}
        now = time.monotonic()
        self._reserved = {
            number: held for number, held in self._reserved.items() if held.until > now and held.pending(services)
        }
        return taken | {number for number, held in self._reserved.items() if held.owner != owner}

    def _check(self, spec: Object, taken: set[int], kept: set[int]) -> list[FieldError]:
        errors = []
        seen: set[tuple[int, str]] = set()
        for index, port in enumerate(spec.get("ports", ())):
            number = port.get("nodePort", 0)
            if not number:
                continue
            key = (number, port.get("protocol", ""))
            problem = self._problem(number, taken, kept) if key not in seen else _TAKEN
            seen.add(key)
            if problem:
                errors.append(field_invalid(f"spec.ports[{index}].nodePort", number, problem))
        health = spec.get("healthCheckNodePort", 0)
        if health and (problem := self._problem(health, taken, kept)):
            raise internal_error(f"failed to allocate requested HealthCheck NodePort {health}: {problem}")
        return errors

    def _problem(self, number: int, taken: set[int], kept: set[int]) -> str:
        if number in kept:
            return ""
        if not self._low <= number <= self._high:
            return f"provided port is not in the valid range. The range of valid ports is {self._low}-{self._high}"
        return _TAKEN if number in taken else ""

    def _choose(self, spec: Object, taken: set[int]) -> None:
        taken = taken | ports_of(spec)
        if needs_node_ports(spec):
            known = {port["port"]: port["nodePort"] for port in spec.get("ports", ()) if port.get("nodePort")}
            for port in spec.get("ports", ()):
                if not port.get("nodePort"):
                    port["nodePort"] = known.get(port["port"]) or self._next(taken)
                    known[port["port"]] = port["nodePort"]
        if needs_health_port(spec) and not spec.get("healthCheckNodePort"):
            spec["healthCheckNodePort"] = self._next(taken)

    def _next(self, taken: set[int]) -> int:
        """Return a free number and mark it as taken."""
        size = self._high - self._low + 1
        static = min(_STATIC, size // _LEAST_STATIC_RANGE)
        dynamic = [number for number in range(self._low + static, self._high + 1) if number not in taken]
        free = dynamic or [number for number in range(self._low, self._low + static) if number not in taken]
        if not free:
            raise internal_error("failed to allocate a nodePort: range is full")
        chosen = random.choice(free)
        taken.add(chosen)
        return chosen

    def _reserve(self, numbers: Iterable[int], owner: "_Owner", old: Object | None) -> None:
        version = old["metadata"].get("resourceVersion", "") if old is not None else ""
        until = time.monotonic() + _RESERVATION_SECONDS
        self._reserved.update((number, _Reservation(owner, version, until)) for number in numbers)

    def forget(self, service: Object) -> None:
        """Drop the reservations of a service that was not stored, or is gone."""
        owner = _owner(service)
        self._reserved = {number: held for number, held in self._reserved.items() if held.owner != owner}


class _Owner(NamedTuple):
    name: str
    namespace: str


class _Reservation(NamedTuple):
    """A number handed out to a service that was at ``version`` then ("": did not exist)."""

    owner: _Owner
    version: str
    until: float

    def pending(self, services: Informer) -> bool:
        """Tell whether the service has not been written since."""
        seen = services.get(self.owner.name, self.owner.namespace)
        return (seen["metadata"].get("resourceVersion", "") if seen is not None else "") == self.version


def _owner(service: Object) -> _Owner:
    metadata = service["metadata"]
    return _Owner(metadata.get("name", ""), metadata.get("namespace", ""))
