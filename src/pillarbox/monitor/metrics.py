"""Counting in many processes, and the sum of it for Prometheus.

Each process counts in `ProcessCounters`, plain numbers in memory, and writes them to a file of its own every second
(`save`). The supervisor's `WorkerMetrics` adds its own counts and all files together when it is asked, so that a
scrape costs the workers nothing. What a dead worker had counted is kept, so that counters never go back; its gauges
are dropped.
"""

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from pillarbox.base.metrics import Metric, MetricKind

_PREFIX = "pillarbox_"
Series = dict[tuple[str, ...], list[float]]
"""Numbers by label values. Counters and gauges have one; histograms a count for each bound, one above, and the sum."""


class Tally:
    """Numbers of one or more processes, by metric."""

    def __init__(self) -> None:
        self.metrics: dict[str, Metric] = {}
        self.series: dict[str, Series] = {}

    def values(self, metric: Metric, labels: tuple[str, ...]) -> list[float]:
        """The numbers of one series, zero at first."""
        series = self.series.get(metric.name)
        if series is None:
            self.metrics[metric.name] = metric
            series = self.series[metric.name] = {}
        found = series.get(labels)
        if found is None:
            size = len(metric.bounds) + 2 if metric.kind is MetricKind.HISTOGRAM else 1
            found = series[labels] = [0.0] * size
        return found

    def add(self, other: "Tally", *, gauges: bool = True) -> None:
        """Adds another tally's numbers to these."""
        for name, series in other.series.items():
            metric = other.metrics[name]
            if metric.kind is MetricKind.GAUGE and not gauges:
                continue
            for labels, numbers in series.items():
                mine = self.values(metric, labels)
                for index, number in enumerate(numbers):
                    mine[index] += number

    def encode(self) -> str:
        """As JSON."""
        rows = [
            [name, metric.help, metric.labels, metric.kind.value, metric.bounds,
             [[labels, numbers] for labels, numbers in self.series[name].items()]]
            for name, metric in self.metrics.items()
        ]  # fmt: skip
        return json.dumps(rows)

    @classmethod
    def decode(cls, text: str) -> "Tally":
        """Reads what `encode` wrote. Raises ValueError."""
        tally = cls()
        for name, help_text, labels, kind, bounds, series in json.loads(text):
            metric = Metric(name, help_text, tuple(labels), MetricKind(kind), tuple(bounds))
            for values, numbers in series:
                tally.values(metric, tuple(values))[:] = numbers
        return tally


class ProcessCounters:
    """One process's `base.metrics.Counters`."""

    def __init__(self, directory: Path, name: str) -> None:
        """Counts go to `directory` under the name of this process's id; `name` is for people who look there."""
        directory.mkdir(mode=0o700, exist_ok=True)
        self._path = directory / f"{name}.{os.getpid()}.json"
        self.tally = Tally()

    def count(self, metric: Metric, n: float = 1, **labels: str) -> None:
        self.tally.values(metric, tuple([labels[name] for name in metric.labels]))[0] += n

    adjust = count

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        numbers = self.tally.values(metric, tuple([labels[name] for name in metric.labels]))
        for index, bound in enumerate(metric.bounds):
            if value <= bound:
                numbers[index] += 1
                break
        else:
            numbers[-2] += 1
        numbers[-1] += value

    def save(self) -> None:
        """Writes the numbers to the file. Raises OSError."""
        new = self._path.with_suffix(".new")
        new.write_text(self.tally.encode(), "utf-8")
        new.replace(self._path)

    def close(self) -> None:
        """Takes the file away."""
        self._path.unlink(missing_ok=True)


class WorkerMetrics(Collector):
    """The supervisor's counts and those of all workers."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        self._directory = directory
        for left in directory.glob("*.json"):
            left.unlink()
        self._own = Tally()

    def count(self, metric: Metric, n: float = 1, **labels: str) -> None:
        """Counts for the supervisor itself."""
        self._own.values(metric, tuple([labels[name] for name in metric.labels]))[0] += n

    def worker_died(self, pid: int) -> None:
        """Keeps what a process had counted, whose file stays as it is from now on."""
        for path in self._directory.glob(f"*.{pid}.json"):
            self._own.add(_read(path), gauges=False)
            path.unlink(missing_ok=True)

    def render(self) -> bytes:
        """All of it in Prometheus's text format."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterable[Family]:
        total = Tally()
        total.add(self._own)
        for path in self._directory.glob("*.json"):
            total.add(_read(path))
        for name, metric in sorted(total.metrics.items()):
            yield _family(metric, total.series[name])


def _read(path: Path) -> Tally:
    try:
        return Tally.decode(path.read_text("utf-8"))
    except (OSError, ValueError):
        return Tally()


def _family(metric: Metric, series: Series) -> Family:
    name = _PREFIX + metric.name
    match metric.kind:
        case MetricKind.COUNTER:
            counter = CounterMetricFamily(name, metric.help, labels=metric.labels)
            for labels, numbers in series.items():
                counter.add_metric(labels, numbers[0])
            return counter
        case MetricKind.GAUGE:
            gauge = GaugeMetricFamily(name, metric.help, labels=metric.labels)
            for labels, numbers in series.items():
                gauge.add_metric(labels, numbers[0])
            return gauge
        case MetricKind.HISTOGRAM:
            histogram = HistogramMetricFamily(name, metric.help, labels=metric.labels)
            for labels, numbers in series.items():
                histogram.add_metric(labels, _cumulative(metric, numbers), numbers[-1])
            return histogram


def _cumulative(metric: Metric, numbers: list[float]) -> list[Any]:
    buckets = []
    below = 0.0
    for bound, number in zip((*metric.bounds, math.inf), numbers[:-1], strict=True):
        below += number
        buckets.append(("+Inf" if bound == math.inf else str(bound), below))
    return buckets
