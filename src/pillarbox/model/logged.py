"""The port of a logged database: what the mailbox, the directory and the transport queue see of the engine.

A logged database is a set of tables and a transaction log. What `write` returned is on disk in the log (on every
log volume in use), whatever happens to the process, the machine or the database file afterwards.

Rules for the owner of a schema, since a replay could not repeat what breaks them (tests run with an engine that
refuses it):

- Every table has a PRIMARY KEY whose columns cannot be NULL. No triggers, no AUTOINCREMENT, no foreign key
  actions (REFERENCES is documentation only): keep counters in a table of your own.
- Tables are made and changed only in `Schema.create` and `Schema.migrate`, never in a write.
- `migrate` gives the same result whenever it runs: no clock, no randomness, nothing read from elsewhere.
- A write function is plain synchronous code; it runs in the writer thread, must not wait for anything, and does
  not begin or end transactions. It may run a second time only if the first run left no trace.
- SQL stays in the dialect that SQLite and PostgreSQL share; use RETURNING to learn what a statement did.

Not here: what the tables mean, and telling other processes about changes (`Commit` lists go to `net` for that).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import Enum
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

Value = None | int | float | str | bytes
Row = tuple[Any, ...]


class Cursor(Protocol):
    """Where SQL goes. Each call is a statement of its own: iterating one result while running another is fine."""

    def execute(self, sql: str, params: Sequence[Value] = ()) -> Iterator[Row]:
        """Run one statement with `?` parameters; an INSERT, UPDATE or DELETE is done when this returns."""

    def executemany(self, sql: str, params: Iterable[Sequence[Value]]) -> Iterator[Row]:
        """Run one statement for each set of parameters."""


class WriteCursor(Cursor, Protocol):
    """The cursor of one write function."""

    def publish(self, change: object) -> None:
        """Tell the subscribers of this database about `change`, if and when this write is committed."""


class Schema(Protocol):
    """What the owner of a database tells the engine about its tables."""

    @property
    def name(self) -> str:
        """What kind of database this is ("mailbox", "directory", "queue"); checked when it is opened."""

    @property
    def version(self) -> int:
        """The newest version, counted from 1."""

    def create(self, cursor: Cursor) -> None:
        """Make the tables of the newest version (and their first rows) in an empty database."""

    def migrate(self, cursor: Cursor, from_version: int) -> None:
        """Turn the tables of `from_version` into those of `from_version + 1`."""

    def verify(self, cursor: Cursor) -> Iterator[str]:
        """One sentence for each thing that is wrong with the stored rows (a checksum that does not fit, ...)."""


class Commit(NamedTuple):
    """What one commit of this process published: `changes` in the order of the writes."""

    database: str
    position: int
    changes: list[object]


class AlarmKind(Enum):
    """What an operator must hear about. The value is the name used in logs and metrics."""

    LOG_VOLUME_FAILED = "log-volume-failed"  # a write or flush failed; going on with the other log volume
    LOG_VOLUME_MISSING = "log-volume-missing"  # not there at start; going on with the other log volume
    LOG_VOLUME_RESTORED = "log-volume-restored"  # copied from the other, in use again
    PLAYED_FORWARD = "played-forward"  # log records were put into the database that it did not contain
    LOG_CUT = "log-cut"  # a torn last record (never acknowledged) was cut off
    DISK_FULL = "disk-full"  # writes are refused until there is room
    CHECKPOINT_FAILED = "checkpoint-failed"  # the data volume did not take what the log already has
    STOPPED = "stopped"  # writes are refused until the database is opened again
    DAMAGED = "damaged"  # stored bytes fail their checksum: repair the database
    NOT_MOUNTED = "not-mounted"  # cannot be opened, or is dismounted: its people get temporary failures
    STANDBY_GONE = "standby-gone"  # answers no longer wait for a standby's log, or are refused, as the settings say
    STANDBY_BACK = "standby-back"  # a standby has all of the log again, and answers wait for it
    REPLACED = "replaced"  # another server has taken over from this one


class Alarm(NamedTuple):
    """Something about the database that must not pass silently; `text` is one clear sentence."""

    database: str
    kind: AlarmKind
    text: str


class VolumeState(Enum):
    """How far a log volume can be trusted."""

    IN_USE = "in-use"  # holds every acknowledged record
    STALE = "stale"  # failed or missed records; not written until it has been copied afresh
    MISSING = "missing"  # not there when the database was opened


class LogVolume(NamedTuple):
    path: str
    state: VolumeState


class DatabaseStatus(NamedTuple):
    """A database at one moment. `stopped` is why writes are refused for good, or None; `damaged` is the first damage
    that was met while reading or writing, or None."""

    name: str
    schema_version: int
    generation: int
    position: int
    stopped: str | None
    log_volumes: tuple[LogVolume, ...]
    damaged: str | None = None


class LoggedDatabase(Protocol):
    """A database whose writes are in the transaction log before they are answered."""

    @property
    def name(self) -> str: ...

    @property
    def position(self) -> int:
        """The log sequence number (LSN) of the last commit this process made or saw; 1 is the first record."""

    def status(self) -> DatabaseStatus: ...

    async def write(self, fn: Callable[[WriteCursor], T], *, size: int = 0, brief: bool = False) -> T:
        """Run `fn` in a savepoint of its own inside the next commit; its result once that is durable.

        `size` is about how many bytes it adds (it bounds a batch). `brief` says that `fn` takes well under a
        millisecond: a batch of such writes may run on the event loop's thread, which is quicker. What `fn` raises
        undoes `fn` alone and comes out here; a broken UNIQUE rule comes out as Failure(ALREADY_EXISTS). Raises
        Failure DISK_FULL (temporary, passes by itself), UNAVAILABLE (the log or database cannot be written),
        WRONG_VERSION (a newer program has migrated it): nothing was written then. A cancelled caller's write may
        still be committed.
        """

    def write_sync(self, fn: Callable[[WriteCursor], T], *, size: int = 0) -> T:
        """`write` for code without an event loop (command line tools): blocks the calling thread."""

    def read(self) -> AbstractContextManager[Cursor]:
        """One unchanging view of the last commit, for `with`; never waits for a writer.

        Synchronous: keep it short on the event loop's thread, and read long results in pages.
        """

    def subscribe(self, callback: Callable[[Commit], None]) -> Callable[[], None]:
        """Call `callback` after each commit of this process that published something; returns the way to stop.

        To be called on the event loop; `callback` runs there too, before the writers of that commit get their
        answer. Commits of other processes do not come here.
        """

    def close(self) -> None:
        """Finish what is queued, then let go of all files."""
