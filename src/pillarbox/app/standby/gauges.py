"""Gauges that are set to what is measured, over counters that only add."""

from pillarbox.base import metrics
from pillarbox.base.metrics import Counters, Metric
from pillarbox.recovery.standby.shipper import Lag


class Gauges:
    """Remembers what each gauge says, so that it can be moved to a new value."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._values: dict[tuple[Metric, str], float] = {}

    def set(self, metric: Metric, value: float, database: str = "") -> None:
        """The gauge says `value` from now on."""
        before = self._values.get((metric, database), 0.0)
        if value != before:
            labels = {"database": database} if database else {}
            self._counters.adjust(metric, value - before, **labels)
            self._values[metric, database] = value

    def set_lag(self, database: str, lag: Lag | None) -> None:
        """The three of a database."""
        records, octets, seconds = lag or Lag(0, 0, 0.0)
        self.set(metrics.STANDBY_LAG_RECORDS, records, database)
        self.set(metrics.STANDBY_LAG_OCTETS, octets, database)
        self.set(metrics.STANDBY_LAG_SECONDS, seconds, database)
