"""Counts what the server does, under kube-apiserver's names; shown by :mod:`kapi.server.exposition`.

Counting must cost next to nothing, so it is plain additions to cells (:mod:`kapi.server.cells`); prometheus-client only
comes in when somebody looks. The number of series is bounded: what a client makes up is counted as ``other``.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, TypeVar

from kapi.server.cells import Cells, LocalCells, SeriesKey

MOST_SERIES = 4000
"""How many series a metric may have before further ones are counted together as ``other``."""

LATENCY = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
)  # fmt: skip
"""Upper bounds of the buckets of latencies, in seconds."""

Labels = tuple[str, ...]
M = TypeVar("M", bound="Metric")


class Metric:
    """A metric with labels; the kinds are its subclasses."""

    kind: ClassVar[str]
    buckets: tuple[float, ...] = ()

    def __init__(self, cells: Cells, name: str, help: str, labels: Labels = ()) -> None:
        """Take where to count, the name without the suffix of its kind, and the names of the labels."""
        self.name = name
        self.help = help
        self.labels = labels
        self.size = 1
        self.cells = cells
        self.values = cells.values
        self._places: dict[Labels, int] = {}

    def place(self, labels: Labels) -> int:
        """Return the index of the first cell of a series; that of ``other`` when there are too many."""
        place = self._places.get(labels)
        if place is not None:
            return place
        if len(self._places) >= MOST_SERIES:
            labels = ("other",) * len(self.labels)
        place = self._places[labels] = self.cells.allocate(SeriesKey(self.name, labels), self.size)
        return place


class Counter(Metric):
    """A number that only grows."""

    kind = "counter"

    def add(self, labels: Labels, amount: float = 1.0) -> None:
        """Count ``amount``."""
        self.values[self.place(labels)] += amount


class Gauge(Metric):
    """A number that goes up and down; those of several workers add up."""

    kind = "gauge"

    def __init__(self, cells: Cells, name: str, help: str, labels: Labels = ()) -> None:
        """Take what every metric has. What a dead worker in this place had under way counts no more."""
        super().__init__(cells, name, help, labels)
        cells.reset(name)

    def add(self, labels: Labels, amount: float = 1.0) -> None:
        """Change the number."""
        self.values[self.place(labels)] += amount

    def set(self, labels: Labels, value: float) -> None:
        """Replace the number."""
        self.values[self.place(labels)] = value


class Histogram(Metric):
    """Counts by size: a cell for each bucket, one for what is larger than all, and one for the sum."""

    kind = "histogram"

    def __init__(
        self, cells: Cells, name: str, help: str, labels: Labels = (), buckets: tuple[float, ...] = LATENCY
    ) -> None:
        """Take what every metric has, and the upper bounds of the buckets."""
        super().__init__(cells, name, help, labels)
        self.buckets = buckets
        self.size = len(buckets) + 2

    def observe(self, labels: Labels, value: float) -> None:
        """Count one value."""
        place, values = self.place(labels), self.values
        values[place + bisect_left(self.buckets, value)] += 1.0
        values[place + self.size - 1] += value


Reading = Callable[[], Mapping[Labels, float]]
"""Looks a gauge's numbers up at the moment of a scrape."""


class Metrics:
    """All metrics of a server."""

    def __init__(self, cells: Cells | None = None) -> None:
        """Take where to count; by default in the memory of this process."""
        self.cells = cells or LocalCells()
        self.metrics: dict[str, Metric] = {}
        self.readings: list[tuple[Gauge, Reading]] = []

    def counter(self, name: str, help: str, labels: Labels = ()) -> Counter:
        """Declare a counter; ``name`` is without ``_total``."""
        return self._declare(Counter(self.cells, name, help, labels))

    def gauge(self, name: str, help: str, labels: Labels = ()) -> Gauge:
        """Declare a gauge."""
        return self._declare(Gauge(self.cells, name, help, labels))

    def histogram(self, name: str, help: str, labels: Labels = (), buckets: tuple[float, ...] = LATENCY) -> Histogram:
        """Declare a histogram."""
        return self._declare(Histogram(self.cells, name, help, labels, buckets))

    def read_gauge(self, name: str, help: str, labels: Labels, read: Reading) -> None:
        """Declare a gauge that is looked up when it is asked for, in the process that is asked."""
        self.readings.append((Gauge(LocalCells(), name, help, labels), read))

    def totals(self) -> Iterable[tuple[Metric, dict[Labels, list[float]]]]:
        """Return every metric with its series, summed over all workers."""
        sums: dict[str, dict[Labels, list[float]]] = {name: {} for name in self.metrics}
        for key, numbers in self.cells.read():
            series = sums.setdefault(key.metric, {})
            seen = series.get(key.labels)
            series[key.labels] = [a + b for a, b in zip(seen, numbers, strict=True)] if seen else list(numbers)
        return [(metric, sums[name]) for name, metric in self.metrics.items()]

    def _declare(self, metric: M) -> M:
        if metric.name in self.metrics:
            raise ValueError(f"metric {metric.name} is declared twice")
        self.metrics[metric.name] = metric
        return metric
