"""Shows the metrics in Prometheus' text format. Imports prometheus-client: import this module only when asked."""

from collections.abc import Callable, Iterator
from functools import partial

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)

from kapi.server.metrics import Histogram, Labels, Metric, Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def expose(metrics: Metrics) -> bytes:
    """Return all metrics as text, summed over the workers."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(metrics))
    return generate_latest(registry)


class _Collector:
    """Turns the cells into what prometheus-client prints."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Family]:
        """Yield the families."""
        for metric, series in self._metrics.totals():
            if series:
                yield _family(metric, series)
        for gauge, read in self._metrics.readings:
            yield _family(gauge, {labels: [value] for labels, value in read().items()})
        yield from _processes(self._metrics.cells.pids())


def _family(metric: Metric, series: dict[Labels, list[float]]) -> Family:
    if isinstance(metric, Histogram):
        return _histogram(metric, series)
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family: CounterMetricFamily | GaugeMetricFamily = kind(metric.name, metric.help, labels=metric.labels)
    for labels, numbers in sorted(series.items()):
        family.add_metric(labels, numbers[0])
    return family


def _histogram(metric: Histogram, series: dict[Labels, list[float]]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    bounds = [*(f"{bound:g}" for bound in metric.buckets), "+Inf"]
    for labels, numbers in sorted(series.items()):
        total, buckets = 0.0, []
        for bound, count in zip(bounds, numbers[:-1], strict=True):
            total += count
            buckets.append((bound, total))
        family.add_metric(labels, buckets, sum_value=numbers[-1])
    return family


def _processes(pids: tuple[int, ...]) -> Iterator[Family]:
    """Yield the process metrics, summed over several processes; the start is that of the oldest."""
    families: dict[str, tuple[Family, list[float]]] = {}
    readers: list[Callable[[], int | str]] = [partial(int, pid) for pid in pids] or [lambda: "self"]
    for collector in [ProcessCollector(pid=read, registry=None) for read in readers]:
        for family in collector.collect():
            families.setdefault(family.name, (family, []))[1].extend(s.value for s in family.samples)
    for name, (family, values) in families.items():
        combine = min if name == "process_start_time_seconds" else sum
        family.samples = [family.samples[0]._replace(value=combine(values))]
        yield family
