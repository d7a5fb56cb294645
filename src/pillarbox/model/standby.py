"""The ports of log shipping: a database's log as it grows on the active server, and its copy on a standby.

What is shipped are octets of log segments: whole records, written by the standby at the same offsets of files of the
same names. All calls raise `Failure`: UNAVAILABLE or DISK_FULL (a disk failed: try again), CORRUPT (a checksum does
not fit, or records do not follow each other), NOT_FOUND.
"""

from contextlib import AbstractContextManager
from enum import Enum
from typing import NamedTuple, Protocol

from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LogPoint, Pinned


class LogEnd(NamedTuple):
    """Where a log ends: its last record `lsn`, at octets `start` to `finish` of a segment, with the record's checksum.

    `finish` 0: not even the segment's header is there. `start` 0: the segment holds no record yet; `crc` is then that
    of the record which the segment continues.
    """

    generation: int
    lsn: int
    segment: int
    start: int
    finish: int
    crc: int


class Shipment(NamedTuple):
    """Octets of a segment from `start` on: whole records `first` to `last` (none where `last` is `first` - 1).

    With `start` 0 they begin with the segment's header. `time` is that of the last record, in microseconds.
    """

    generation: int
    segment: int
    start: int
    first: int
    last: int
    time: int
    octets: bytes


class Bond(Enum):
    """What another log is to ours."""

    CONTINUES = "continues"  # its end lies in our history, and the log behind that is still here
    PRUNED = "pruned"  # what follows its end is not here any more
    REPLACED = "replaced"  # it holds records that our history does not


class Traced(NamedTuple):
    """Where another log's end lies in ours. REPLACED: records after `after` do not count, since `generation` began
    there; both 0 where that is not known."""

    bond: Bond
    generation: int = 0
    after: int = 0


class LogSource(Protocol):
    """The committed log of a database on the active server."""

    @property
    def name(self) -> str: ...

    @property
    def uuid(self) -> str: ...

    def committed(self) -> LogPoint:
        """The last committed record that is known of."""

    def look(self) -> LogPoint:
        """The last committed record, asked of the database."""

    def note(self, point: LogPoint) -> None:
        """Somebody committed this record."""

    def trace(self, end: LogEnd) -> Traced:
        """Where the end of another log of this database lies."""

    def read(self, end: LogEnd, most: int) -> tuple[Shipment, LogEnd] | None:
        """What follows `end`: about `most` octets but at least one record, and where they end; None: nothing yet.

        Raises NOT_FOUND where it was pruned.
        """

    def behind(self, end: LogEnd) -> int:
        """How many octets of log lie between `end` and the last committed record."""

    def pin(self) -> AbstractContextManager[Pinned]:
        """See `model.recovery.LiveDatabase`."""


class CopyHead(NamedTuple):
    """What a fresh copy of a database is: `size` octets that contain every record up to `point`."""

    size: int
    uuid: str
    schema_name: str
    schema_version: int
    point: LogPoint


class LogFollower(Protocol):
    """A database on a standby, which repeats the log of the active server's.

    `time` and `applied_time` are those of the last record in the log and in the database, as far as is known (else 0);
    `damage` is why a fresh copy is needed, or None.
    """

    time: int
    applied_time: int
    damage: str | None

    @property
    def name(self) -> str: ...

    @property
    def uuid(self) -> str:
        """32 hex digits; "" where there is no database yet."""

    @property
    def schema_name(self) -> str: ...

    @property
    def schema_version(self) -> int:
        """The newest that this program knows."""

    def end(self) -> LogEnd:
        """Where the log here ends, all of it durable."""

    def applied(self) -> LogPoint:
        """What the database here contains."""

    def append(self, shipment: Shipment) -> None:
        """Write what follows `end`, durably, on every log volume; octets that do not fit are refused as CORRUPT."""

    def begin_copy(self, head: CopyHead) -> None:
        """Take a fresh copy of the database; what is here stays until `finish_copy`."""

    def add_piece(self, offset: int, octets: bytes) -> None: ...

    def finish_copy(self, keep: bool) -> None:
        """Put the copy in place. `keep`: the log that was here is kept aside, since it may hold what no other log
        holds; otherwise it is removed."""


class Safeguard(Protocol):
    """Who must know of a commit before its writers are answered."""

    def confirm(self, point: LogPoint, release: "Release") -> None:
        """Called after each commit, by the writer thread, which goes on: `release` is to be called once, in the order
        of the commits, from any thread: with None when the record is where it should be, or with the Failure that the
        writers get (their writes are committed here all the same)."""


class Release(Protocol):
    """Answers the writers of one commit."""

    def __call__(self, failure: Failure | None) -> None: ...
