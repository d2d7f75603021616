"""The metrics about requests and storage, under kube-apiserver's names."""

from bisect import bisect_left
from collections.abc import Callable

from kapi.endpoints.requestinfo import RequestInfo
from kapi.server.metrics import Histogram, Labels, Metrics

READ_VERBS = frozenset({"get", "list", "watch"})

_LABELS = ("component", "dry_run", "group", "resource", "scope", "subresource", "verb", "version")
_LONG_LABELS = ("component", "group", "resource", "scope", "subresource", "verb", "version")
_VERBS = {
    "get": "GET",
    "list": "LIST",
    "watch": "WATCH",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETECOLLECTION",
    "proxy": "CONNECT",
    "connect": "CONNECT",
    "post": "POST",
    "put": "PUT",
    "head": "GET",
    "options": "OPTIONS",
}
_PATHS = frozenset({"", "api", "apis", "healthz", "livez", "metrics", "openapi", "openid", "readyz", "version"})
_REMEMBERED = 8192

Served = Callable[[str, str, str, str], bool]
"""Tells whether (group, version, resource, subresource) is something that the server serves."""


class RequestMetrics:
    """Counts requests; what is not served is counted as ``other``, whatever a client makes up."""

    def __init__(self, metrics: Metrics, served: Served) -> None:
        """Declare the metrics."""
        self._served = served
        self._total = metrics.counter(
            "apiserver_request", "Requests answered, by what they were and the HTTP code.", ("code", *_LABELS)
        )
        self._duration = metrics.histogram(
            "apiserver_request_duration_seconds", "Time from a request to the end of its answer.", _LABELS
        )
        self._long = metrics.gauge(
            "apiserver_longrunning_requests", "Long-running requests under way, watches above all.", _LONG_LABELS
        )
        current = metrics.gauge("apiserver_current_inflight_requests", "Other requests under way.", ("request_kind",))
        self._reading, self._mutating = current.place(("readOnly",)), current.place(("mutating",))
        self._values = metrics.cells.values
        self._buckets = self._duration.buckets
        self._sum = self._duration.size - 1
        self._remembered: dict[tuple[object, ...], tuple[int, int]] = {}

    def begin(self, info: RequestInfo, stays: bool) -> int:
        """Count a request as under way; return the cell to take it from again."""
        if stays:
            scope, *what = _described(info, self._is_served(info))
            place = self._long.place(("apiserver", what[0], what[1], scope, what[2], _verb(info, False), what[3]))
        else:
            place = self._reading if info.verb in READ_VERBS else self._mutating
        self._values[place] += 1.0
        return place

    def end(self, begun: int, info: RequestInfo, apply: bool, code: int, seconds: float) -> None:
        """Count a request as answered."""
        values = self._values
        values[begun] -= 1.0
        key = (info.resource, info.verb, code, info.group, info.version, info.subresource,
               not info.name, not info.namespace, apply, bool(info.query) and "dryRun" in info.query)  # fmt: skip
        places = self._remembered.get(key) or self._places(key, info, apply, code)
        values[places[0]] += 1.0
        base = places[1]
        values[base + bisect_left(self._buckets, seconds)] += 1.0
        values[base + self._sum] += seconds

    def _places(self, key: tuple[object, ...], info: RequestInfo, apply: bool, code: int) -> tuple[int, int]:
        served = self._is_served(info)
        scope, group, resource, subresource, version = _described(info, served)
        dry_run = "All" if info.query and "dryRun" in info.query else ""
        labels = ("apiserver", dry_run, group, resource, scope, subresource, _verb(info, apply), version)
        places = self._total.place((str(code), *labels)), self._duration.place(labels)
        if served and len(self._remembered) < _REMEMBERED:
            self._remembered[key] = places
        return places

    def _is_served(self, info: RequestInfo) -> bool:
        if info.is_resource_request:
            return self._served(info.group, info.version, info.resource, info.subresource)
        return info.verb in _VERBS


def _verb(info: RequestInfo, apply: bool) -> str:
    return "APPLY" if apply else _VERBS.get(info.verb, "other")


def _described(info: RequestInfo, served: bool) -> tuple[str, str, str, str, str]:
    """Return scope, group, resource, subresource and version, from a bounded set of values."""
    if not info.is_resource_request:
        first = info.path.strip("/").partition("/")[0]
        return "", "", "", "/" + first if first in _PATHS else "other", ""
    if not served:
        return "other", "other", "other", "other", "other"
    scope = "resource" if info.name or info.verb == "create" else "namespace" if info.namespace else "cluster"
    return scope, info.group, info.resource, info.subresource, info.version


def storage_latency(metrics: Metrics) -> Histogram:
    """Declare the latency of storage operations, by operation, group and resource."""
    labels: Labels = ("operation", "group", "resource")
    return metrics.histogram("etcd_request_duration_seconds", "Time that the storage backend takes.", labels)
