"""SQLite connections as the engine needs them, and its errors as failures.

One writing connection per process, and a pool of read-only ones. `Guard` keeps write functions from what a replay
could not repeat: changing tables, ending the transaction, touching `log_position`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw

from pillarbox.base.failure import FailureKind
from pillarbox.database.position import TABLE
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Cursor, Row

BUSY_MILLISECONDS = 30_000
_STATEMENTS = 512
_WAL = "PRAGMA journal_mode = WAL"


def connect_writer(path: Path, page_size: int, vfs: str | None) -> apsw.Connection:
    """The writing connection; makes the file if need be. Nothing is checkpointed by itself."""
    connection = apsw.Connection(str(path), vfs=vfs, statementcachesize=_STATEMENTS)
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    connection.execute(f"PRAGMA page_size = {page_size}")
    connection.execute(_WAL)
    connection.wal_autocheckpoint(0)
    # The log is the durability; "normal" is enough for a database that stays in one piece after a power loss.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


def connect_reader(path: Path, vfs: str | None) -> apsw.Connection:
    """A read-only connection."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=vfs, statementcachesize=_STATEMENTS)
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA mmap_size = 268435456")
    return connection


def translate(error: BaseException) -> BaseException:
    """What leaves the engine for an SQLite error; everything else as it is."""
    if isinstance(error, apsw.FullError):
        return Failure(FailureKind.DISK_FULL, "The data volume is full.", error)
    if isinstance(error, apsw.ConstraintError):
        code = getattr(error, "extendedresult", 0)  # apsw sets it, its type stubs do not know
        if code in (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY):
            return Failure(FailureKind.ALREADY_EXISTS, "That exists already.", error)
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return Failure(FailureKind.CORRUPT, f"The database file is damaged: {error}.", error)
    if isinstance(error, apsw.IOError | apsw.CantOpenError | apsw.ReadOnlyError | apsw.NoMemError):
        return Failure(FailureKind.UNAVAILABLE, f"The data volume failed: {error}.", error)
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return Failure(FailureKind.UNAVAILABLE, "The database is busy.", error)
    return error


class Guard:
    """An SQLite authorizer that, while `armed`, allows a statement only to read and write rows.

    For tests of schemas (`Surroundings.guarded`): SQLite asks it about a hundred times a commit.
    """

    _ALLOWED = frozenset(
        {
            apsw.SQLITE_SELECT,
            apsw.SQLITE_READ,
            apsw.SQLITE_INSERT,
            apsw.SQLITE_UPDATE,
            apsw.SQLITE_DELETE,
            apsw.SQLITE_FUNCTION,
            apsw.SQLITE_RECURSIVE,
        }
    )
    _SESSION_PRAGMAS = frozenset({"table_info", "table_xinfo"})  # how a session learns of a table's keys
    _WRITES = frozenset({apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE})

    def __init__(self) -> None:
        self.armed = False

    def __call__(self, action: int, first: str | None, *_: Any) -> int:
        if not self.armed:
            return apsw.SQLITE_OK
        if action == apsw.SQLITE_PRAGMA and first in self._SESSION_PRAGMAS:
            return apsw.SQLITE_OK
        if action not in self._ALLOWED or (action in self._WRITES and first == TABLE):
            return apsw.SQLITE_DENY
        return apsw.SQLITE_OK


class SqlCursor:
    """`model.logged.Cursor` over a connection: each statement gets an SQLite cursor of its own."""

    __slots__ = ("execute", "executemany")

    def __init__(self, connection: apsw.Connection) -> None:
        self.execute: Callable[..., Iterator[Row]] = connection.execute
        self.executemany: Callable[..., Iterator[Row]] = connection.executemany


class PublishingCursor(SqlCursor):
    """`model.logged.WriteCursor`: gathers what one write function publishes."""

    __slots__ = ("publish", "published")

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__(connection)
        self.published: list[object] = []
        self.publish: Callable[[object], None] = self.published.append


class ReadPool:
    """Read-only connections, made as needed and kept for the next."""

    def __init__(self, path: Path, vfs: str | None, damaged: Callable[[Failure], None] | None = None) -> None:
        """`damaged` hears of every failure of the kind CORRUPT that ends a view."""
        self.damaged = damaged
        self._path = path
        self._vfs = vfs
        self._free: list[apsw.Connection] = []
        self._closed = False

    def take(self) -> apsw.Connection:
        if self._closed:
            raise Failure(FailureKind.UNAVAILABLE, "The database is closed.")
        try:
            return self._free.pop()
        except IndexError:
            return connect_reader(self._path, self._vfs)

    def give_back(self, connection: apsw.Connection) -> None:
        """Keep `connection`, unless a result left half read still holds its view."""
        if self._closed or connection.txn_state("main") != apsw.SQLITE_TXN_NONE:
            connection.close(force=True)
        else:
            self._free.append(connection)

    def close(self) -> None:
        self._closed = True
        while self._free:
            self._free.pop().close(force=True)


class Snapshot:
    """One view of the last commit, for `with`."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: ReadPool) -> None:
        self._pool = pool

    def __enter__(self) -> Cursor:
        try:
            self._connection = self._pool.take()
            self._connection.execute("BEGIN")
        except apsw.Error as error:
            raise self._heard(translate(error)) from error
        return SqlCursor(self._connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self._connection
        if connection.in_transaction:
            try:
                connection.execute("COMMIT")
            except apsw.Error as second:  # a damaged file fails here once more
                error = error or second
        self._pool.give_back(connection)
        if isinstance(error, apsw.Error):
            raise self._heard(translate(error)) from error
        if isinstance(error, UnicodeDecodeError):  # SQLite hands out texts as they are
            text = f"The database file is damaged: {error.object[:40]!r} should be a text."
            raise self._heard(Failure(FailureKind.CORRUPT, text, error)) from error
        if error is not None:
            self._heard(error)

    def _heard(self, error: BaseException) -> BaseException:
        if isinstance(error, Failure) and error.kind is FailureKind.CORRUPT and self._pool.damaged is not None:
            self._pool.damaged(error)
        return error
