"""The ports of recovery: what backup, archive, restore, drill and standby see of a database and of a target.

A *database* here is one on its volumes, seen from outside the processes that serve it. A *target* is another place
(a directory, an S3 bucket) that takes objects. All calls block and belong in a thread. All raise `Failure`:
UNAVAILABLE (a disk or a network failed: try again), DISK_FULL, NOT_FOUND, CORRUPT (the sentence names file and offset).

A database's history is a line of log records, numbered by LSN without a gap. `generation` counts how often that line
was begun anew at some record (a restore to an earlier moment, a promoted standby): a record belongs to a generation
and an LSN, and generation g + 1 continues some record of generation g, named in its first segment's header.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol


class LogPoint(NamedTuple):
    """The end of a record. `segment` is the LSN that names its segment file, `finish` the octet where it ends there."""

    generation: int
    lsn: int
    segment: int
    finish: int


class Pinned(NamedTuple):
    """A database file that holds still: exactly `size` octets, containing every record up to `point`."""

    path: Path
    size: int
    uuid: str
    schema_name: str
    schema_version: int
    point: LogPoint


class Span(NamedTuple):
    """Octets `start` to `finish` of a log segment: whole records `first` to `last`, all committed.

    The span with `start` 0 begins with the segment's header. `time` is that of the last record, in microseconds since
    1970 UTC. `closed`: the segment ends at `finish` for good.
    """

    generation: int
    segment: int
    start: int
    finish: int
    first: int
    last: int
    time: int
    closed: bool


class LogUsage(NamedTuple):
    """One log volume: what this database's segments take, and what the disk has. Octets."""

    path: Path
    used: int
    free: int
    size: int


class LiveDatabase(Protocol):
    """A database on its volumes. Safe beside the processes that serve it."""

    @property
    def name(self) -> str: ...

    @property
    def uuid(self) -> str:
        """32 hex digits, given when the database was made; a database made anew has another."""

    def position(self) -> LogPoint:
        """The last committed record."""

    def pin(self) -> AbstractContextManager[Pinned]:
        """Hold the file still, for `with`; deliveries go on meanwhile."""

    def spans(self, after: tuple[int, int, int] | None) -> list[Span]:
        """All committed log behind octet `after[2]` of segment `after[1]` of generation `after[0]`, in order, at most
        one span for a segment; None: all that is still here."""

    def read_log(self, span: Span) -> bytes:
        """The octets of a span. Raises CORRUPT where a checksum does not fit."""

    def prune(self, generation: int, lsn: int) -> int:
        """Remove every segment of this and older generations whose records are all at or before `lsn`, on every
        volume; never the one that is written to. How many octets that freed on each volume."""

    def usage(self) -> list[LogUsage]: ...


class Until(NamedTuple):
    """Where a replay stops: after the last record at or before `time` (microseconds), or after record `lsn`.

    Both None: at the end of the log.
    """

    time: int | None = None
    lsn: int | None = None


class Played(NamedTuple):
    """How far a replay has come: `records` and `octets` since it began, and the record it reached."""

    records: int
    octets: int
    generation: int
    lsn: int
    time: int


class RecoveryDatabase(Protocol):
    """A database being brought back, in a directory of its own, beside the live one.

    Who restores writes the copy to `file` and the segments (named `<generation>-<LSN as 16 hex digits>.log`) into
    `log`, then plays. Played records stay played: a replay broken off goes on where it stopped.
    """

    @property
    def file(self) -> Path: ...

    @property
    def log(self) -> Path: ...

    def check_log(self, uuid: str, span: Span, data: bytes) -> str | None:
        """Why `data` cannot be the octets of `span` of that database's log; None where all its records are whole."""

    def play(self, until: Until, progress: Callable[[Played], None]) -> Played:
        """Play the log forward, over generations, until `until`."""

    def check(self) -> Iterator[str]:
        """Read all of it; one sentence for each thing that is wrong."""

    def compare(self, other: Path) -> Iterator[str]:
        """Compare every row with those of the database file `other`, both as they are now; a sentence for each table
        that differs."""


class Stored(NamedTuple):
    """An object at a target."""

    name: str
    size: int


class Target(Protocol):
    """Where backups and logs go: objects by name (`a/b/c`, of letters, digits, and `._-`)."""

    @property
    def label(self) -> str:
        """What people know it by; no secrets in it."""

    def put(self, name: str, data: bytes) -> None:
        """Store an object whole or not at all; one of that name is replaced. Durable after `flush`."""

    def flush(self) -> None:
        """Return when every object put so far is durable."""

    def get(self, name: str) -> bytes:
        """Raises NOT_FOUND."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """All objects whose names begin with `prefix`, in the order of their names."""

    def delete(self, name: str) -> None:
        """Remove an object; fine if it is not there."""
