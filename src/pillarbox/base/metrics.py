"""What is counted and measured, and the port through which every part does so.

A `Metric` is defined once, here or beside the code that counts it, and handed to `Counters` with each count: no
registry is needed, and a part that counts knows nothing of where the numbers go (`monitor/metrics.py`).
Durations are in seconds, sizes in octets. Counting is cheap, never raises and never waits.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class MetricKind(Enum):
    """The value is Prometheus's word for it."""

    COUNTER = "counter"  # only grows
    GAUGE = "gauge"  # how much there is now; the sum over the worker processes
    HISTOGRAM = "histogram"  # how often a value fell below each bound


DURATIONS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
SIZES = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """Something countable. `labels` are the names of the labels each count must give, no more and no fewer."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    kind: MetricKind = MetricKind.COUNTER
    bounds: tuple[float, ...] = ()


class Counters(Protocol):
    """Where counts go."""

    def count(self, metric: Metric, n: float = 1, **labels: str) -> None:
        """Adds `n` to a counter."""

    def adjust(self, metric: Metric, n: float, **labels: str) -> None:
        """Adds `n` (or takes it away, where negative) to a gauge."""

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Puts one value into a histogram."""


class NoCounters:
    """Counts nothing."""

    def count(self, metric: Metric, n: float = 1, **labels: str) -> None: ...

    def adjust(self, metric: Metric, n: float, **labels: str) -> None: ...

    def observe(self, metric: Metric, value: float, **labels: str) -> None: ...


CONNECTIONS = Metric("connections", "Connections accepted.", ("protocol",))
CONNECTIONS_REFUSED = Metric("connections_refused", "Connections refused because there were too many.", ("protocol",))
CONNECTIONS_OPEN = Metric("connections_open", "Connections open now.", ("protocol",), MetricKind.GAUGE)
COMMANDS = Metric("commands", "Commands handled.", ("protocol",))
PROTOCOL_ERRORS = Metric("protocol_errors", "Commands that broke the protocol.", ("protocol",))
TIMEOUTS = Metric("timeouts", "Connections closed because the peer was silent or did not read.", ("protocol",))
CRASHES = Metric("crashes", "Errors of our own while handling a command.", ("protocol",))
TLS_FAILURES = Metric("tls_failures", "TLS handshakes that failed.", ("protocol",))
OCTETS_RECEIVED = Metric("octets_received", "Octets received from clients.", ("protocol",))
OCTETS_SENT = Metric("octets_sent", "Octets sent to clients.", ("protocol",))
LOGINS = Metric("logins", "Logins, by how they went: ok or failed.", ("protocol", "outcome"))
MESSAGES_ACCEPTED = Metric(
    "messages_accepted", "Messages taken over, durable before they were answered.", ("protocol",)
)
MESSAGES_REJECTED = Metric("messages_rejected", "Messages refused after their content.", ("protocol", "reason"))
RECIPIENTS_REJECTED = Metric("recipients_rejected", "Recipients refused.", ("protocol", "reason"))
MESSAGE_OCTETS = Metric("message_octets", "Octets of the messages taken over.", ("protocol",))
FAILURES = Metric("failures", "Requests that failed, by kind.", ("protocol", "kind"))
COMMITS = Metric("commits", "Commits (batches of writes) of a logged database.", ("database",))
COMMIT_WRITES = Metric("commit_writes", "Writes that shared one commit.", ("database",), MetricKind.HISTOGRAM, SIZES)
COMMIT_SECONDS = Metric(
    "commit_seconds", "Time from taking a batch to its commit.", ("database",), MetricKind.HISTOGRAM, DURATIONS
)
WORKER_RESTARTS = Metric("worker_restarts", "Worker processes that died and were replaced.")
ALARMS = Metric("alarms", "Things an operator must hear about, by kind.", ("kind",))
ARCHIVE_LAG = Metric(
    "archive_lag_seconds",
    "Age of the oldest log that is not yet at a backup target.",
    ("database", "target"),
    MetricKind.GAUGE,
)
LOG_PRUNED = Metric("log_pruned_octets", "Octets of log removed from the log volumes.", ("database",))
BACKUPS = Metric("backups", "Backups, by how they went: ok or failed.", ("outcome",))
DRILLS = Metric("drills", "Drills, by how they went: ok or failed.", ("outcome",))
STANDBYS = Metric("standbys", "Standbys that are connected and have the whole log.", (), MetricKind.GAUGE)
STANDBY_LAG_SECONDS = Metric(
    "standby_lag_seconds",
    "Age of the last record a standby has; 0: it has all.",
    ("database",),
    MetricKind.GAUGE,
)
STANDBY_LAG_OCTETS = Metric(
    "standby_lag_octets", "Octets of log that the standby does not have yet.", ("database",), MetricKind.GAUGE
)
STANDBY_LAG_RECORDS = Metric(
    "standby_lag_records", "Log records that the standby does not have yet.", ("database",), MetricKind.GAUGE
)
STANDBY_OCTETS = Metric("standby_octets", "Octets of log shipped to standbys, or received by one.", ("database",))
STANDBY_COPIES = Metric("standby_copies", "Fresh copies of a database sent to standbys, or received.", ("database",))
