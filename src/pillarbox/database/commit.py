"""One commit: many writes, one changeset, one log record, one flush per log volume, one SQLite COMMIT.

Under the database's lock (between processes), in this order:

1. `BEGIN IMMEDIATE`; read `log_position`; if the log holds more than that, a writer died between log and commit:
   play the rest forward first.
2. Run each write in a savepoint of its own. 3. Take the changeset; if there is none, roll back and be done.
4. Move `log_position`. 5. Append the record and flush it on every log volume. 6. `COMMIT`. 7. Release the lock.

What fails before 5 is over leaves nothing behind. If 6 fails (full or broken data volume), the database is asked what
it contains: the commit may have come through after all. If not, nobody was answered, so the record is cut off the log
again, durably, and the writers are told to try later. If the database cannot say, or the log cannot be cut, the record
stays and will be played forward by whoever can (a write that was refused may then appear); this process refuses all
writes until it opens the database again.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import apsw

from pillarbox.base.clock import Clock
from pillarbox.base.failure import FailureKind
from pillarbox.database.connection import Guard, PublishingCursor, translate
from pillarbox.database.disk import Lock
from pillarbox.database.log.mirror import Alarming, Mirror
from pillarbox.database.log.record import Mark, RecordKind, draft, seed
from pillarbox.database.position import Position, create_position, read_position, write_position
from pillarbox.database.recovery import Player
from pillarbox.database.schema import create_tables, migrate_tables, new_session, newer_version
from pillarbox.model.failure import Failure
from pillarbox.model.logged import AlarmKind, Schema, WriteCursor

Collected = tuple[Position, bytes]
Runner = Callable[[Callable[[], Collected]], Collected]


def _directly(work: Callable[[], Collected]) -> Collected:
    return work()


class Request:
    """One write on its way; exactly one of `result` and `error` counts when the commit is over."""

    __slots__ = ("error", "fn", "published", "result", "size")

    def __init__(self, fn: Callable[[WriteCursor], Any], size: int) -> None:
        self.fn = fn
        self.size = size
        self.result: Any = None
        self.error: BaseException | None = None
        self.published: list[object] = []


class Committer:
    """The writing side of one database in one process; used by one thread at a time."""

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        mirror: Mirror,
        lock: Lock,
        schema: Schema,
        clock: Clock,
        alarm: Alarming,
        guarded: bool,
    ) -> None:
        self.mirror = mirror
        self.lock = lock
        self._connect_file = connect
        self._schema = schema
        self._clock = clock
        self._alarm = alarm
        self._guard = Guard()
        self._guarded = guarded
        self.wal_pages = 0
        self.damaged: Callable[[Failure], None] | None = None
        self._full = False
        self.connection = self._connect()
        self.position: Position

    # --- writes ---------------------------------------------------------------------------------------------------

    def commit(self, requests: list[Request], run: Runner = _directly) -> None:
        """Commit `requests` together and note in each what came of it. Raises nothing.

        `run` runs steps 1 to 3, perhaps on another thread.
        """
        try:
            self.lock.acquire()
        except OSError as error:
            self._refuse(requests, Failure(FailureKind.UNAVAILABLE, f"The lock file failed: {error}.", error))
            return
        try:
            self._commit(requests, run)
            self._full = False
        except BaseException as error:
            self._refuse(requests, error)
        finally:
            self._clean_up()
            self.lock.release()

    def _refuse(self, requests: list[Request], error: BaseException) -> None:
        cause = translate(error)
        if isinstance(cause, Failure) and cause.kind is FailureKind.DISK_FULL and not self._full:
            self._full = True
            self._alarm(AlarmKind.DISK_FULL, f"Writes are refused until there is room: {cause.public}")
        self._note_damage(cause)
        for request in requests:
            if request.error is None:
                # Each gets an exception of its own: it will carry its own traceback.
                own = Failure(cause.kind, cause.public, cause.cause) if isinstance(cause, Failure) else cause
                request.error = own

    def _note_damage(self, error: BaseException) -> None:
        if isinstance(error, Failure) and error.kind is FailureKind.CORRUPT and self.damaged is not None:
            self.damaged(error)

    def _commit(self, requests: list[Request], run: Runner) -> None:
        position, changes = run(lambda: self._collect(requests))
        if changes:
            self._finish(RecordKind.CHANGES, changes, position, position.schema_version)
        else:
            self.connection.execute("ROLLBACK", can_cache=False)
            self.position = position

    def _collect(self, requests: list[Request]) -> Collected:
        position = self._begin()
        session = new_session(self.connection)
        try:
            for request in requests:
                self._run(request)
            return position, session.changeset()
        finally:
            session.close()

    def _run(self, request: Request) -> None:
        connection = self.connection
        cursor = PublishingCursor(connection)
        connection.execute("SAVEPOINT one")
        self._guard.armed = True
        try:
            request.result = request.fn(cursor)
            request.published = cursor.published
        except BaseException as error:
            if connection.in_transaction:
                self._guard.armed = False
                connection.execute("ROLLBACK TO one")
            request.error = translate(error)
            self._note_damage(request.error)
        finally:
            self._guard.armed = False
        if not connection.in_transaction:
            # SQLite gave up the whole transaction (a full or broken disk): what ran before is undone too.
            raise request.error or RuntimeError("a write function ended the transaction")
        connection.execute("RELEASE one")

    def _begin(self) -> Position:
        if self.mirror.stopped:
            raise Failure(FailureKind.UNAVAILABLE, self.mirror.stopped)
        self.connection.execute("BEGIN IMMEDIATE")
        position = read_position(self.connection)
        mirror = self.mirror
        if position.epoch != mirror.epoch or not mirror.in_use or mirror.has_tail(position.mark):
            self.connection.execute("ROLLBACK", can_cache=False)
            self.mirror.reload()
            self.catch_up()
            self.connection.execute("BEGIN IMMEDIATE")
            position = read_position(self.connection)
        if position.schema_version != self._schema.version:
            raise newer_version(self._schema, position.schema_version)
        return position

    def _finish(self, kind: RecordKind, payload: bytes, position: Position, version: int) -> None:
        """Steps 4 to 6, in an open transaction."""
        now = self._clock.now()
        record = draft(kind, position.mark, now, version, payload, seed(position.identity.uuid))
        mark = self.mirror.place(record, position.mark)
        epoch = self.mirror.epoch
        write_position(self.connection, version, epoch, mark, position.mark.lsn)
        self.mirror.append(record, position.mark, mark, now, version)
        try:
            if self.mirror.epoch != epoch:
                write_position(self.connection, version, self.mirror.epoch, mark, position.mark.lsn)
            # Not kept in the statement cache, where a write function could find it behind the guard's back.
            self.connection.execute("COMMIT", can_cache=False)
        except (apsw.Error, MemoryError) as error:
            self._commit_failed(error, position.mark, mark)
        self.position = Position(position.identity, version, self.mirror.epoch, mark)

    def _commit_failed(self, error: BaseException, before: Mark, mark: Mark) -> None:
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK", can_cache=False)
            contained = read_position(self.connection).mark
        except apsw.Error as second:
            self.mirror.stop(f"The data volume failed: {second}.")
        if contained.lsn >= mark.lsn:
            return
        self.mirror.cut(before)
        raise error

    def _clean_up(self) -> None:
        """Leave no transaction behind, whatever happened."""
        connection = self.connection
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK", can_cache=False)
            if connection.txn_state("main") == apsw.SQLITE_TXN_NONE:
                return
        except apsw.Error:
            pass  # it could not be rolled back; it goes with its connection
        # A result left half read would keep this connection's view, and the next write would be refused.
        try:
            connection.close(force=True)
            self.connection = self._connect()
        except apsw.Error as error:
            with suppress(Failure):
                self.mirror.stop(f"The data volume failed: {error}.")

    # --- the schema, and coming back ------------------------------------------------------------------------------

    def create(self, position: Position) -> None:
        """Make an empty database's tables. The caller holds the lock."""
        self._change_schema(position, self._schema.version, self._create_all)

    def migrate(self) -> None:
        """Bring the tables to the newest version, one record for each step. The caller holds the lock."""
        while self.position.schema_version < self._schema.version:
            version = self.position.schema_version
            self._change_schema(self.position, version + 1, self._migrate_one)

    def _create_all(self, position: Position) -> bytes:
        create_position(self.connection, position)
        return create_tables(self.connection, self._schema)

    def _migrate_one(self, position: Position) -> bytes:
        return migrate_tables(self.connection, self._schema, position.schema_version)

    def _change_schema(self, position: Position, version: int, change: Callable[[Position], bytes]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            self._finish(RecordKind.SCHEMA, change(position), position, version)
        finally:
            self._clean_up()

    def catch_up(self) -> None:
        """Play forward what the log holds and the database does not. The caller holds the lock."""
        position = read_position(self.connection)
        if position.schema_version > self._schema.version:
            raise newer_version(self._schema, position.schema_version)
        if position.epoch > self.mirror.epoch:
            raise Failure(
                FailureKind.UNAVAILABLE,
                "The log volumes that can be read missed records; the one that holds them all is not there: mount it.",
            )
        tail = self.mirror.settle(position.mark)
        count = Player(self.connection, self._schema, position).play(tail, position.identity, position.mark)
        if count:
            self._alarm(
                AlarmKind.PLAYED_FORWARD,
                f"Played {count} log record{'s' if count > 1 else ''} forward into the database, up to {tail.end.lsn}.",
            )
        self.position = read_position(self.connection)

    def note_epoch(self) -> None:
        """Write the log's epoch into the database, for the other processes to see. The caller holds the lock."""
        if self.position.epoch == self.mirror.epoch:
            return
        position = self.position
        self.connection.execute("BEGIN IMMEDIATE")
        mark = position.mark
        write_position(self.connection, position.schema_version, self.mirror.epoch, mark, mark.lsn)
        self.connection.execute("COMMIT", can_cache=False)
        self.position = position._replace(epoch=self.mirror.epoch)

    # --- the database file ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of all files."""
        self.lock.acquire()
        try:
            self.connection.close(force=True)
        finally:
            self.lock.release()
            self.mirror.close()
            self.lock.close()

    def _connect(self) -> apsw.Connection:
        connection = self._connect_file()
        if self._guarded:
            connection.authorizer = self._guard
        connection.set_wal_hook(self._note_wal)
        return connection

    def _note_wal(self, connection: apsw.Connection, name: str, pages: int) -> int:
        self.wal_pages = pages
        return apsw.SQLITE_OK
