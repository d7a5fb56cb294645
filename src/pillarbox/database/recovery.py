"""Plays the log forward into the database, from the record that `log_position` names.

The position moves in the same transaction as the rows, so a replay that was broken off goes on where it stopped, and
one that has nothing to do does nothing. A record that does not fit is an error by name, never guessed at.
"""

import apsw

from pillarbox.base.failure import FailureKind
from pillarbox.database.log.mirror import Tail
from pillarbox.database.log.reader import Identity
from pillarbox.database.log.record import Mark, Record, RecordKind
from pillarbox.database.position import Position, write_position
from pillarbox.database.schema import replay_schema, table_names
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Schema

_TRANSACTION_BYTES = 64 << 20
_GATHERED_BYTES = 4 << 20


class Player:
    """Plays a whole tail of the log."""

    def __init__(self, connection: apsw.Connection, schema: Schema, position: Position) -> None:
        self._connection = connection
        self._applier = Applier(connection, schema, position.schema_version)
        self._epoch = position.epoch

    def play(self, tail: Tail, identity: Identity, after: Mark) -> int:
        """Put every record after `after` up to the end of `tail` into the database; how many there were."""
        reader = tail.source.reader(identity)
        count = pending = 0
        before = after.lsn
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for record in reader.records(after):
                self._applier.apply(record)
                count += 1
                pending += len(record.payload)
                if pending >= _TRANSACTION_BYTES or record.lsn == tail.end.lsn:
                    self._applier.finish()
                    write_position(self._connection, self._applier.version, self._epoch, reader.end, before)
                    self._connection.execute("COMMIT", can_cache=False)
                    self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                    self._connection.execute("BEGIN IMMEDIATE")
                    pending, before = 0, reader.end.lsn
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK", can_cache=False)
        return count


class Applier:
    """Applies records to the database behind one connection, in a transaction of the caller's.

    Records are gathered and brought in together: the totals that every delivery changes are then written once for
    many. Where the sum does not go in (a unique value went from one row to another and back), its parts do.
    """

    def __init__(self, connection: apsw.Connection, schema: Schema, version: int) -> None:
        self.version = version
        self._connection = connection
        self._schema = schema
        self._tables = table_names(connection)
        self._gathered: list[Record] = []
        self._size = 0

    def apply(self, record: Record) -> None:
        """Take one record. Raises Failure CORRUPT or WRONG_VERSION where it, or one before, does not fit."""
        if record.kind == RecordKind.SCHEMA:
            self.finish()
            self.version = replay_schema(self._connection, self._schema, self.version, record.payload)
            self._tables = table_names(self._connection)
        elif record.kind == RecordKind.CHANGES:
            if record.schema_version != self.version:
                raise Failure(
                    FailureKind.WRONG_VERSION,
                    f"Log record {record.lsn} changes tables of version {record.schema_version}, but the database has "
                    f"version {self.version}.",
                )
            self._gathered.append(record)
            self._size += len(record.payload)
            if self._size >= _GATHERED_BYTES:
                self.finish()
        else:
            raise Failure(
                FailureKind.WRONG_VERSION, f"Log record {record.lsn} is of kind {record.kind}: run the newer program."
            )

    def finish(self) -> None:
        """All records taken so far are in the tables when this returns."""
        gathered, self._gathered, self._size = self._gathered, [], 0
        if len(gathered) > 1 and self._apply_sum(gathered):
            return
        for record in gathered:
            reason = self._apply_changes(record.payload)
            if reason is not None:
                raise _misfit(record, reason)

    def _apply_sum(self, records: list[Record]) -> bool:
        """Whether the sum of `records` went in; if not, nothing of it did."""
        builder = apsw.ChangesetBuilder()  # type: ignore[no-untyped-call]  # its stub has no types
        try:
            for record in records:
                builder.add(record.payload)
            total = builder.output()
        except apsw.Error:  # one of them does not fit the others: found, and named, one by one
            return False
        finally:
            builder.close()
        self._connection.execute("SAVEPOINT gathered")
        whole = self._apply_changes(total) is None
        if not whole:
            self._connection.execute("ROLLBACK TO gathered")
        self._connection.execute("RELEASE gathered")
        return whole

    def _apply_changes(self, changes: bytes) -> str | None:
        """Why they do not fit, or None."""
        unknown: list[str] = []

        def known(table: str) -> bool:
            if table not in self._tables:
                unknown.append(table)
                return False
            return True

        try:
            apsw.Changeset.apply(changes, self._connection, filter=known, conflict=_refuse)
        except apsw.AbortError as error:
            return str(error)
        return f"it has no table {unknown[0]}" if unknown else None


def _refuse(reason: int, change: apsw.TableChange) -> int:
    return apsw.SQLITE_CHANGESET_ABORT


def _misfit(record: Record, reason: str) -> Failure:
    return Failure(
        FailureKind.CORRUPT, f"Log record {record.lsn} does not fit the database ({reason}): it was changed otherwise."
    )
