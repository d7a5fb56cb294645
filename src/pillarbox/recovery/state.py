"""What the keeper writes down of backups, archive and standbys, in `<site>/state/`: formats, writing, reading.

- `backups.jsonl`, a line for each finished set at each target (`BackupDone`), appended by `record_backup`:
  `{"set": "20261124T013000Z-full", "kind": "full", "target": "s3://bucket/mail", "started": ..., "finished": ...,
  "verified": true, "databases": {"mailboxes": {"generation": 0, "lsn": 812, "size": 4096000, "log_octets": 77}}}`.
  A set is complete by itself, incremental or not: `size` is that of the database file it brings back.
- `archive.json`, replaced by `write_lags` after each round: how far each target is behind each database's log,
  `{"mailboxes": {"s3://bucket/mail": {"lsn": 900, "seconds": 0.4, "octets": 0, "records": 0, "at": ...}}}`.
- `standby.json`, the same by peer, of what each standby has received and acknowledged.

Times are microseconds since 1970 UTC, sizes octets of one copy of the log, uncompressed. Targets go by
`Target.label`. Reading leaves out unknown fields, and entries without the fields that matter. Not here: the history of
drills (`history.py`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.recovery.jsonfile import append_line, read_lines, read_whole, write_whole

BACKUPS = "backups.jsonl"
ARCHIVE = "archive.json"
STANDBY = "standby.json"
DRILLS = "drills.jsonl"

_KEEP_BACKUPS = 2000


class SavedDatabase(NamedTuple):
    """One database in a set: its last record, its size, and the log that came since the set before (0: unknown)."""

    generation: int
    lsn: int
    size: int
    log_octets: int = 0


class BackupDone(NamedTuple):
    """A set at a target. `verified`: all of it was read back, and its checksums fit. `started` is the moment that the
    set brings back (0: not known, take `finished`)."""

    set: str
    kind: str
    target: str
    finished: int
    databases: Mapping[str, SavedDatabase]
    verified: bool = False
    started: int = 0

    def encode(self) -> dict[str, Any]:
        databases = {name: saved._asdict() for name, saved in self.databases.items()}
        return {**self._asdict(), "databases": databases}

    @classmethod
    def decode(cls, row: Mapping[str, Any]) -> "BackupDone | None":
        """None where the row is not one of these."""
        try:
            return cls(
                set=str(row["set"]),
                kind=str(row["kind"]),
                target=str(row["target"]),
                finished=int(row["finished"]),
                databases={
                    str(name): SavedDatabase(
                        int(saved["generation"]), int(saved["lsn"]), int(saved["size"]), int(saved.get("log_octets", 0))
                    )
                    for name, saved in row["databases"].items()
                },
                verified=row.get("verified") is True,
                started=int(row.get("started", 0)),
            )
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            return None


class LagState(NamedTuple):
    """How far a place elsewhere is behind a database's log, as it was at the moment `at`.

    `lsn` is the last record that is there for good; `seconds` is the age of the oldest record that is not (0: all
    are), `octets` and `records` are how much that is.
    """

    lsn: int
    seconds: float
    octets: int
    records: int
    at: int

    @classmethod
    def decode(cls, row: Mapping[str, Any]) -> "LagState | None":
        try:
            return cls(int(row["lsn"]), float(row["seconds"]), int(row["octets"]), int(row["records"]), int(row["at"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None


Lags = dict[str, dict[str, LagState]]
"""By database, then by target or peer."""


def record_backup(state: Path, done: BackupDone) -> None:
    """Append a line to `backups.jsonl`; a later line for the same set and target (once it is verified) replaces it."""
    append_line(state / BACKUPS, done.encode(), _KEEP_BACKUPS)


def read_backups(state: Path) -> list[BackupDone]:
    """The sets on record, each once, in the order they finished."""
    found: dict[tuple[str, str], BackupDone] = {}
    for row in read_lines(state / BACKUPS):
        done = BackupDone.decode(row)
        if done is not None:
            found[done.set, done.target] = done
    return sorted(found.values(), key=lambda done: done.finished)


def write_lags(file: Path, lags: Mapping[str, Mapping[str, LagState]]) -> None:
    """Replace `archive.json` or `standby.json`."""
    write_whole(file, {name: {place: lag._asdict() for place, lag in places.items()} for name, places in lags.items()})


def read_lags(file: Path) -> Lags:
    """What `write_lags` wrote; empty where nothing was."""
    lags: Lags = {}
    for name, places in read_whole(file).items():
        if isinstance(places, dict):
            found = {place: LagState.decode(row) for place, row in places.items() if isinstance(row, dict)}
            lags[name] = {place: lag for place, lag in found.items() if lag is not None}
    return lags
