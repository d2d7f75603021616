"""Numbers that metrics are counted in: in memory for one process, in a mapped file that others can read for many.

A series is a run of cells: one for a counter or gauge, several for a histogram. Counting is one indexed addition
in both cases. With several workers each has a file of its own, found by its fixed number: a worker that takes the place
of a dead one goes on with its counts, so that sums over all files never go back.
"""

import json
import mmap
import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from kapi.server.files import write_atomically

CAPACITY = 65536
"""Cells in a worker's file."""

_OVERFLOW = 64
"""Cells at the beginning of a file that series share for which there is no room; nobody reads them."""


class SeriesKey(NamedTuple):
    """What a series is of: the metric's name and the values of its labels."""

    metric: str
    labels: tuple[str, ...]


class Numbers(Protocol):
    """What cells are counted in."""

    def __getitem__(self, index: int, /) -> float:
        """Return a number."""

    def __setitem__(self, index: int, value: float, /) -> None:
        """Replace a number."""


class Cells(Protocol):
    """Where the numbers are."""

    @property
    def values(self) -> Numbers:
        """The numbers, by index; always the same object."""

    def allocate(self, key: SeriesKey, size: int) -> int:
        """Return the index of the first of ``size`` cells for a series; the same again for the same key."""

    def reset(self, metric: str) -> None:
        """Set what this process (or the one whose place it took) has counted for a metric to zero."""

    def read(self) -> Iterator[tuple[SeriesKey, Sequence[float]]]:
        """Yield the series of this process and of all that count together with it."""

    def pids(self) -> tuple[int, ...]:
        """Return the processes that count together; empty for this one alone."""

    def close(self) -> None:
        """Give back what is held; counting ends."""


class LocalCells:
    """Cells of a process that counts alone."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.values = array("d")
        self._series: dict[SeriesKey, tuple[int, int]] = {}

    def allocate(self, key: SeriesKey, size: int) -> int:
        """Return the index of the cells of a series, new ones if need be."""
        place = self._series.setdefault(key, (len(self.values), size))
        if place[0] == len(self.values):
            self.values.extend([0.0] * size)
        return place[0]

    def reset(self, metric: str) -> None:
        """Do nothing: a new process begins at zero."""

    def read(self) -> Iterator[tuple[SeriesKey, Sequence[float]]]:
        """Yield every series with its numbers."""
        for key, (start, size) in self._series.items():
            yield key, self.values[start : start + size]

    def pids(self) -> tuple[int, ...]:
        """Return nothing: nobody else counts here."""
        return ()

    def close(self) -> None:
        """Nothing is held."""


class SharedCells:
    """Cells of one of several workers, in ``metrics-NUMBER.values``, with the keys in ``metrics-NUMBER.keys``."""

    def __init__(self, folder: Path, number: int) -> None:
        """Open or make the files of worker ``number``. Raises OSError."""
        self._folder = folder
        values = folder / f"metrics-{number}.values"
        with values.open("ab") as file:
            file.truncate(CAPACITY * 8)
        with values.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), CAPACITY * 8)
        self.values = memoryview(self._map).cast("d")
        keys = folder / f"metrics-{number}.keys"
        self._series = _read_keys(keys)
        self._next = max((start + size for start, size in self._series.values()), default=_OVERFLOW)
        self._keys = keys.open("ab", buffering=0)
        write_atomically(folder / f"metrics-{number}.pid", str(os.getpid()).encode())

    def allocate(self, key: SeriesKey, size: int) -> int:
        """Return the index of the cells of a series; those that nobody reads when the file is full."""
        place = self._series.get(key)
        if place is None:
            place = (self._next, size)
            if self._next + size > CAPACITY:
                return 0
            self._series[key] = place
            self._next += size
            self._keys.write(json.dumps([key.metric, key.labels, *place]).encode() + b"\n")
        return place[0]

    def reset(self, metric: str) -> None:
        """Set the cells of a metric to zero."""
        for key, (start, size) in self._series.items():
            if key.metric == metric:
                for index in range(start, start + size):
                    self.values[index] = 0.0

    def read(self) -> Iterator[tuple[SeriesKey, Sequence[float]]]:
        """Yield every series of every worker; a series comes once for each that has it."""
        for keys in sorted(self._folder.glob("metrics-*.keys")):
            numbers = array("d", keys.with_suffix(".values").read_bytes())
            for key, (start, size) in _read_keys(keys).items():
                yield key, numbers[start : start + size]

    def pids(self) -> tuple[int, ...]:
        """Return the workers that are alive."""
        return tuple(pid for path in self._folder.glob("metrics-*.pid") if _alive(pid := int(path.read_text())))

    def close(self) -> None:
        """Close the files."""
        self.values.release()
        self._map.close()
        self._keys.close()


def _read_keys(path: Path) -> dict[SeriesKey, tuple[int, int]]:
    """Read the keys written so far; a line that is only half there is left for the next time."""
    found = {}
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    for line in lines:
        metric, labels, start, size = json.loads(line)
        found[SeriesKey(metric, tuple(labels))] = (start, size)
    return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def forget_workers(folder: Path) -> None:
    """Remove the files of an earlier run, before any worker starts. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for path in folder.glob("metrics-*"):
        path.unlink(missing_ok=True)
