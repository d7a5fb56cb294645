"""What drills found, and how long each part took: the records and the file `<site>/state/drills.jsonl`.

One line of JSON for a drill, on disk when `append` returns, the newest at the end; the oldest go when there are more
than a thousand. A torn line is passed over, unknown fields are kept out, missing ones have their defaults: a record is
readable by older and newer programs. Times are microseconds since 1970 UTC, durations seconds, sizes octets.
"""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.recovery.jsonfile import append_line, read_lines

KEEP = 1000


class Trigger(Enum):
    """Why a drill was held. The value is what the history says."""

    SCHEDULE = "schedule"
    HAND = "hand"


class DatabaseDrill(NamedTuple):
    """One database in a drill.

    `size` is the restored file, `read_octets` what was read from targets and log volumes for it, `log_octets` and
    `records` what was played, `set` the backup that it began with. The seconds are of copying the backup, fetching the
    log, playing it, checking the result, and comparing it. `findings` is what is wrong with what was restored,
    `differences` how it differs from the live database at that record, `notes` what else is worth telling; `failure`
    is why it could not be restored or compared, or empty.
    """

    database: str
    set: str = ""
    generation: int = 0
    lsn: int = 0
    size: int = 0
    read_octets: int = 0
    log_octets: int = 0
    records: int = 0
    copy_seconds: float = 0.0
    fetch_seconds: float = 0.0
    play_seconds: float = 0.0
    check_seconds: float = 0.0
    compare_seconds: float = 0.0
    findings: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failure: str = ""

    @property
    def seconds(self) -> float:
        """How long this database took to be back, checked."""
        return self.copy_seconds + self.fetch_seconds + self.play_seconds + self.check_seconds

    @property
    def ok(self) -> bool:
        return not (self.findings or self.differences or self.failure)

    @property
    def troubles(self) -> tuple[str, ...]:
        """Everything that makes it not ok, a sentence each."""
        return (*((self.failure,) if self.failure else ()), *self.findings, *self.differences)


class DrillRecord(NamedTuple):
    """One drill. `seconds` is from its begin until the last database was back and checked: what a recovery of all of
    it would have taken; comparing with the live databases came after that and is not in it."""

    id: str
    when: int
    trigger: Trigger
    seconds: float
    total_seconds: float
    workers: int
    promised_hours: float
    databases: tuple[DatabaseDrill, ...]

    @property
    def ok(self) -> bool:
        """Whether every database came back right, however long it took."""
        return all(drill.ok for drill in self.databases)

    @property
    def restored(self) -> bool:
        """Whether every database came back at all, so that the durations mean something."""
        return bool(self.databases) and not any(drill.failure for drill in self.databases)

    @property
    def kept(self) -> bool:
        """Whether everything was back within the promised hours."""
        return self.restored and self.seconds <= self.promised_hours * 3600

    @property
    def size(self) -> int:
        return sum(drill.size for drill in self.databases)

    @property
    def log_octets(self) -> int:
        return sum(drill.log_octets for drill in self.databases)

    @property
    def records(self) -> int:
        return sum(drill.records for drill in self.databases)

    def parts(self) -> tuple[float, float, float, float]:
        """`seconds` divided into copying, fetching the log, playing it and checking, as the databases spent theirs."""
        sums = [
            sum(drill.copy_seconds for drill in self.databases),
            sum(drill.fetch_seconds for drill in self.databases),
            sum(drill.play_seconds for drill in self.databases),
            sum(drill.check_seconds for drill in self.databases),
        ]
        whole = sum(sums)
        copying, fetching, playing, checking = (self.seconds * part / whole if whole else 0.0 for part in sums)
        return copying, fetching, playing, checking


class History:
    """The file of drills."""

    def __init__(self, file: Path, keep: int = KEEP) -> None:
        self._file = file
        self._keep = keep

    def append(self, record: DrillRecord) -> None:
        """Add the newest drill. Raises Failure UNAVAILABLE or DISK_FULL."""
        append_line(self._file, encode(record), self._keep)

    def records(self) -> list[DrillRecord]:
        """All drills on record, oldest first."""
        found = (decode(row) for row in read_lines(self._file))
        return sorted((record for record in found if record is not None), key=lambda record: record.when)


def encode(record: DrillRecord) -> dict[str, Any]:
    """A record as JSON's types; what the properties say is written as well, for people who read the file."""
    row = record._asdict()
    row["trigger"] = record.trigger.value
    row["databases"] = [{**drill._asdict(), "ok": drill.ok} for drill in record.databases]
    return {**row, "ok": record.ok, "kept": record.kept}


def decode(row: Mapping[str, Any]) -> DrillRecord | None:
    """None where the row is no drill."""
    try:
        return DrillRecord(
            id=str(row["id"]),
            when=int(row["when"]),
            trigger=Trigger(row.get("trigger", Trigger.HAND.value)),
            seconds=float(row["seconds"]),
            total_seconds=float(row.get("total_seconds", row["seconds"])),
            workers=int(row.get("workers", 1)),
            promised_hours=float(row["promised_hours"]),
            databases=tuple(_decode_database(drill) for drill in row["databases"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return None


_TEXTS = ("set", "failure")
_NUMBERS = ("generation", "lsn", "size", "read_octets", "log_octets", "records")
_SECONDS = ("copy_seconds", "fetch_seconds", "play_seconds", "check_seconds", "compare_seconds")
_LISTS = ("findings", "differences", "notes")


def _decode_database(row: Mapping[str, Any]) -> DatabaseDrill:
    values: dict[str, Any] = {"database": str(row["database"])}
    values |= {key: str(row[key]) for key in _TEXTS if key in row}
    values |= {key: int(row[key]) for key in _NUMBERS if key in row}
    values |= {key: float(row[key]) for key in _SECONDS if key in row}
    values |= {key: tuple(map(str, row[key])) for key in _LISTS if isinstance(row.get(key), list | tuple)}
    return DatabaseDrill(**values)
