"""Metrics: counted in each process, added up and shown to Prometheus by the supervisor.

`ProcessCounters` is the `Counters` of a process that serves; it counts into a `NumberFile`. `WorkerMetrics` belongs to
the supervisor: it reads the files of all processes, adds its own counts, and renders the sums. Counters survive the
death of a worker; gauges of a dead one no longer count. Both may be used from any thread.
"""

import os
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from pillarbox.base.metrics import Metric, MetricKind
from pillarbox.monitor.numbers import NumberFile, Series, read_numbers

_SUFFIX = ".numbers"
_PREFIX = "pillarbox_"


class ProcessCounters:
    """The counters of this process; see the module's contract."""

    def __init__(self, directory: Path, name: str) -> None:
        """`name` tells the processes of a site apart; two that run at once must not share one."""
        self._file = NumberFile(directory / (name + _SUFFIX))
        self._places: dict[tuple[Metric, tuple[str, ...]], int] = {}
        self._lock = Lock()
        self._open = True

    def count(self, metric: Metric, n: float = 1, **labels: str) -> None:
        values = tuple(labels.values()) if len(labels) < 2 else tuple([labels[name] for name in metric.labels])
        with self._lock:
            if self._open:
                self._file.add(self._place(metric, values), n)

    adjust = count

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        values = tuple(labels.values()) if len(labels) < 2 else tuple([labels[name] for name in metric.labels])
        with self._lock:
            if self._open:
                place = self._place(metric, values)
                self._file.add(place + 8 * bisect_left(metric.bounds, value), 1.0)
                self._file.add(place + 8 * (len(metric.bounds) + 1), value)

    def close(self) -> None:
        """This process counts no more; what is counted after it is dropped."""
        with self._lock:
            if self._open:
                self._open = False
                self._file.remove()

    def _place(self, metric: Metric, values: tuple[str, ...]) -> int:
        key = (metric, values)
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = self._file.place(metric, values)
        return place


class WorkerMetrics(ProcessCounters):
    """The sums over all processes, and the supervisor's own counts."""

    def __init__(self, directory: Path) -> None:
        """Begins at zero: numbers of an earlier run are removed."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:  # workers will run as whoever owns the site
            owner = directory.parent.stat()
            os.chown(directory, owner.st_uid, owner.st_gid)
        for path in directory.glob("*" + _SUFFIX):
            path.unlink(missing_ok=True)
        super().__init__(directory, "all")
        self._directory = directory
        self._dead: set[int] = set()

    def worker_died(self, pid: int) -> None:
        """The gauges of this process no longer count."""
        self._dead.add(pid)

    def series(self) -> list[Series]:
        """The numbers of all processes, equal series added up, sorted by name and labels."""
        sums: dict[tuple[str, tuple[str, ...]], Series] = {}
        pids = set()
        for path in sorted(self._directory.glob("*" + _SUFFIX)):
            pid, found = read_numbers(path)
            pids.add(pid)
            for one in found:
                if one.kind is MetricKind.GAUGE and pid in self._dead:
                    one = one._replace(values=(0.0,))
                key = (one.name, one.label_values)
                other = sums.get(key)
                if other is not None and len(other.values) == len(one.values):
                    one = one._replace(values=tuple(map(float.__add__, other.values, one.values)))
                sums[key] = one
        self._dead &= pids
        return [sums[key] for key in sorted(sums)]

    def render(self) -> bytes:
        """All of it in Prometheus's text format."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(self.series()))
        return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, series: list[Series]) -> None:
        self._series = series

    def collect(self) -> Iterable[Family]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily] = {}
        for one in self._series:
            family = families.get(one.name)
            if family is None:
                family = families[one.name] = _family(one)
            if isinstance(family, HistogramMetricFamily):
                *counts, total = one.values
                family.add_metric(one.label_values, _cumulated(one.bounds, counts), total)
            else:
                family.add_metric(one.label_values, one.values[0])
        return families.values()


def _family(one: Series) -> CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily:
    name = _PREFIX + one.name
    if one.kind is MetricKind.COUNTER:
        return CounterMetricFamily(name, one.help, labels=one.labels)
    if one.kind is MetricKind.GAUGE:
        return GaugeMetricFamily(name, one.help, labels=one.labels)
    return HistogramMetricFamily(name, one.help, labels=one.labels)


def _cumulated(bounds: tuple[float, ...], counts: list[float]) -> list[tuple[str, float]]:
    """Buckets as Prometheus wants them: each with all below it."""
    buckets = []
    total = 0.0
    for bound, count in zip([*map(str, bounds), "+Inf"], counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets
